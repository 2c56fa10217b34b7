-- Run by tests/unit/modules/socket_test.cpp in a process without a network.
local testing <const> = require "testing"
local socket <const> = require "skynet.socket"

testing.run(function()
	testing.raises("no network here", socket.listen, "127.0.0.1", 0)
	testing.raises("no network here", socket.open, "127.0.0.1", 80)
	testing.raises("no network here", socket.resolve, "localhost")
	testing.raises("no network here", socket.write, 1, "x")
	testing.raises("no network here", socket.netstat)
end)
