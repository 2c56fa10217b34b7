-- Ends every service, and with the last one the process (docs/skynet-rules.md 2.15).
local skynet <const> = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.fork(function()
		for _, name in ipairs { ".service", ".launcher", ".logger" } do
			skynet.kill(name)
		end
		skynet.exit()
	end)
end)
