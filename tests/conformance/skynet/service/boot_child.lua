-- The other service of boot.lua.
local skynet <const> = require "skynet"

skynet.dispatch("lua", function()
	skynet.setenv("set_by_child", "by child")
	skynet.retpack(skynet.getenv "set_by_script")
end)

skynet.start(function() end)
