-- Yields while it loads, and again in its init function, which uses what comes after it.
local skynet <const> = require "skynet"

local M <const> = { loaded = 0 }

skynet.init(function()
	skynet.sleep(1)
	M.ready = M.value()
end)

skynet.sleep(1)
M.loaded = M.loaded + 1

function M.value()
	return "ready"
end

return M
