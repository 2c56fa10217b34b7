-- skynet.netpack (docs/skynet-rules.md 1.8): against netpack_server.lua, which is written as
-- programs for skynet are. Frames are also cut into every pair of pieces.
local client <const> = require "gate_client"
local netpack <const> = require "skynet.netpack"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local socket <const> = require "skynet.socket"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local server, port

local function call(...)
	return skynet.call(server, "lua", ...)
end

-- The server's notes once they are these.
local function noted(text)
	rules.await(function()
		return call "notes" == text
	end)
	call "clear"
end

-- Waits until so many bytes in all have arrived on the server's only connection.
local function arrived(bytes)
	rules.await(function()
		for _, row in ipairs(socket.netstat()) do
			if row.address == server and row.read == bytes then
				return true
			end
		end
		return false
	end)
end

rules.run("netpack", function()
	rule("1.8 pack puts the length before a body", function()
		local frame, size = netpack.pack "hello"
		equal(size, 7)
		equal(netpack.tostring(frame, size), "\0\5hello")
		local inner <const>, inner_size <const> = skynet.pack("text", 1)
		frame, size = netpack.pack(inner, inner_size)
		equal(netpack.tostring(frame, size), "\0" .. string.char(inner_size)
			.. skynet.tostring(inner, inner_size))
		skynet.trash(inner, inner_size)
		frame, size = netpack.pack ""
		equal(netpack.tostring(frame, size), "\0\0")
		frame, size = netpack.pack(("x"):rep(65535))
		equal(netpack.tostring(frame, size):sub(1, 3), "\xff\xffx")
		raises("Invalid size (too long) of data : 65536", netpack.pack, ("x"):rep(65536))
	end)
	rule("1.8 no queue is an empty queue", function()
		equal(netpack.pop(nil), nil)
		netpack.clear(nil)
		equal(netpack.tostring(nil, 0), "")
	end)
	server = skynet.newservice "netpack_server"
	rule("1.8 init tells where a listener is", function()
		local address
		address, port = call "open"
		equal(address, rules.HOST)
		assert(port > 0)
	end)
	rule("1.8 frames arrive whole however they are cut", function()
		local all <const> = client.frame "one" .. client.frame "" .. client.frame "three"
		local fd <const> = client.connect(port)
		for i = 1, #all - 1 do
			socket.write(fd, all:sub(1, i))
			arrived((i - 1) * #all + i)
			socket.write(fd, all:sub(i + 1))
			equal(client.read(fd), "one")
			equal(client.read(fd), "")
			equal(client.read(fd), "three")
		end
		for i = 1, #all do
			socket.write(fd, all:sub(i, i))
			skynet.yield()
		end
		equal(client.read(fd), "one")
		equal(client.read(fd), "")
		equal(client.read(fd), "three")
		socket.close(fd)
		rules.await(function()
			return call "notes":find "|close client$"
		end)
		call "clear"
	end)
	rule("1.8 one frame is data, several are more", function()
		local fd <const> = client.connect(port)
		client.send(fd, "alone")
		equal(client.read(fd), "alone")
		noted "open client|data alone"
		socket.write(fd, client.frame "a" .. client.frame "b" .. client.frame "c")
		for _, text in ipairs { "a", "b", "c" } do
			equal(client.read(fd), text)
		end
		noted "more|data a|data b|data c"
		socket.close(fd)
		noted "close client"
	end)
	rule("1.8 frames of every size arrive in order", function()
		local fd <const> = client.connect(port)
		local sizes <const> = {}
		for i = 1, 300 do
			sizes[i] = i % 60 == 0 and 65535 or i * 7 % 1000
			client.send(fd, string.char(i % 256):rep(sizes[i]))
		end
		for i = 1, 300 do
			equal(client.read(fd), string.char(i % 256):rep(sizes[i]))
		end
		socket.close(fd)
		rules.await(function()
			return call "notes":find "|close client$"
		end)
		call "clear"
	end)
	rule("1.8 close comes after the frames before it", function()
		local fd <const> = client.connect(port)
		client.send(fd, "last")
		socket.write(fd, "\0\9half")
		socket.close(fd)
		noted "open client|data last|close client"
	end)
	rule("1.8 a connection that was not started ends when it is closed", function()
		call("behave", "refuse")
		client.ended(client.connect(port))
		noted "open client|close client"
		call "behave"
	end)
	rule("2.11 a frame is redirected to another service", function()
		local got
		skynet.register_protocol {
			name = "client",
			id = skynet.PTYPE_CLIENT,
			unpack = skynet.tostring,
			dispatch = function(session, source, text)
				skynet.ignoreret()
				got = { session, source, text }
			end,
		}
		call("behave", skynet.self())
		local fd <const> = client.connect(port)
		client.send(fd, "to the agent")
		rules.await(function()
			return got
		end)
		equal(got[2], 77)
		equal(got[3], "to the agent")
		-- The session is the server's fd, by which the agent answers.
		socket.write(got[1], "from the agent")
		equal(socket.read(fd, 14), "from the agent")
		call "behave"
		socket.close(fd)
		noted "open client|close client"
	end)
	rule("2.11 types have names in redirect, rawcall and rawsend", function()
		raises("unknown message type nope", skynet.redirect, skynet.self(), 0, "nope", 0, "x")
		raises("unknown message type nope", skynet.rawcall, server, "nope", "x")
		raises("unknown message type nope", skynet.rawsend, server, "nope", "x")
		local reply <const>, size <const> = skynet.rawcall(server, "lua", skynet.pack "notes")
		equal(skynet.unpack(reply, size), "")
		equal(skynet.redirect(0xffffff, 0, "client", 1, "x"), nil)
	end)
	rule("1.3 a connection of our own sends and gets frames", function()
		local got
		local listener_port <const>, listener <const> = rules.serve(function(fd)
			got = client.read(fd)
			client.send(fd, "to the gate")
			client.read(fd)
		end)
		call("connect", listener_port)
		rules.await(function()
			return got
		end)
		equal(got, "from the gate")
		noted("init 127.0.0.1:" .. listener_port .. "|data to the gate|close client")
		socket.close(listener)
	end)
	rule("1.3 a connection that another service gave up", function()
		local other_port <const>, listener <const> = rules.serve(function(fd)
			equal(socket.read(fd, 5), "first")
			socket.abandon(fd)
			call("adopt", fd)
		end)
		local fd <const> = client.connect(other_port)
		socket.write(fd, "first" .. client.frame "second" .. "\0\5th")
		equal(client.read(fd), "second")
		socket.write(fd, "ird")
		equal(client.read(fd), "third")
		socket.close(fd)
		socket.close(listener)
		noted "data second|data third|close client"
	end)
	rule("1.3 a connection that ended before it was given up", function()
		local other_port <const>, listener <const> = rules.serve(function(fd)
			equal(socket.read(fd, 5), "first")
			rules.await(function()
				return socket.disconnected(fd)
			end)
			socket.abandon(fd)
			call("adopt", fd)
		end)
		local fd <const> = client.connect(other_port)
		socket.write(fd, "first" .. client.frame "second" .. "\0\5th")
		socket.close(fd)
		noted "data second|close client"
		socket.close(listener)
	end)
	rule("1.3 close of a listener is told, and frees the port", function()
		call "close"
		noted "close listener"
		equal(socket.open(rules.HOST, port), nil)
		local _, again <const> = call "open"
		port = again
	end)
	rule("1.8 a service that is killed leaves nothing behind", function()
		call("behave", "keep")
		local kept <const> = client.connect(port)
		noted "open client"
		call "behave"
		local fd <const> = client.connect(port)
		for _ = 1, 100 do
			client.send(fd, "x")
		end
		skynet.kill(server)
		while client.read(fd) do end
		socket.close(fd)
		client.ended(kept)
		equal(socket.open(rules.HOST, port), nil)
	end)
	rules.await(rules.no_connection)
end)
