-- For peers that are not ours: serves https and wss on ports that it prints, or, when the
-- configuration names a port, asks the https server there, which the system has to trust, and
-- prints what it answers.
local httpc <const> = require "http.httpc"
local httpd <const> = require "http.httpd"
local rules <const> = require "tls_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local tlshelper <const> = require "http.tlshelper"
local websocket <const> = require "http.websocket"
require "skynet.manager"

local function say(...)
	io.write(string.format(...), "\n")
	io.flush()
end

local function serve()
	local https <const> = rules.serve_tls("here", function(fd, tls)
		local read <const>, write <const> = tlshelper.readfunc(fd, tls), tlshelper.writefunc(fd, tls)
		local code <const>, url <const>, method <const>, _, body <const> =
			httpd.read_request(read, math.huge)
		if url == "/quit" then
			httpd.write_response(write, 200, "bye")
			socket.close(fd)
			skynet.abort()
		elseif code then
			httpd.write_response(write, code, code == 200 and method .. " " .. body or nil)
		end
	end)
	local listener <const>, _, wss <const> = socket.listen(rules.HOST, 0)
	socket.start(listener, function(fd)
		websocket.accept(fd, { message = websocket.write }, "wss")
	end)
	say("ports %d %d", https, wss)
end

local function ask(port)
	local host <const> = "https://127.0.0.1:" .. port
	for _, path in ipairs { "/small", "/big", "/until-end", "/cut-off" } do
		local ok <const>, code <const>, body <const> = pcall(httpc.get, host, path)
		if ok then
			say("%s %d %d %s", path, code, #body, body:sub(-10))
		else
			say("%s raised %s", path, code)
		end
	end
	local _, body <const> = httpc.request("PUT", host, "/length", nil, nil, ("x"):rep(3000000))
	say("/length %s", body)
	skynet.abort()
end

skynet.start(function()
	local port <const> = skynet.getenv "port"
	if port then
		ask(port)
	else
		serve()
	end
end)
