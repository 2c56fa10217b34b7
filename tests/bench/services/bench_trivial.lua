-- The smallest service that can be told to leave.
local skynet <const> = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.exit()
	end)
end)
