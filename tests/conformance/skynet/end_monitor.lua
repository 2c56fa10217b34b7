-- Answers a call with an address once that service has ended.
local skynet <const> = require "skynet"

local ended <const> = {} -- address -> true
local waiting <const> = {} -- address -> answer

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(_, address)
		ended[address] = true
		if waiting[address] then
			waiting[address](true, address)
		end
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, address)
		if ended[address] then
			skynet.retpack(address)
		else
			waiting[address] = skynet.response()
		end
	end)
end)
