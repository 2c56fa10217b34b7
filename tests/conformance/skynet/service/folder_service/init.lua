-- A service that is a folder, for details.lua: its modules are beside it.
local skynet <const> = require "skynet"
local part <const> = require "folder_part"

skynet.dispatch("lua", function()
	skynet.retpack(part, rawget(_G, "SERVICE_PATH"):match "[^/]+/$")
end)

skynet.start(function() end)
