-- Run by tests/unit/modules/socket_test.cpp where the process may have 6 sockets.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local socket <const> = require "skynet.socket"
local waiting <const> = require "waiting"

testing.run(function()
	local listener <const>, _, port <const> = socket.listen("127.0.0.1", 0)
	local accepted <const> = {}
	socket.start(listener, function(fd)
		accepted[#accepted + 1] = fd
	end)
	-- Each connection takes two: ours and the accepted one.
	local opened <const> = {}
	for _ = 1, 2 do
		opened[#opened + 1] = assert(socket.open("127.0.0.1", port))
	end
	waiting.wait_until(function()
		return #accepted == 2
	end)
	local third <const> = assert(socket.open("127.0.0.1", port))
	testing.equal(socket.read(third), false, "the listener has no room for it")
	local id <const>, message <const> = socket.open("127.0.0.1", port)
	testing.equal(id, nil)
	testing.check(tostring(message):find("too many sockets", 1, true), message)
	testing.raises("Listen error: too many sockets", socket.listen, "127.0.0.1", 0)
	socket.close(third)
	testing.equal(socket.start(accepted[1]), accepted[1])
	socket.close(accepted[1])
	socket.close(opened[1])
	local again <const> = assert(socket.open("127.0.0.1", port))
	waiting.wait_until(function()
		return #accepted == 3
	end)
	testing.equal(socket.write(accepted[3], "hello"), true)
	testing.equal(socket.read(again, 5), "hello")
	-- The system ends with these open.
end)
