-- An agent of the service gate: answers a client's frames on its socket.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local source_seen

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(fd, source, text)
		skynet.ignoreret()
		source_seen = source
		socket.write(fd, string.pack(">s2", "agent " .. text))
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, gate, fd)
		if gate then
			skynet.call(gate, "lua", "forward", fd)
		end
		skynet.retpack(source_seen)
	end)
end)
