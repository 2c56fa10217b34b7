-- Passes its lua messages on to the service of its argument, as skynet's proxies do.
local skynet <const> = require "skynet"
require "skynet.manager"

local target <const> = tonumber((...))

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
	skynet.dispatch("system", function(session, _, message, size)
		if session == 0 then
			skynet.rawsend(target, "lua", message, size)
		else
			skynet.ret(skynet.rawcall(target, "lua", message, size))
		end
	end)
end)
