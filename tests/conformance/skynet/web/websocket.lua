-- http.websocket (docs/skynet-rules.md 1.10; RFC 6455): our client against our server, and each
-- against bytes.
local frame <const> = require "http.websocket.frame"
local handshake <const> = require "http.websocket.handshake"
local httpd <const> = require "http.httpd"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"
local websocket <const> = require "http.websocket"

local HOST <const> = rules.HOST
local MASK <const> = "\x37\xfa\x21\x3d"
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

-- What the handle saw of the last connection.
local seen
local options = {}

local function note(...)
	seen[#seen + 1] = table.concat({ ... }, " ")
end

local handle <const> = {
	connect = function()
		note "connect"
	end,
	handshake = function(id, header, url)
		note("handshake", url, header.host and "host", websocket.addrinfo(id), websocket.real_ip(id))
	end,
	message = function(id, data, kind)
		note(kind, #data > 40 and #data or data)
		if data == "close" then
			websocket.close(id, 4001, "as you wish")
			equal(websocket.is_close(id), true)
			equal(websocket.write(id, "late"), false)
		elseif data == "raise" then
			error "the handle raises"
		elseif data == "ping" then
			websocket.ping(id)
		else
			websocket.write(id, data, kind)
		end
	end,
	ping = function()
		note "ping"
	end,
	pong = function()
		note "pong"
	end,
	close = function(_, code, reason)
		note("close", tostring(code), reason)
	end,
	error = function(_, message)
		note("error", (message:match "^[^\n]*"))
	end,
}

local function listen(accept)
	local listener <const>, _, port <const> = socket.listen(HOST, 0)
	socket.start(listener, function(fd, address)
		seen = {}
		note(select(2, accept(fd, address)) and "accept failed" or "accepted")
	end)
	return port
end

-- Waits until the server's connection is over; returns what was seen of it.
local function over()
	rules.wait_until(function()
		return seen[#seen]:find "^accept"
	end)
	return table.concat(seen, "|")
end

-- A connection on which the test writes and reads bytes itself.
local function raw(port)
	local fd <const> = assert(socket.open(HOST, port))
	local rest <const> =
		handshake.open(sockethelper.readfunc(fd), sockethelper.writefunc(fd), "host", "/raw")
	equal(rest, "")
	return fd
end

-- The server's answer to these bytes, up to the end of the connection.
local function answer(port, bytes)
	local fd <const> = raw(port)
	socket.write(fd, bytes)
	local data <const> = socket.readall(fd)
	socket.close(fd)
	return data
end

local function close_code(data)
	return #data >= 4 and data:byte(1) == 0x88 and string.unpack(">I2", data, 3) or data
end

local function vectors()
	rule("RFC 6455 1.3 the key's answer", function()
		equal(handshake.accept_key "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
	end)
	rule("RFC 6455 5.7 frames", function()
		equal(frame.encode("text", "Hello"), "\x81\x05Hello")
		equal(frame.encode("text", "Hello", MASK), "\x81\x85" .. MASK .. "\x7f\x9f\x4d\x51\x58")
		equal(frame.encode("ping", "Hello"), "\x89\x05Hello")
		equal(frame.encode("binary", ("x"):rep(256)):sub(1, 4), "\x82\x7e\x01\x00")
		equal(
			frame.encode("binary", ("x"):rep(65536)):sub(1, 10),
			"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
		)
	end)
end

local function conversation(port)
	local url <const> = "ws://" .. HOST .. ":" .. port
	rule("1.10 websocket accept and connect", function()
		local id <const> = websocket.connect(url .. "/path?q", { ["X-Real-IP"] = "192.0.2.1" }, 3000)
		for _, size in ipairs { 0, 1, 125, 126, 65535, 65536, 262144 } do
			equal(websocket.write(id, ("y"):rep(size)), true)
			local data <const>, kind <const> = websocket.read(id)
			equal(data, ("y"):rep(size))
			equal(kind, "text")
		end
		websocket.write(id, "\xff\0", "binary")
		local data <const>, kind <const> = websocket.read(id)
		equal(data, "\xff\0")
		equal(kind, "binary")
		equal(websocket.is_close(id), false)
		websocket.close(id, 1000, "bye")
		equal(websocket.is_close(id), true)
		local log <const> = over()
		assert(log:find "^connect|handshake /path%?q host 127%.0%.0%.1:%d+ 192%.0%.2%.1|text |", log)
		assert(log:find "|close 1000 bye|accepted$", log)
	end)
	rule("1.10 websocket masks of the caller's choice", function()
		local id <const> = websocket.connect(url)
		websocket.write(id, "masked", "text", MASK)
		equal(websocket.read(id), "masked")
		websocket.close(id)
		assert(over():find "close nil|accepted$")
	end)
	rule("1.10 websocket ping and pong", function()
		local id <const> = websocket.connect(url)
		websocket.ping(id)
		websocket.write(id, "ping")
		websocket.write(id, "after")
		equal(websocket.read(id), "after")
		rules.wait_until(function()
			return table.concat(seen, "|"):find "|ping|text ping|text after|pong"
		end)
		websocket.close(id)
		over()
	end)
	rule("1.10 websocket the server closes", function()
		local id <const> = websocket.connect(url)
		websocket.write(id, "close")
		local data <const>, payload <const> = websocket.read(id)
		equal(data, false)
		equal(payload, "\x0f\xa1as you wish")
		equal(websocket.read(id), false)
		equal(websocket.write(id, "late"), false)
		equal(websocket.addrinfo(id), nil)
		assert(over():find "|text close|close 4001 as you wish|accepted$")
	end)
	rule("1.10 websocket a handle that raises", function()
		local id <const> = websocket.connect(url)
		websocket.write(id, "raise")
		local data <const>, payload <const> = websocket.read(id)
		equal(data, false)
		equal(string.unpack(">I2", payload), 1011)
		local log <const> = over()
		assert(log:find "error .*the handle raises|accept failed$", log)
	end)
	rule("1.10 websocket a peer that vanishes", function()
		local fd <const> = raw(port)
		socket.shutdown(fd)
		socket.close(fd)
		assert(over():find "error %[Socket Error%]|accepted$")
	end)
	rule("1.10 websocket warns of what a peer does not read", function()
		local warned
		local slow <const> = listen(function(fd, address)
			return websocket.accept(fd, {
				handshake = function(id)
					for _ = 1, 256 do
						websocket.write(id, ("z"):rep(1 << 16), "binary")
					end
				end,
				warning = function(_, kilobytes)
					warned = kilobytes
				end,
			}, "ws", address)
		end)
		local fd <const> = assert(socket.open(HOST, slow))
		handshake.open(function()
			return assert(socket.readline(fd, "\r\n\r\n")) .. "\r\n\r\n"
		end, sockethelper.writefunc(fd), "host", "/slow")
		socket.pause(fd)
		rules.wait_until(function()
			return warned
		end)
		assert(warned >= 1024, warned)
		socket.shutdown(fd)
		socket.close(fd)
		over()
	end)
	rule("1.10 websocket many at once", function()
		local left = 30
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
	end)
end

local function masked(first, payload)
	return string.char(first, 0x80 | #payload) .. MASK .. frame.encode("text", payload, MASK):sub(7)
end

local function frames(port)
	local bye <const> = masked(0x88, "\x03\xe8")
	rule("RFC 6455 5.4 fragments, with control frames between", function()
		local bytes <const> = masked(0x01, "one ")
			.. masked(0x89, "mid")
			.. masked(0x00, "")
			.. masked(0x00, "two ")
			.. masked(0x80, "three")
			.. bye
		equal(answer(port, bytes), "\x8a\x03mid\x81\x0done two three\x88\x02\x03\xe8")
		over()
	end)
	rule("RFC 6455 8.1 UTF-8 that fragments divide", function()
		local bytes <const> = masked(0x01, "\xc3") .. masked(0x80, "\xa4") .. bye
		equal(answer(port, bytes):sub(1, 4), "\x81\2\xc3\xa4")
		over()
	end)
	rule("RFC 6455 7.1 frames that break the rules", function()
		for _, case in ipairs {
			{ 1002, "\x81\x01x", "unmasked" },
			{ 1002, masked(0xc1, "x"), "reserved bits" },
			{ 1002, masked(0x83, "x"), "unknown opcode" },
			{ 1002, masked(0x8b, "x"), "unknown control opcode" },
			{ 1002, masked(0x80, "x"), "continuation of nothing" },
			{ 1002, masked(0x01, "x") .. masked(0x81, "y"), "message inside another" },
			{ 1002, masked(0x09, "x"), "fragmented ping" },
			{ 1002, "\x89\xfe\x00\x7e" .. MASK .. ("x"):rep(126), "long ping" },
			{ 1002, "\x81\xfe\x00\x05" .. MASK .. "hello", "length that is not minimal" },
			{ 1002, "\x81\xff" .. ("\0"):rep(8) .. MASK, "length that is not minimal" },
			{ 1002, "\x81\xff\xff" .. ("\0"):rep(7) .. MASK, "negative length" },
			{ 1007, masked(0x81, "\xff"), "text that is no UTF-8" },
			{ 1007, masked(0x81, "\xed\xa0\x80"), "a surrogate" },
			{ 1002, masked(0x88, "x"), "half a close code" },
			{ 1002, masked(0x88, "\x03\xed"), "close code 1005" },
			{ 1002, masked(0x88, "\x00\x01"), "close code 1" },
			{ 1007, masked(0x88, "\x03\xe8\xff"), "reason that is no UTF-8" },
		} do
			local code <const> = close_code(answer(port, case[2]))
			assert(code == case[1], case[3] .. " gave " .. tostring(code))
			assert(over():find "|error websocket: .*|accepted$", case[3])
		end
	end)
	rule("RFC 6455 7.4 messages that are too long are 1009", function()
		options = { message_bytes_max = 100 }
		equal(close_code(answer(port, masked(0x82, ("x"):rep(101)))), 1009)
		local half <const> = ("x"):rep(60)
		equal(close_code(answer(port, masked(0x02, half) .. masked(0x80, half))), 1009)
		equal(close_code(answer(port, "\x82\xff\0\0\0\xff\0\0\0\0" .. MASK)), 1009)
		equal(answer(port, masked(0x82, ("x"):rep(100)) .. bye):sub(1, 2), "\x82\x64")
		options = {}
		equal(close_code(answer(port, "\x82\xff\0\0\0\0\0\4\0\1" .. MASK)), 1009)
	end)
end

-- The status line and header of the server's answer to a request.
local function ask(port, text)
	local fd <const> = assert(socket.open(HOST, port))
	socket.write(fd, text .. "\r\n\r\n")
	local head <const> = socket.readline(fd, "\r\n\r\n")
	socket.close(fd)
	over()
	return head and head:lower()
end

local function handshakes(port)
	local request <const> = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c, WebSocket\r\n"
		.. "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		.. "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	rule("RFC 6455 4.2 handshake", function()
		local head <const> = ask(port, request)
		assert(head:find("^http/1.1 101 "), head)
		assert(head:find("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=", 1, true), head)
		assert(not head:find "protocol:", head)
	end)
	rule("RFC 6455 4.2 requests that are refused", function()
		for status, change in pairs {
			["400 b"] = { "Host: h\r\n", "" },
			["400 ba"] = { "keep%-alive, Upgrade", "close" },
			["400 bad"] = { "ZQ==", "Zg" },
			["400 bad "] = { "Host: h", "no colon" },
			["405 "] = { "GET", "POST" },
			["413 "] = { "Host: h", "Host: " .. ("h"):rep(9000) },
			["426 "] = { "WebSocket\r", "x\r" },
			["426 u"] = { "Version: 13", "Version: 8" },
			["505 "] = { "HTTP/1.1", "HTTP/1.0" },
		} do
			local head <const> = ask(port, (request:gsub(change[1], change[2], 1)))
			assert(head and head:find("http/1.1 " .. status, 1, true), status .. ": " .. tostring(head))
			local log <const> = over()
			assert(log:find "^connect|error websocket: .*|accepted$", log)
			if status:find "426" then
				assert(head:find("sec-websocket-version: 13", 1, true), head)
			end
		end
	end)
	rule("1.10 websocket sub-protocols", function()
		local offer <const> = request .. "\r\nSec-WebSocket-Protocol: one, two"
		assert(ask(port, offer):find("sec-websocket-protocol: one", 1, true))
		options = { protocols = { "two", "three" } }
		assert(ask(port, offer):find("sec-websocket-protocol: two", 1, true))
		options = { protocols = {} }
		assert(not ask(port, offer):find "protocol:")
		options = {}
	end)
	rule("1.10 websocket a client that never asks", function()
		options = { handshake_timeout = 5 }
		local fd <const> = assert(socket.open(HOST, port))
		socket.write(fd, "GET / HTTP/1.1\r\n")
		equal(socket.readall(fd), "")
		socket.close(fd)
		assert(over():find "error websocket: the handshake takes too long|accepted$")
		options = {}
	end)
	rule("1.10 websocket upgrade of a request that httpd read", function()
		local upgraded <const> = listen(function(fd, address)
			socket.start(fd)
			local code <const>, url <const>, method <const>, header <const> =
				httpd.read_request(sockethelper.readfunc(fd))
			equal(code, 200)
			local upgrade <const> = { method = method, url = url, header = header }
			return websocket.accept(fd, handle, "ws", address, { upgrade = upgrade })
		end)
		local id <const> = websocket.connect("ws://" .. HOST .. ":" .. upgraded .. "/up")
		websocket.write(id, "hello")
		equal(websocket.read(id), "hello")
		websocket.close(id, 1000)
		assert(over():find "^connect|handshake /up host .*|text hello|close 1000 |accepted$")
	end)
end

local function clients()
	local function reply(text)
		return "ws://" .. HOST .. ":" .. (rules.serve(function(fd)
			local head <const> = socket.readline(fd, "\r\n\r\n")
			local key <const> = head and head:match "sec%-websocket%-key: (%S+)"
			socket.write(fd, (text:gsub("KEY", key and handshake.accept_key(key) or "")))
			socket.read(fd)
		end)) .. "/"
	end
	local good <const> = "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		.. "Sec-WebSocket-Accept: KEY\r\n\r\n"
	rule("RFC 6455 4.1 answers that a client refuses", function()
		raises("answers 404", websocket.connect, reply "HTTP/1.1 404 No\r\n\r\n")
		raises("not an HTTP response", websocket.connect, reply "hello\r\n\r\n")
		raises("something else", websocket.connect, reply((good:gsub("KEY", "wrong"))))
		raises("something else", websocket.connect, reply((good:gsub("websocket\r", "h2c\r"))))
		local extended <const> = good:gsub("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n")
		raises("something else", websocket.connect, reply(extended))
		local chosen <const> = good:gsub("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n")
		raises("something else", websocket.connect, reply(chosen))
	end)
	rule("1.10 websocket connect gives up", function()
		raises("[Socket Error]", websocket.connect, "ws://" .. HOST .. ":" .. rules.free_port())
		raises("takes too long", websocket.connect, reply "HTTP/1.1", nil, 5)
	end)
	rule("RFC 6455 5.1 a server that breaks the rules", function()
		local id = websocket.connect(reply(good .. masked(0x81, "x")))
		raises("a server that masks", websocket.read, id)
		equal(websocket.is_close(id), true)
		id = websocket.connect(reply(good .. "\x81\x05Hello\x82\x7f\0\0\0\xff\0\0\0\0"))
		equal(websocket.read(id), "Hello")
		raises("too long", websocket.read, id)
		equal(websocket.read(id), false)
	end)
	rule("1.10 websocket urls", function()
		raises("not a url", websocket.connect, "ws:/" .. HOST)
		raises("not a port", websocket.connect, "ws://" .. HOST .. ":70000")
		raises("ftp is not supported", websocket.connect, "ftp://" .. HOST)
	end)
end

rules.run("websocket", function()
	vectors()
	local port <const> = listen(function(fd, address)
		return websocket.accept(fd, handle, "ws", address, options)
	end)
	conversation(port)
	frames(port)
	handshakes(port)
	clients()
	rule("1.10 websocket leaves no socket", function()
		rules.wait_until(rules.no_connection)
	end)
end)
