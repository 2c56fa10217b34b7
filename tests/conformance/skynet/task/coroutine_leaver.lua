-- Serves coroutine.lua from inside nested coroutines.
local skynet <const> = require "skynet"
local co <const> = require "skynet.coroutine"

skynet.dispatch("lua", function(_, _, command, ...)
	co.wrap(co.wrap)(function() end)
	co.wrap(function(...)
		skynet.sleep(0)
		if command == "exit" then
			skynet.exit()
			error "exit returned"
		end
		local _, source <const> = skynet.context()
		skynet.retpack(source, ...)
	end)(...)
end)

skynet.start(function() end)
