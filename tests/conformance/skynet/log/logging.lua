-- Logs a line through whatever logger the configuration names, and waits for the end.
local skynet <const> = require "skynet"

skynet.start(function()
	skynet.error("a line", "of", skynet.address(skynet.self()))
end)
