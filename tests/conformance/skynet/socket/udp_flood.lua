-- The other end of the rules about UDP between services.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local count, bytes, last = 0, 0, nil

local command <const> = {}

function command.dial(port)
	return socket.udp_dial("127.0.0.1", port)
end

function command.listen()
	return socket.udp_listen("127.0.0.1", 0, function(data)
		count, bytes, last = count + 1, bytes + #data, data
	end)
end

command.disconnected = socket.disconnected

-- Holds the worker until the flood has been sent.
function command.block()
	skynet.setenv("udp_flood_blocked", "yes")
	repeat
		local go <const> = skynet.getenv "udp_flood_go"
	until go
end

function command.received()
	return count, bytes
end

function command.last()
	return last
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.ret(skynet.pack(command[name](...)))
	end)
end)
