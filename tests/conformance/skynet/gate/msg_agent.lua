-- The agent of msg_gate.lua.
local skynet <const> = require "skynet"
require "skynet.manager"

local waiting

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		if text == "die" then
			skynet.kill(skynet.self())
		elseif text == "hang" then
			waiting = {}
			skynet.wait(waiting)
		end
		skynet.ret("agent " .. text)
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, command, gate, uid, subid)
		if command == "logout" then
			skynet.call(gate, "lua", "logout", uid, subid)
			skynet.exit()
		end
		skynet.retpack()
	end)
end)
