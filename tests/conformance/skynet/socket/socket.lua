-- skynet.socket (docs/skynet-rules.md 1.3, 2.12): TCP between sockets of this service, and a
-- partner service to which sockets are handed over.
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local driver <const> = require "skynet.socketdriver"
require "skynet.manager"

local HOST <const> = rules.HOST
local MIB <const> = 1 << 20

-- Two ends of a connection, both started here.
---@async
local function pair()
	local listener <const>, _, port <const> = socket.listen(HOST, 0)
	local other
	socket.start(listener, function(id)
		other = socket.start(id)
	end)
	local id <const> = assert(socket.open(HOST, port))
	rules.wait_until(function()
		return other
	end)
	socket.close(listener)
	return id, other
end

local function row_of(id)
	for _, row in ipairs(socket.netstat()) do
		if row.id == id then
			return row
		end
	end
	return nil
end

-- Writes until the other end, which does not read, holds it back.
---@async
local function fill(id, bytes)
	local chunk <const> = ("x"):rep(64 * 1024)
	for _ = 1, bytes // #chunk do
		rules.equal(socket.write(id, chunk), true)
	end
end

-- Writes until the kernel takes no more and more than so many bytes wait here.
---@async
local function fill_until_unsent(id, bytes)
	rules.wait_until(function()
		-- What the turn before wrote and the kernel did not take.
		if row_of(id).wbuffer > bytes then
			return true
		end
		fill(id, MIB)
		return false
	end)
end

local function opening()
	rules.rule("1.3 listen gives id, address and port", function()
		local id <const>, ip <const>, port <const> = socket.listen(HOST .. ":0")
		rules.same("integer", HOST, "integer")(math.type(id), ip, math.type(port))
		rules.raises("Listen error", socket.listen, HOST, port)
		socket.close(id)
	end)
	rules.rule("1.3 open tells why it failed", function()
		rules.same(nil, "Connection refused")(socket.open(HOST, rules.free_port()))
		rules.raises("Invalid port", socket.open, HOST, 0)
	end)
	rules.rule("1.3 start of what is no socket", function()
		rules.same(nil, "invalid socket")(socket.start(1 << 30))
	end)
	rules.rule("2.12 an accepted socket is silent until it is started", function()
		local listener <const>, _, port <const> = socket.listen(HOST, 0)
		local accepted, address
		socket.start(listener, function(id, from)
			accepted, address = id, from
		end)
		local id <const> = assert(socket.open(HOST, port))
		socket.write(id, "early")
		rules.wait_until(function()
			return accepted
		end)
		rules.equal(address:match "^127%.0%.0%.1:%d+$", address)
		rules.equal(socket.invalid(accepted), true)
		rules.raises("not started", socket.read, accepted)
		rules.equal(row_of(accepted).read, 0)
		rules.equal(socket.start(accepted), accepted)
		rules.equal(socket.read(accepted), "early")
		socket.close(accepted)
		socket.close(id)
		socket.close(listener)
	end)
end

local function reading()
	rules.rule("2.12 read, readline and readall", function()
		local a <const>, b <const> = pair()
		socket.write(a, "12345line\r\nmany--bytes")
		rules.equal(socket.read(b, 5), "12345")
		rules.equal(socket.readline(b), "line\r")
		rules.equal(socket.readline(b, "--"), "many")
		rules.equal(socket.read(b), "bytes")
		socket.write(a, { "all ", "of ", "it" })
		socket.close(a)
		rules.same("all of it")(socket.readall(b))
		rules.same(false, "")(socket.read(b))
		rules.same(false)(socket.readall(b))
		socket.close(b)
	end)
	rules.rule("1.3 a separator may be cut in two", function()
		local a <const>, b <const> = pair()
		local line
		skynet.fork(function()
			line = socket.readline(b, "\r\n\r\n")
		end)
		for part in ("head\r\n\r|\n\r\nrest"):gmatch "[^|]+" do
			socket.write(a, part)
			local before <const> = row_of(b).read
			rules.wait_until(function()
				return row_of(b).read > before or line
			end)
		end
		rules.wait_until(function()
			return line
		end)
		rules.equal(line, "head")
		rules.equal(socket.read(b), "\r\nrest")
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("1.3 what is left at the end", function()
		local a <const>, b <const> = pair()
		socket.write(a, "rest")
		socket.close(a)
		rules.same(false, "rest")(socket.read(b, 5))
		local c <const>, d <const> = pair()
		socket.write(c, "no end of line")
		socket.close(c)
		rules.same(false, "no end of line")(socket.readline(d))
		socket.close(b)
		socket.close(d)
	end)
	rules.rule("1.3 block waits for data or the end", function()
		local a <const>, b <const> = pair()
		socket.write(a, "x")
		rules.same(true)(socket.block(b))
		rules.equal(socket.read(b), "x")
		socket.close(a)
		rules.same(false)(socket.block(b))
		socket.close(b)
	end)
	rules.rule("2.12 a second reader raises", function()
		local a <const>, b <const> = pair()
		local first
		skynet.fork(function()
			first = { socket.read(b) }
		end)
		skynet.yield()
		rules.raises("another coroutine", socket.read, b)
		socket.write(a, "for the first")
		rules.wait_until(function()
			return first
		end)
		rules.equal(first[1], "for the first")
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("2.12 much unread pauses the socket", function()
		local a <const>, b <const> = pair()
		fill(a, 16 * MIB)
		rules.wait_until(function()
			return not row_of(b).reading
		end)
		skynet.error("paused", b)
		local got = 0
		while got < 16 * MIB do
			got = got + #socket.read(b)
		end
		rules.same(16 * MIB, true)(got, row_of(b).reading)
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("1.3 pause holds until the next read", function()
		local a <const>, b <const> = pair()
		socket.pause(b)
		rules.equal(row_of(b).reading, false)
		socket.write(a, "held")
		rules.wait_until(function()
			return row_of(a).wbuffer == 0
		end)
		rules.equal(row_of(b).read, 0)
		rules.equal(socket.read(b), "held")
		rules.equal(row_of(b).reading, true)
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("2.12 limit closes a socket that nobody reads", function()
		local a <const>, b <const> = pair()
		socket.limit(b, 100)
		socket.write(a, ("x"):rep(101))
		rules.wait_until(function()
			return socket.disconnected(b)
		end)
		rules.same(false, ("x"):rep(101))(socket.read(b, 200))
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("2.12 a read of more than the limit is allowed", function()
		local a <const>, b <const> = pair()
		socket.limit(b, 100)
		local data
		skynet.fork(function()
			data = socket.read(b, 1000)
		end)
		skynet.yield()
		socket.write(a, ("x"):rep(1000))
		rules.wait_until(function()
			return data
		end)
		rules.equal(#data, 1000)
		socket.close(a)
		socket.close(b)
	end)
end

local function writing()
	rules.rule("1.3 write to no socket, and to one whose peer has left", function()
		rules.equal(socket.write(1 << 30, "x"), false)
		local a <const>, b <const> = pair()
		socket.close(b)
		rules.equal(socket.write(a, "the first works"), true)
		rules.wait_until(function()
			return not socket.write(a, "x")
		end)
		socket.close(a)
	end)
	rules.rule("2.12 warning at each doubling and when drained", function()
		local a <const>, b <const> = pair()
		local seen <const> = {}
		socket.warning(a, function(id, kilobytes)
			rules.equal(id, a)
			seen[#seen + 1] = kilobytes
		end)
		socket.pause(b)
		fill_until_unsent(a, 5 * MIB)
		local got = 0
		skynet.fork(function()
			local data
			repeat
				data = socket.read(b)
				got = got + #(data or "")
			until not data
		end)
		rules.wait_until(function()
			return seen[#seen] == 0
		end)
		assert(#seen >= 4, "too few warnings")
		for i = 1, #seen - 1 do
			assert(seen[i] >= 1024 and (i == 1 or seen[i] > seen[i - 1]), seen[i])
		end
		rules.wait_until(function()
			return got == row_of(a).write
		end)
		socket.close(a)
		socket.close(b)
	end)
	rules.rule("2.12 lwrite lets write go first", function()
		local a <const>, b <const> = pair()
		socket.pause(b)
		fill_until_unsent(a, MIB)
		rules.equal(socket.lwrite(a, "low1"), true)
		rules.equal(socket.lwrite(a, { "low", "2" }), true)
		rules.equal(socket.write(a, "high"), true)
		skynet.fork(socket.close, a)
		local data <const> = socket.readall(b)
		rules.equal(data:sub(-12), "highlow1low2")
		socket.close(b)
	end)
end

local function ending()
	rules.rule("2.12 close sends what was written, and twice is once", function()
		local a <const>, b <const> = pair()
		local text <const> = ("0123456789abcdef"):rep(MIB // 8)
		socket.write(a, text)
		skynet.fork(socket.close, a)
		local data <const> = socket.readall(b)
		assert(data == text, "not what was written")
		socket.close(a)
		socket.close(a)
		rules.same(true, nil)(socket.invalid(a), (socket.disconnected(a)))
		socket.close(b)
	end)
	rules.rule("2.12 close waits for the reader, which gets the rest", function()
		local a <const>, b <const> = pair()
		socket.write(a, "part")
		local order <const> = {}
		skynet.fork(function()
			local ok <const>, rest <const> = socket.readline(b)
			order[1] = { ok, rest }
		end)
		rules.wait_until(function()
			return row_of(b).read == 4
		end)
		socket.close(b)
		rules.same(false, "part")(table.unpack(order[1]))
		socket.close(a)
	end)
	rules.rule("2.12 close does nothing for what is not owned", function()
		local a <const>, b <const> = pair()
		local owner <const> = skynet.newservice("socket_owner", "echo")
		socket.abandon(b)
		rules.equal(skynet.call(owner, "lua", "start", b), b)
		socket.close(b)
		socket.write(a, "still there\n")
		rules.equal(socket.readline(a), "still there")
		socket.close_fd(b)
		rules.same(false, "")(socket.read(a))
		rules.raises("socket.close", socket.close_fd, a)
		socket.close(a)
		skynet.kill(owner)
	end)
	rules.rule("1.3 shutdown drops what is unsent", function()
		local a <const>, b <const> = pair()
		socket.pause(b)
		fill_until_unsent(a, MIB)
		local written <const> = row_of(a).write
		socket.shutdown(a)
		rules.wait_until(function()
			return socket.disconnected(a)
		end)
		rules.equal(socket.invalid(a), false)
		socket.close(a)
		rules.equal(socket.invalid(a), true)
		local _, rest <const> = socket.read(b, written)
		assert(#rest < written, "all of it arrived")
		socket.close(b)
	end)
	rules.rule("1.3 abandon wakes the reader and another service starts it", function()
		local a <const>, b <const> = pair()
		local result
		skynet.fork(function()
			result = { socket.read(b) }
		end)
		skynet.yield()
		socket.abandon(b)
		rules.wait_until(function()
			return result
		end)
		rules.same(false, "")(table.unpack(result))
		rules.equal(socket.invalid(b), true)
		socket.write(a, "kept\n")
		local owner <const> = skynet.newservice("socket_owner", "echo")
		rules.equal(skynet.call(owner, "lua", "start", b), b)
		rules.equal(socket.readline(a), "kept")
		rules.same(nil, "socket of another service")(socket.start(b))
		rules.equal(row_of(b).address, owner)
		skynet.kill(owner)
		rules.same(false, "")(socket.read(a))
		socket.close(a)
	end)
	rules.rule("1.3 onclose is called once, for the peer's end", function()
		local a <const>, b <const> = pair()
		local calls = 0
		socket.onclose(b, function(id)
			rules.equal(id, b)
			calls = calls + 1
		end)
		socket.close(a)
		rules.wait_until(function()
			return calls > 0
		end)
		rules.same(true, false)(socket.disconnected(b), socket.invalid(b))
		socket.close(b)
		rules.equal(calls, 1)
	end)
end

local function state()
	rules.rule("2.12 header is big-endian", function()
		rules.same(1, 0x102, 0x10203, 0xfffffffe)(
			socket.header "\1", socket.header "\1\2", socket.header "\1\2\3",
			socket.header "\255\255\255\254"
		)
		rules.raises("Invalid read", socket.header, "12345")
	end)
	rules.rule("2.15 netstat has the sockets of the process", function()
		local listener <const>, _, port <const> = socket.listen(HOST, 0)
		local other
		socket.start(listener, function(id)
			other = socket.start(id)
		end)
		local id <const> = socket.open(HOST, port)
		socket.write(id, "12345")
		rules.wait_until(function()
			return other and row_of(other).read == 5
		end)
		local row = row_of(listener)
		rules.same("LISTEN", HOST .. ":" .. port, 1, skynet.self())(
			row.type, row.sock, row.accept, row.address
		)
		assert(row.rtime > 0)
		row = row_of(id)
		rules.same("TCP", HOST .. ":" .. port, skynet.self(), 5, 0, true, false)(
			row.type, row.peer, row.address, row.write, row.read, row.reading, row.writing
		)
		assert(row.wtime > 0 and row.rtime == 0 and row.wbuffer == 0)
		socket.close(id)
		socket.close(other)
		socket.close(listener)
	end)
	rules.rule("1.3 the driver has what a gate needs", function()
		for _, name in ipairs {
			"listen", "start", "close", "shutdown", "send", "lsend", "nodelay", "connect", "bind",
			"pause", "udp", "udp_connect", "udp_dial", "udp_listen", "udp_send", "udp_address",
			"resolve", "info", "unpack", "header", "str2p", "drop",
		} do
			rules.equal(type(driver[name]), "function")
		end
		local a <const>, b <const> = pair()
		driver.nodelay(a)
		rules.equal(driver.send(a, driver.str2p "by pointer"), true)
		rules.equal(socket.read(b), "by pointer")
		driver.drop(driver.str2p "nobody needs it")
		socket.close(a)
		socket.close(b)
	end)
end

rules.run("socket", function()
	opening()
	reading()
	writing()
	ending()
	state()
	rules.rule("2.12 nothing is left", function()
		rules.wait_until(rules.no_connection)
	end)
end)
