-- For manager.lua: takes "lua" messages as "system" ones and hands them to another service.
local skynet <const> = require "skynet"
require "skynet.manager"

local target <const> = math.tointeger(tonumber((...)))

skynet.register_protocol {
	name = "system",
	id = skynet.PTYPE_SYSTEM,
	unpack = function(...)
		return ...
	end,
}

skynet.forward_type({
	[skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM,
	[skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE,
}, function()
	skynet.dispatch("system", function(_, _, message, size)
		skynet.yield() -- the message stays
		skynet.ret(skynet.rawcall(target, skynet.PTYPE_LUA, message, size))
	end)
end)
