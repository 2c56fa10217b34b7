-- The first Lua service: launches the ones every program needs, then the `start` service of the
-- configuration, and leaves.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

skynet.start(function()
	skynet.name(".launcher", assert(skynet.launch("snlua", "launcher")))
	skynet.name(".service", skynet.newservice "service_mgr")
	local console <const> = skynet.getenv "console_listen"
	if console then
		local ok <const>, address <const> = pcall(skynet.newservice, "debug_console", console)
		local info <const> = ok and skynet.call(address, "debug", "INFO")
		skynet.setenv("console_address", info and info.address or "")
	end
	local start <const> = skynet.getenv "start"
	if start then
		local ok <const>, message <const> = pcall(skynet.newservice, start)
		if not ok then
			core.log(string.format("start service %s failed: %s", start, message), "error")
		end
	end
	skynet.exit()
end)
