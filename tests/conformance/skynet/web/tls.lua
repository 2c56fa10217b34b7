-- http.tlshelper, and https in http.httpd and http.httpc (docs/skynet-rules.md 1.10), server and
-- client in this service. The certificates lie in the folder that the configuration names.
local core <const> = require "gatehouse.tls"
local httpc <const> = require "http.httpc"
local httpd <const> = require "http.httpd"
local rules <const> = require "tls_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"
local tlshelper <const> = require "http.tlshelper"
local url <const> = require "http.url"

local HOST <const> = rules.HOST
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule
local BIG <const> = ("0123456789abcdef"):rep(1 << 16)

-- Answers by the path of the request.
local answers <const> = {
	["/echo"] = function(write, request)
		httpd.write_response(write, 200, request.method .. " " .. request.body)
	end,
	["/big"] = function(write)
		httpd.write_response(write, 200, BIG)
	end,
	["/chunks"] = function(write)
		local left = 20
		httpd.write_response(write, 200, function()
			left = left - 1
			return left >= 0 and ("%d "):format(left):rep(10000) or nil
		end)
	end,
	["/until-end"] = function(write)
		write "HTTP/1.0 200 OK\r\n\r\nup to "
		write "the end"
	end,
	["/cut-off"] = function(write, request)
		write "HTTP/1.0 200 OK\r\n\r\nup to here"
		socket.onclosing(request.fd, nil) -- no close_notify
	end,
	["/short"] = function(write)
		write "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
	end,
	["/silent"] = function(_, request)
		socket.read(request.fd)
	end,
	["/not-tls"] = function(write, request)
		write "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
		socket.write(request.fd, ("plain text in between "):rep(10))
	end,
}

local function https_server(fd, tls)
	local write <const> = tlshelper.writefunc(fd, tls)
	local code <const>, target <const>, method <const>, header <const>, body <const> =
		httpd.read_request(tlshelper.readfunc(fd, tls))
	if code == 200 then
		local request <const> = { fd = fd, method = method, header = header, body = body }
		answers[url.parse(target)](write, request)
	elseif code then
		httpd.write_response(write, code)
	end
end

local function requests(port)
	local host <const> = "https://" .. HOST .. ":" .. port
	rule("1.10 httpc.get over TLS", function()
		local header <const> = {}
		local code <const>, body <const> = httpc.get(host, "/echo", header)
		equal(code, 200)
		equal(body, "GET ")
		equal(header["content-length"], "4")
		equal(select(2, httpc.get("https://localhost:" .. port, "/echo")), "GET ")
	end)
	rule("1.10 httpc.post over TLS", function()
		equal(select(2, httpc.post(host, "/echo", { a = "b" })), "POST a=b")
	end)
	rule("1.10 large bodies over TLS, both ways", function()
		local code <const>, body <const> = httpc.request("PUT", host, "/echo", nil, nil, BIG)
		equal(code, 200)
		equal(body == "PUT " .. BIG, true)
		equal(select(2, httpc.get(host, "/big")) == BIG, true)
	end)
	rule("1.10 chunked bodies over TLS", function()
		local wanted <const> = {}
		for i = 19, 0, -1 do
			wanted[#wanted + 1] = ("%d "):format(i):rep(10000)
		end
		equal(select(2, httpc.get(host, "/chunks")) == table.concat(wanted), true)
		local parts = 0
		for part in httpc.request_stream("GET", host, "/chunks") do
			parts = parts + #part
		end
		equal(parts, #table.concat(wanted))
	end)
	rule("1.10 many requests over TLS at once", function()
		local left = 40
		for i = 1, left do
			skynet.fork(function()
				equal(select(2, httpc.request("PUT", host, "/echo", nil, nil, "x" .. i)), "PUT x" .. i)
				left = left - 1
			end)
		end
		rules.wait_until(function()
			return left == 0
		end)
	end)
	rule("RFC 8446 6.1 the end of a body, and one that is cut off", function()
		equal(select(2, httpc.get(host, "/until-end")), "up to the end")
		raises("tls: the connection is cut off", httpc.get, host, "/cut-off")
		raises("[Socket Error]", httpc.get, host, "/short")
		local stream <const> = httpc.request_stream("GET", host, "/cut-off")
		equal(stream(), "up to here")
		raises("cut off", stream)
		equal(stream.connected, false)
	end)
	rule("RFC 8446 5.2 bytes that are not of the session", function()
		raises("tls: ", httpc.get, host, "/not-tls")
	end)
	rule("1.10 httpc.timeout over TLS", function()
		httpc.timeout = 30
		raises("timeout", httpc.get, host, "/silent")
		local mute <const> = rules.serve(function(fd)
			socket.readall(fd)
		end)
		raises("timeout", httpc.get, "https://" .. HOST .. ":" .. mute, "/")
		httpc.timeout = nil
	end)
	rule("1.10 schemes", function()
		raises("ftp is not supported", httpc.get, "ftp://" .. HOST, "/")
		raises("cannot connect", httpc.get, "https://" .. HOST .. ":" .. rules.free_port(), "/")
		equal((httpc.get("HTTPS" .. host:sub(6), "/echo")), 200)
	end)
end

-- What httpc says to a server with that certificate.
local function judge(name, options, host)
	local port <const> = rules.serve_tls(name, https_server)
	local before <const> = httpc.tls
	httpc.tls = options
	local ok <const>, message <const> =
		pcall(httpc.get, "https://" .. (host or HOST) .. ":" .. port, "/echo")
	httpc.tls = before
	return ok and "fine" or message:match ": (.*)$"
end

local function verification()
	local ca <const> = { ca_file = rules.pem "ca" }
	local refused <const> = "tls: the certificate is refused: "
	rule("5.2 httpc verifies its servers", function()
		equal(judge("here", ca), "fine")
		equal(judge("here", {}), refused .. "unable to get local issuer certificate")
		rules.wait_until(function()
			return rules.last_refusal == "tls: the peer refuses: tlsv1 alert unknown ca"
		end)
		equal(judge("here", nil), refused .. "unable to get local issuer certificate")
		local stranger <const> = { ca_file = rules.pem "stranger" }
		equal(judge("here", stranger), refused .. "unable to get local issuer certificate")
		equal(judge("self", ca), refused .. "self-signed certificate")
		equal(judge("expired", ca), refused .. "certificate has expired")
	end)
	rule("5.2 httpc verifies names and addresses", function()
		equal(judge("other", ca), refused .. "IP address mismatch")
		equal(judge("other", ca, "localhost"), refused .. "hostname mismatch")
	end)
	rule("5.2 httpc.tls", function()
		equal(judge("expired", { verify = false }), "fine")
		equal(judge("self", { ca_file = rules.pem "self" }, "localhost"), "fine")
		local ctx <const> = tlshelper.newctx()
		ctx:trust(rules.pem "ca")
		equal(judge("here", { context = ctx }), "fine")
		equal(judge("here", { ca_file = rules.pem "none" }):match "cannot open", "cannot open")
		equal(judge("here", { verify = false, ciphers = "TLS_AES_256_GCM_SHA384" }), "fine")
		assert(tlshelper.context_for(ca) == tlshelper.context_for { ca_file = rules.pem "ca" })
		assert(tlshelper.context_for(ca) ~= tlshelper.context_for {})
	end)
end

local function bad_peers(port)
	rule("1.10 a plain client on a TLS port", function()
		rules.last_refusal = nil
		local code <const> = pcall(httpc.get, "http://" .. HOST .. ":" .. port, "/echo")
		equal(code, false)
		equal(rules.last_refusal, "tls: http request")
	end)
	rule("1.10 a TLS client on a plain port", function()
		local plain <const> = rules.serve(function(fd)
			-- It looks for lines, which a client's hello does not have.
			local code <const> = httpd.read_request(sockethelper.readfunc(fd))
			equal(code, nil)
		end)
		httpc.timeout = 20
		raises("timeout", httpc.get, "https://" .. HOST .. ":" .. plain, "/")
		httpc.timeout = nil
		local talks <const> = rules.serve(function(fd)
			httpd.write_response(sockethelper.writefunc(fd), 400)
			socket.readall(fd)
		end)
		raises("tls: wrong version number", httpc.get, "https://" .. HOST .. ":" .. talks, "/")
	end)
	rule("1.10 a peer that ends in the handshake", function()
		for size = 0, 200, 40 do
			rules.last_refusal = nil
			local fd <const> = assert(socket.open(HOST, port))
			local tls <const> = core.newtls("client", tlshelper.context_for(httpc.tls), HOST)
			socket.write(fd, tls:handshake():sub(1, size))
			socket.close(fd)
			rules.wait_until(function()
				return rules.last_refusal == "tls: the connection ends in the handshake"
			end)
		end
		local short <const> = rules.serve(function(fd)
			socket.read(fd)
		end)
		raises("ends in the handshake", httpc.get, "https://" .. HOST .. ":" .. short, "/")
	end)
	rule("1.10 a peer that never finishes the handshake", function()
		tlshelper.HANDSHAKE_CS = 20
		local fd <const> = assert(socket.open(HOST, port))
		equal(socket.readall(fd), "")
		socket.close(fd)
		equal(rules.last_refusal, "tls: the handshake takes too long")
		tlshelper.HANDSHAKE_CS = 1000
		equal((httpc.get("https://" .. HOST .. ":" .. port, "/echo")), 200)
	end)
	rule("1.10 garbage on a TLS port", function()
		for _, bytes in ipairs { "\0", ("\xff"):rep(5000), "\x16\x03\x01\xff\xff" .. ("x"):rep(70000) } do
			local fd <const> = assert(socket.open(HOST, port))
			socket.write(fd, bytes)
			if bytes == "\0" then
				socket.write(fd, ("\0"):rep(20))
			end
			socket.readall(fd)
			socket.close(fd)
		end
		equal((httpc.get("https://" .. HOST .. ":" .. port, "/echo")), 200)
	end)
end

local function helper()
	local port <const> = rules.serve_tls("here", function(fd, tls)
		local read <const>, write <const> = tlshelper.readfunc(fd, tls), tlshelper.writefunc(fd, tls)
		write { "hel", "lo " }
		write(read(3) .. "|" .. read(2) .. "|" .. read())
	end)
	rule("1.10 tlshelper readfunc and writefunc", function()
		local fd <const>, tls <const> = rules.connect_tls(port)
		local read <const> = tlshelper.readfunc(fd, tls, "before ")
		equal(read(9), "before he")
		equal(read(4), "llo ")
		tlshelper.writefunc(fd, tls)(BIG:sub(1, 100))
		equal(read(7), "012|34|")
		equal(read(95), BIG:sub(6, 100))
		raises("[Socket Error]", read)
		equal(tls:ended(), true)
		socket.close(fd)
		tlshelper.closefunc(tls)()
		raises("closed", tls.read, tls)
	end)
	rule("1.10 tlshelper readallfunc", function()
		local fd <const>, tls <const> = rules.connect_tls(port)
		tlshelper.writefunc(fd, tls) "123456"
		equal(tlshelper.readallfunc(fd, tls)(), "hello 123|45|6")
		socket.close(fd)
	end)
	rule("1.10 tlshelper contexts that cannot be", function()
		local ctx <const> = tlshelper.newctx()
		raises("cannot open", ctx.set_cert, ctx, rules.pem "none", rules.key "none")
		raises("private key mismatch", ctx.set_cert, ctx, rules.pem "here", rules.key "other")
		raises("no ciphers", ctx.set_ciphers, ctx, "nonsense")
		raises("a server needs a certificate", tlshelper.newtls, "server", ctx)
		raises("needs the name", tlshelper.newtls, "client", ctx)
		raises("invalid option", tlshelper.newtls, "peer", ctx)
		ctx:set_verify(false)
		tlshelper.newtls("client", ctx):close()
	end)
end

-- Carries bytes between two sessions until both have finished.
local function marry(client, server)
	local out = client:handshake()
	while not (client:finished() and server:finished()) do
		local back <const> = server:handshake(out)
		out = back and client:handshake(back)
	end
	server:handshake(out)
end

local function engine()
	local function client_for(name, ...)
		local ctx <const> = core.newctx()
		ctx:trust(rules.pem "ca")
		ctx:set_alpn(...)
		return core.newtls("client", ctx, name)
	end
	rule("1.10 sessions without a socket", function()
		equal(require "ltls.c".newtls, core.newtls)
		local client <const>, server <const> =
			client_for "localhost", core.newtls("server", rules.showing "here")
		raises("the handshake is not over", client.write, client, "early")
		marry(client, server)
		equal(server:read(client:write "question"), "question")
		equal(client:read(server:write "answer"), "answer")
		equal(client:info().version, "TLSv1.3")
		equal(client:info().alpn, nil)
		equal(client:take(), nil)
		equal(client:take(0), "")
		client:handshake(server:write "12345")
		equal(client:take(6), nil)
		equal(client:take(2), "12")
		equal(client:take(), "345")
		equal(server:read(client:farewell()), "")
		equal(client:farewell(), nil)
		rules.same(true)(server:ended(true))
		rules.same(false)(client:ended())
		rules.same(false, "tls: the connection is cut off")(client:ended(true))
		raises("has ended", client.write, client, "late")
		local sealed <const> = server:write "secret"
		local changed <const> = sealed:sub(1, -2) .. string.char(sealed:byte(-1) ~ 1)
		raises("tls: ", client.read, client, changed)
		equal(client:failed(), true)
		equal(client:output(), nil) -- it has said farewell
		server:close()
		server:close()
		raises("closed", server.write, server, "x")
	end)
	rule("5.2 SNI and ALPN", function()
		local ctx <const> = rules.showing "here"
		ctx:add_cert(rules.pem "other", rules.key "other")
		ctx:set_alpn("http/1.1", "x")
		for _, name in ipairs { "localhost", "other.test" } do
			local client <const>, server <const> = client_for(name, "x"), core.newtls("server", ctx)
			marry(client, server)
			equal(server:info().server_name, name)
			equal(client:info().alpn, "x")
		end
		ctx:set_cert(rules.pem "other", rules.key "other")
		local client <const>, server <const> = client_for "localhost", core.newtls("server", ctx)
		raises("hostname mismatch", marry, client, server)
		raises("tls: the peer refuses: sslv3 alert bad certificate", server.read, server, client:output())
	end)
end

rules.run("tls", function()
	httpc.tls = { ca_file = rules.pem "ca" }
	local port <const> = rules.serve_tls("here", https_server)
	requests(port)
	verification()
	bad_peers(port)
	helper()
	engine()
	rule("1.10 TLS leaves no socket", function()
		rules.wait_until(rules.no_connection)
	end)
end)
