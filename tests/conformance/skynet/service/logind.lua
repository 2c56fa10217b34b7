-- A service with a name that one of ours has, for details.lua.
local skynet <const> = require "skynet"

skynet.dispatch("lua", function()
	skynet.retpack "their own"
end)

skynet.start(function() end)
