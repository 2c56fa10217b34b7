-- The first Lua service: launches the ones every program needs, then the `start` service of the
-- configuration, and leaves. What it raises ends the process.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

skynet.start(function()
	local launcher <const> = assert(skynet.launch("snlua", "launcher"))
	skynet.name(".launcher", launcher)
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
		-- A start service that ended the launcher had begun.
		if not ok and core.alive(launcher) then
			error(string.format("start service %s failed: %s", start, message), 0)
		end
	end
	skynet.setenv("gatehouse_booted", "true")
	skynet.exit()
end)
