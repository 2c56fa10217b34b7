-- http.websocket over TLS (docs/skynet-rules.md 1.10), server and client in this service.
local frame <const> = require "http.websocket.frame"
local handshake <const> = require "http.websocket.handshake"
local httpd <const> = require "http.httpd"
local rules <const> = require "tls_rules"
local service <const> = require "skynet.service"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local tlshelper <const> = require "http.tlshelper"
local websocket <const> = require "http.websocket"

local HOST <const> = rules.HOST
local MASK <const> = "\x37\xfa\x21\x3d"
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local seen -- what the handle saw of the last connection

local function note(...)
	seen[#seen + 1] = table.concat({ ... }, " ")
end

local handle <const> = {
	connect = function()
		note "connect"
	end,
	handshake = function(id, header, url)
		note("handshake", url, header.host and "host", websocket.addrinfo(id))
	end,
	message = function(id, data, kind)
		if data == "close" then
			websocket.close(id, 4001, "as you wish")
		elseif data == "raise" then
			error "the handle raises"
		else
			websocket.write(id, data, kind)
		end
	end,
	ping = function()
		note "ping"
	end,
	close = function(_, code, reason)
		note("close", tostring(code), reason)
	end,
	error = function(_, message)
		note("error", (message:match "^[^\n]*"))
	end,
}

-- Listens for wss; each connection gets these options.
local function listen(options)
	local listener <const>, _, port <const> = socket.listen(HOST, 0)
	socket.start(listener, function(fd, address)
		seen = {}
		local ok <const>, message <const> = websocket.accept(fd, handle, "wss", address, options)
		note(ok and "accepted" or "accept failed: " .. message)
	end)
	return port
end

-- Waits until the server's connection is over; returns what was seen of it.
local function over()
	rules.wait_until(function()
		return seen and seen[#seen] and seen[#seen]:find "^accept"
	end)
	local log <const> = table.concat(seen, "|")
	seen = nil
	return log
end

local function conversation(url)
	rule("1.10 wss accept and connect", function()
		local id <const> = websocket.connect(url .. "/path?q", nil, 3000)
		for _, size in ipairs { 0, 1, 125, 126, 16384, 65535, 65536, 262144 } do
			equal(websocket.write(id, ("y"):rep(size)), true)
			local data <const>, kind <const> = websocket.read(id)
			equal(#data, size)
			equal(kind, "text")
		end
		websocket.write(id, "\xff\0", "binary")
		local data <const>, kind <const> = websocket.read(id)
		equal(data, "\xff\0")
		equal(kind, "binary")
		websocket.ping(id)
		websocket.close(id, 1000, "bye")
		local log <const> = over()
		assert(log:find "^connect|handshake /path%?q host 127%.0%.0%.1:%d+|ping|close 1000 bye|", log)
	end)
	rule("1.10 wss the server closes", function()
		local id <const> = websocket.connect(url)
		websocket.write(id, "close")
		local data <const>, payload <const> = websocket.read(id)
		equal(data, false)
		equal(payload, "\x0f\xa1as you wish")
		equal(websocket.write(id, "late"), false)
		assert(over():find "|close 4001 as you wish|accepted$")
	end)
	rule("1.10 wss a handle that raises", function()
		local id <const> = websocket.connect(url)
		websocket.write(id, "raise")
		equal(select(2, websocket.read(id)):sub(1, 2), "\x03\xf3")
		assert(over():find "the handle raises.*|accept failed: ")
	end)
	rule("1.10 wss many at once", function()
		local left = 20
		for i = 1, left do
			skynet.fork(function()
				local id <const> = websocket.connect(url)
				for round = 1, 20 do
					websocket.write(id, i .. ":" .. round)
					equal(websocket.read(id), i .. ":" .. round)
				end
				websocket.close(id, 1000)
				left = left - 1
			end)
		end
		rules.wait_until(function()
			return left == 0 and rules.no_connection()
		end)
		seen = nil
	end)
end

-- A client's connection after both handshakes, whose bytes the test writes and reads itself.
local function raw(port)
	local fd <const>, tls <const> = rules.connect_tls(port)
	local read <const>, write <const> = tlshelper.readfunc(fd, tls), tlshelper.writefunc(fd, tls)
	equal((handshake.open(read, write, "host", "/raw")), "")
	return fd, tls, write
end

local function masked(first, payload)
	return string.char(first, 0x80 | #payload) .. MASK .. frame.encode("text", payload, MASK):sub(7)
end

local function frames(port)
	rule("RFC 6455 5.4 fragments over TLS", function()
		local fd <const>, tls <const>, write <const> = raw(port)
		write(masked(0x01, "one ") .. masked(0x89, "mid"))
		write(masked(0x00, "two "))
		for byte in (masked(0x80, "three") .. masked(0x88, "\x03\xe8")):gmatch "." do
			write(byte)
		end
		local answer <const> = tlshelper.readallfunc(fd, tls)()
		equal(answer, "\x8a\x03mid\x81\x0done two three\x88\x02\x03\xe8")
		socket.close(fd)
		assert(over():find "|close 1000 |accepted$")
	end)
	rule("1.10 wss a peer that vanishes", function()
		local fd <const> = raw(port)
		socket.shutdown(fd)
		socket.close(fd)
		assert(over():find "|error %[Socket Error%]|accepted$")
	end)
	rule("1.10 wss bytes that are not of the session", function()
		local fd <const> = raw(port)
		socket.write(fd, ("plain"):rep(100))
		socket.readall(fd)
		socket.close(fd)
		assert(over():find "|error tls: .*|accepted$")
	end)
	rule("RFC 6455 7.1 a frame that breaks the rules, over TLS", function()
		local fd <const>, tls <const>, write <const> = raw(port)
		write "\x81\x01x"
		local first <const>, _, code <const> =
			string.unpack(">BBI2", tlshelper.readfunc(fd, tls)(4))
		equal(first, 0x88)
		equal(code, 1002)
		socket.close(fd)
		assert(over():find "|error websocket: .*|accepted$")
	end)
end

local function failures(port, url)
	rule("5.2 a failed wss handshake leaves no socket", function()
		for _, bytes in ipairs { "GET / HTTP/1.1\r\n\r\n", ("\xff"):rep(100), "" } do
			local fd <const> = assert(socket.open(HOST, port))
			socket.write(fd, bytes)
			if bytes == "" then
				socket.close(fd)
			else
				socket.readall(fd)
				socket.close(fd)
			end
			local log <const> = over()
			assert(log:find "^connect|error tls: .*|accepted$", log)
		end
		rules.wait_until(rules.no_connection)
	end)
	rule("5.2 wss verifies its servers", function()
		local before <const> = websocket.tls
		for wanted, options in pairs {
			["unable to get local issuer"] = {},
			["unable to get local issuer certificate"] = { ca_file = rules.pem "stranger" },
		} do
			websocket.tls = options
			raises(wanted, websocket.connect, url)
			assert(over():find "^connect|error tls: the peer refuses: .*|accepted$")
		end
		websocket.tls = { verify = false }
		local id <const> = websocket.connect(url)
		websocket.close(id)
		websocket.tls = before
		over()
	end)
	rule("1.10 wss a client that never speaks", function()
		local slow <const> = listen { handshake_timeout = 10 }
		local fd <const> = assert(socket.open(HOST, slow))
		equal(socket.readall(fd), "")
		socket.close(fd)
		equal(over(), "connect|error websocket: the handshake takes too long|accepted")
		local mute <const> = rules.serve(function(other)
			socket.readall(other)
		end)
		raises("takes too long", websocket.connect, "wss://" .. HOST .. ":" .. mute, nil, 100)
	end)
	rule("1.10 wss and ws at the wrong port", function()
		raises("[Socket Error]", websocket.connect, "ws://" .. HOST .. ":" .. port)
		assert(over():find "error tls: http request")
		local plain <const> = rules.serve(function(fd)
			socket.write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n")
			socket.readall(fd)
		end)
		raises("tls: wrong version", websocket.connect, "wss://" .. HOST .. ":" .. plain)
	end)
	rule("1.10 wss certificates of the configuration and of the options", function()
		local here <const> = listen { certfile = rules.pem "other", keyfile = rules.key "other" }
		raises("IP address mismatch", websocket.connect, "wss://" .. HOST .. ":" .. here)
		over()
		local none <const> = listen { certfile = rules.pem "none", keyfile = rules.key "none" }
		raises("", websocket.connect, "wss://" .. HOST .. ":" .. none)
		assert(over():find "^accept failed: .*cannot open")
		rules.wait_until(rules.no_connection)
	end)
	rule("1.10 wss upgrade of a request that httpd read", function()
		local upgraded <const> = rules.serve_tls("here", function(fd, tls)
			seen = {}
			local code <const>, target <const>, method <const>, header <const> =
				httpd.read_request(tlshelper.readfunc(fd, tls))
			equal(code, 200)
			local upgrade <const> = { method = method, url = target, header = header }
			note(tostring(websocket.accept(fd, handle, "wss", "", { upgrade = upgrade, tls = tls })))
			note "accepted"
		end)
		local id <const> = websocket.connect("wss://" .. HOST .. ":" .. upgraded .. "/up")
		websocket.write(id, "hello")
		equal(websocket.read(id), "hello")
		websocket.close(id, 1000)
		assert(over():find "^connect|handshake /up host .*close 1000 |true|accepted$")
	end)
	rule("1.10 wss a service that is killed", function()
		local victim <const> = service.new("wss_victim", function(address, ca_file)
			local ws <const> = require "http.websocket"
			ws.tls = { ca_file = ca_file }
			local id <const> = ws.connect(address)
			ws.write(id, "hello")
			assert(ws.read(id) == "hello")
			require("skynet").fork(ws.read, id)
		end, url, rules.pem "ca")
		skynet.kill(victim)
		assert(over():find "|error %[Socket Error%]|accepted$")
	end)
	rule("1.10 wss other protocols raise", function()
		raises("wsx is not supported", websocket.accept, 1, {}, "wsx")
		raises("http is not supported", websocket.connect, "http://" .. HOST)
	end)
end

rules.run("wss", function()
	websocket.tls = { ca_file = rules.pem "ca" }
	local port <const> = listen() -- with what the configuration calls certfile and keyfile
	local url <const> = "wss://" .. HOST .. ":" .. port
	conversation(url)
	frames(port)
	failures(port, url)
	rule("1.10 wss leaves no socket", function()
		rules.wait_until(rules.no_connection)
	end)
end)
