-- For manager.lua: remembers which services ended; answers whether one has.
local skynet <const> = require "skynet"

local ended <const> = {}

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(_, address)
		ended[address] = true
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, address)
		skynet.retpack(ended[address] == true)
	end)
end)
