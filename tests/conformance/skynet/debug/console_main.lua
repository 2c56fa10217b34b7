-- A debug console with the arguments of the configuration, and a service to look into.
local skynet <const> = require "skynet"
require "skynet.manager"

skynet.start(function()
	local ok <const> = pcall(skynet.newservice, "debug_console", skynet.getenv "console_arguments")
	if not ok then
		return skynet.abort()
	end
	skynet.error("target is " .. skynet.address(skynet.newservice "debug_target"))
end)
