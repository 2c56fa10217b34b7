-- skynet.socket: the behaviours of docs/skynet-rules.md 2.12, between two services.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local socket <const> = require "skynet.socket"
local waiting <const> = require "waiting"
require "skynet.manager"

local HOST <const> = "127.0.0.1"

local function partner(how)
	local service <const> = skynet.newservice "socket_partner"
	local port <const>, ip <const>, id <const> = skynet.call(service, "lua", "serve", how)
	return service, port, id, ip
end

local wait_until <const> = waiting.wait_until

-- What socket.netstat() says of a socket.
local function row_of(id)
	for _, row in ipairs(socket.netstat()) do
		if row.id == id then
			return row
		end
	end
	return nil
end

-- Waits until so many bytes have arrived at a socket in all.
local function arrived(id, bytes)
	wait_until(function()
		return row_of(id).read == bytes
	end)
end

-- Two connected sockets, both of this service.
local function pair()
	local listener <const>, _, port <const> = socket.listen(HOST, 0)
	local accepted
	socket.start(listener, function(fd)
		accepted = fd
	end)
	local client <const> = assert(socket.open(HOST, port))
	wait_until(function()
		return accepted
	end)
	socket.close(listener)
	return client, accepted
end

local function started_pair()
	local client <const>, server <const> = pair()
	testing.equal(socket.start(server), server)
	return client, server
end

local function test_listen()
	local id <const>, ip <const>, port <const> = socket.listen(HOST, 0)
	testing.equal(math.type(id), "integer")
	testing.equal(ip, HOST)
	testing.check(port > 0)
	testing.raises("Listen error", socket.listen, HOST, port)
	testing.raises("Listen error", socket.listen, "203.0.113.1", 0)
	testing.raises("Invalid port", socket.listen, HOST, 65536)
	testing.raises("Listen error", socket.listen, "no-port-here")
	local second <const>, _, second_port <const> = socket.listen(HOST .. ":0", nil, 5)
	testing.check(second > id and second_port ~= port)
	local found = 0
	for _, info in ipairs(socket.netstat()) do
		if info.id == id then
			testing.equal(info.type, "LISTEN")
			testing.equal(info.sock, HOST .. ":" .. port)
			testing.equal(info.address, skynet.self())
			found = found + 1
		end
	end
	testing.equal(found, 1)

	-- Connections that come before start() wait for it.
	local early <const> = assert(socket.open(HOST, port))
	socket.write(early, "early\n")
	local accepted = {}
	testing.equal(
		socket.start(id, function(fd, address)
			accepted = { fd, address }
		end),
		id
	)
	wait_until(function()
		return accepted[1]
	end)
	testing.check(accepted[2]:find("^127%.0%.0%.1:%d+$"), accepted[2])
	testing.equal(socket.invalid(accepted[1]), true, "not started yet")
	socket.start(accepted[1])
	testing.equal(socket.readline(accepted[1]), "early")
	socket.close(accepted[1])
	socket.close(early)
	socket.close(id)
	socket.close(second)
	testing.equal(socket.invalid(id), true)
	local refused, message <const> = socket.open(HOST, port)
	testing.equal(refused, nil)
	testing.equal(message, "Connection refused")
end

local function test_open()
	testing.raises("Invalid port", socket.open, HOST, 0)
	local id, message = socket.open(HOST, 1)
	testing.equal(id, nil)
	testing.equal(message, "Connection refused")
	id, message = socket.open("no-such-host.invalid", 80)
	testing.equal(id, nil)
	testing.check(type(message) == "string" and #message > 0, message)
	id, message = socket.start(123456789)
	testing.equal(id, nil)
	testing.equal(message, "invalid socket")
	testing.equal(socket.resolve(HOST)[1], HOST)
	testing.check(#socket.resolve "localhost" >= 1)
	testing.raises("cannot resolve", socket.resolve, "no-such-host.invalid")
	testing.equal(socket.header "\1\2", 0x102)
	testing.equal(socket.header "\xff\xff\xff\xff", 0xffffffff)
	testing.raises("not started here", socket.read, 123456789)
	testing.equal(socket.write(123456789, "x"), false)
	socket.close(123456789)
	socket.close_fd(123456789)
	testing.equal(socket.invalid(123456789), true)
	testing.equal(socket.disconnected(123456789), nil)
end

local function test_echo()
	local service <const>, port <const>, _, ip <const> = partner "echo"
	testing.equal(ip, HOST)
	local id <const> = assert(socket.open(HOST .. ":" .. port))
	testing.equal(socket.invalid(id), false)
	testing.equal(socket.disconnected(id), false)
	testing.equal(socket.write(id, "one\n"), true)
	testing.equal(socket.readline(id), "one")
	testing.equal(socket.write(id, { "two\r", "\n", 3, "\n" }), true)
	testing.equal(socket.readline(id), "two\r", "\\r is not stripped")
	testing.equal(socket.readline(id), "3")
	for i = 1, 200 do
		socket.write(id, i .. "\n")
	end
	for i = 1, 200 do
		testing.equal(socket.readline(id), tostring(i))
	end
	testing.raises("string expected", socket.write, id, nil)
	local message <const>, size <const> = skynet.pack "abc" -- its payload is: 1c "abc"
	testing.equal(socket.write(id, message, size), true)
	socket.write(id, "\n")
	testing.equal(socket.readline(id), "\x1cabc")
	socket.close(id)
	testing.equal(socket.invalid(id), true)
	skynet.kill(service)
end

local function test_reading()
	local a <const>, b <const> = started_pair()
	socket.write(a, "0123456789")
	testing.equal(socket.read(b, 4), "0123")
	testing.equal(socket.read(b, 0), "")
	testing.equal(socket.read(b), "456789")
	local lines = 0
	skynet.fork(function()
		for part in ("split;across;;and;"):gmatch "." do
			socket.write(a, part)
			skynet.yield()
		end
		socket.write(a, "more||and|")
		arrived(b, #"0123456789split;across;;and;more||and|")
		socket.write(a, "|")
		wait_until(function()
			return lines == 4
		end)
		socket.write(a, "x")
	end)
	local function readline(separator)
		local line <const> = socket.readline(b, separator)
		lines = lines + 1
		return line
	end
	testing.equal(readline ";", "split")
	testing.equal(readline ";;", "across")
	testing.equal(socket.read(b, 4), "and;")
	testing.equal(readline "||", "more")
	testing.equal(readline "||", "and")
	testing.equal(socket.block(b), true)
	testing.equal(socket.read(b), "x")
	testing.raises("out of range", socket.read, b, -1)
	testing.raises("not empty", socket.readline, b, "")

	-- One reader a socket.
	local got
	skynet.fork(function()
		got = socket.read(b, 3)
	end)
	skynet.yield()
	testing.raises("another coroutine reads", socket.read, b)
	testing.raises("another coroutine reads", socket.readall, b)
	socket.write(a, "xyz")
	wait_until(function()
		return got
	end)
	testing.equal(got, "xyz")

	-- Two services see the end: false and the rest.
	local closed_with
	socket.onclose(b, function(id)
		closed_with = id
	end)
	socket.write(a, "line\nrest")
	socket.close(a)
	testing.equal(socket.readline(b), "line")
	local line, rest = socket.readline(b)
	testing.equal(line, false)
	testing.equal(rest, "rest")
	line, rest = socket.read(b, 5)
	testing.equal(line, false)
	testing.equal(rest, "")
	wait_until(function()
		return closed_with == b
	end)
	testing.equal(socket.disconnected(b), true)
	testing.equal(socket.block(b), false)
	testing.equal(socket.readall(b), false, "closed already, and empty")
	testing.equal(socket.write(b, "nobody there"), false)
	socket.close(b)
	socket.close(b)
	testing.equal(socket.disconnected(b), nil)
end

local function test_end()
	-- A sized read at the end, and a read of what is left.
	local a, b = started_pair()
	socket.write(a, "abc")
	socket.close(a)
	local data, rest = socket.read(b, 10)
	testing.equal(data, false)
	testing.equal(rest, "abc")
	socket.close(b)

	a, b = started_pair()
	socket.write(a, "abc")
	socket.close(a)
	testing.equal(socket.readall(b), "abc")
	testing.equal(socket.readall(b), false)
	socket.close(b)

	a, b = started_pair()
	skynet.fork(socket.close, a)
	testing.equal(socket.readall(b), "", "open when it was called")
	socket.close(b)

	-- Our own close: the reader gets the rest, and close waits for it.
	a, b = started_pair()
	socket.write(a, "half")
	local result
	skynet.fork(function()
		result = table.pack(socket.readline(b))
	end)
	arrived(b, #"half")
	socket.close(b)
	testing.check(result ~= nil, "close waits for the reader")
	testing.equal(result[1], false)
	testing.equal(result[2], "half")
	testing.equal(socket.read(a), false)
	socket.close(a)

	-- shutdown drops the connection; close is still needed.
	a, b = started_pair()
	socket.shutdown(a)
	testing.equal(socket.read(b), false)
	wait_until(function()
		return socket.disconnected(a)
	end)
	testing.equal(socket.invalid(a), false)
	socket.close(a)
	socket.close(b)
end

local function test_limit()
	local a <const>, b <const> = started_pair()
	socket.limit(b, 1000)
	socket.write(a, ("x"):rep(5000))
	testing.equal(#socket.read(b, 5000), 5000, "a sized read may take more")
	local line, rest
	skynet.fork(function()
		line, rest = socket.readline(b)
	end)
	skynet.yield()
	socket.write(a, ("y"):rep(1001))
	wait_until(function()
		return line ~= nil
	end)
	testing.equal(line, false)
	testing.equal(rest, ("y"):rep(1001))
	testing.equal(socket.disconnected(b), true)
	testing.equal(socket.read(a), false, "the peer is closed")
	socket.close(a)
	socket.close(b)
end

local function test_transfer()
	-- 1 MiB and the end right behind it: close waits for the flush, nothing is lost.
	local service, port = partner "bytes"
	local id = assert(socket.open(HOST, port))
	socket.write(id, "1048576\n")
	local data <const> = socket.readall(id)
	testing.equal(#data, 1048576)
	testing.equal(data:sub(-4), "xend")
	socket.close(id)
	skynet.kill(service)

	-- A peer that does not read is told of by warnings, and holds close back until it reads.
	service, port = partner "hold"
	id = assert(socket.open(HOST, port))
	local warnings <const> = {}
	socket.warning(id, function(fd, kilobytes)
		testing.equal(fd, id)
		warnings[#warnings + 1] = kilobytes
	end)
	local block <const> = ("z"):rep(1048576)
	for _ = 1, 32 do
		socket.write(id, block)
	end
	wait_until(function()
		return #warnings > 0
	end)
	testing.check(warnings[1] >= 1024, warnings[1])
	local flushed = false
	skynet.fork(function()
		socket.close(id)
		flushed = true
	end)
	wait_until(function()
		return not socket.write(id, "more")
	end, "no output behind the end")
	testing.equal(flushed, false, "close waits for the flush")
	local held <const> = skynet.call(service, "lua", "held_socket")
	local received <const> = skynet.call(service, "lua", "socket", "read", held, 32 * 1048576)
	testing.equal(#received, 32 * 1048576)
	wait_until(function()
		return flushed
	end)
	testing.equal(warnings[#warnings], 0, "drained")
	skynet.kill(service)
end

local function test_hand_over()
	local service <const>, port <const> = partner "abandon"
	for round = 1, 3 do
		local id <const> = assert(socket.open(HOST, port))
		-- What follows the first line must reach the next owner, whoever has read it.
		socket.write(id, "first " .. round .. "\nsecond\n")
		local fd <const>, line <const> = skynet.call(service, "lua", "given_away")
		testing.equal(line, "first " .. round)
		socket.write(id, "third\n")
		testing.equal(socket.start(fd), fd)
		testing.equal(socket.readline(fd), "second")
		testing.equal(socket.readline(fd), "third")
		socket.write(fd, "answer\n")
		testing.equal(socket.readline(id), "answer")
		-- And on to a third service.
		if round == 2 then
			socket.abandon(fd)
			testing.equal(skynet.call(service, "lua", "socket", "start", fd), fd)
			socket.write(id, "fourth\n")
			testing.equal(skynet.call(service, "lua", "socket", "readline", fd), "fourth")
			local taken <const>, why <const> = socket.start(fd)
			testing.equal(taken, nil, "it has an owner")
			testing.equal(type(why), "string")
			skynet.call(service, "lua", "socket", "close", fd)
		else
			socket.close(fd)
		end
		testing.equal(socket.read(id), false)
		socket.close(id)
	end
	-- The end of the connection travels with it.
	local id <const> = assert(socket.open(HOST, port))
	socket.write(id, "first\nthe rest")
	socket.close(id)
	local fd <const> = skynet.call(service, "lua", "given_away")
	if socket.start(fd) then
		local line, rest = socket.readline(fd)
		testing.equal(line, false)
		testing.equal(rest, "the rest")
		socket.close(fd)
	else
		testing.check(false, "unread bytes are kept for the next owner")
	end
	skynet.kill(service)

	-- The reader of an abandoned socket gets false and nothing.
	local a <const>, b <const> = started_pair()
	socket.write(a, "keep")
	local result
	skynet.fork(function()
		result = table.pack(socket.read(b, 10))
	end)
	arrived(b, #"keep")
	socket.abandon(b)
	wait_until(function()
		return result
	end)
	testing.equal(result[1], false)
	testing.equal(result[2], "")
	testing.raises("not started here", socket.read, b)
	testing.equal(socket.write(b, "from nobody\n"), true, "anybody may write")
	testing.equal(socket.readline(a), "from nobody")
	testing.equal(socket.start(b), b)
	testing.equal(socket.read(b, 4), "keep")
	socket.abandon(b)
	socket.write(b, "bye")
	socket.close_fd(b)
	testing.equal(socket.readall(a), "bye")
	socket.close(a)
end

local function test_unstarted()
	-- An accepted socket: silent until it is started; anybody may write to it and close it.
	local client <const>, fd <const> = pair()
	testing.equal(socket.write(fd, "no\n"), true)
	testing.equal(socket.readline(client), "no")
	socket.close(fd) -- not owned: does nothing
	testing.equal(socket.write(fd, "still open\n"), true)
	testing.equal(socket.readline(client), "still open")
	socket.close_fd(fd)
	testing.equal(socket.read(client), false)
	testing.equal(socket.start(fd), nil)
	testing.raises("use socket.close", socket.close_fd, client)
	socket.close(client)

	local other <const>, silent <const> = pair()
	socket.close_fd(silent)
	testing.equal(socket.read(other), false)
	socket.close(other)
end

local function test_foreign()
	-- A connection of another service, on another worker: anybody may write to it and close it,
	-- only its owner reads.
	local service <const>, port <const> = partner "hold"
	local id <const> = assert(socket.open(HOST, port))
	local held <const> = skynet.call(service, "lua", "held_socket")
	testing.equal(socket.write(held, "from afar\n"), true)
	testing.equal(socket.readline(id), "from afar")
	testing.equal(socket.start(held), nil)
	testing.raises("not started here", socket.read, held)
	socket.write(held, "bye")
	socket.close_fd(held)
	testing.equal(socket.readall(id), "bye")
	wait_until(function()
		return skynet.call(service, "lua", "socket", "disconnected", held)
	end, "its owner learns of it")
	socket.close(id)
	skynet.kill(service)
end

local function test_many()
	local service <const>, port <const> = partner "echo"
	local left = 50
	for i = 1, left do
		skynet.fork(function()
			local id <const> = assert(socket.open(HOST, port))
			for round = 1, 20 do
				local line <const> = ("%d of %d "):format(round, i):rep(i)
				socket.write(id, line .. "\n")
				testing.equal(socket.readline(id), line)
			end
			socket.close(id)
			left = left - 1
		end)
	end
	wait_until(function()
		return left == 0
	end, "50 clients are served")
	skynet.kill(service)
end

local function test_backpressure()
	local a <const>, b <const> = started_pair()
	local total <const> = 8 * 1048576
	skynet.fork(function()
		for _ = 1, 128 do
			socket.write(a, ("p"):rep(65536))
		end
		socket.close(a)
	end)
	wait_until(function()
		return not row_of(b).reading
	end, "a pause")
	-- Nobody read: far less than all has been taken from the kernel.
	local first <const> = socket.read(b)
	testing.check(#first < 1048576, "paused at " .. #first)
	local count = #first
	while true do
		local data <const> = socket.read(b)
		if not data then
			break
		end
		count = count + #data
	end
	testing.equal(count, total)
	socket.close(b)

	-- pause() by hand; the next read resumes.
	local c <const>, d <const> = started_pair()
	socket.pause(d)
	socket.write(c, "after a pause")
	testing.equal(socket.read(d), "after a pause")
	socket.close(c)
	socket.close(d)
end

local function test_owner_ends()
	-- A service that ends closes what it had, whether it exits or is killed, and sends its output.
	for _, how in ipairs { "exit", "kill" } do
		local service <const>, port <const>, listener <const> = partner "hold"
		local id <const> = assert(socket.open(HOST, port))
		local held <const> = skynet.call(service, "lua", "held_socket")
		testing.equal(skynet.call(service, "lua", "socket", "write", held, "last words"), true)
		if how == "exit" then
			pcall(skynet.call, service, "lua", "exit")
		else
			skynet.kill(service)
		end
		testing.equal(socket.readall(id), "last words")
		socket.close(id)
		wait_until(function()
			return socket.open(HOST, port) == nil
		end, "the listener is closed")
		for _, info in ipairs(socket.netstat()) do
			testing.check(info.id ~= held and info.id ~= listener, "nothing is left")
		end
	end
end

testing.run(function()
	test_listen()
	test_open()
	test_echo()
	test_reading()
	test_end()
	test_limit()
	test_transfer()
	test_hand_over()
	test_unstarted()
	test_foreign()
	test_many()
	test_backpressure()
	test_owner_ends()
	wait_until(function()
		return #socket.netstat() == 0
	end, "no socket is left")
end)
