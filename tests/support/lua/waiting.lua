-- Waiting for a condition: the one place where Lua tests sleep for something.
local skynet <const> = require "skynet"

local M <const> = {}

local PATIENCE <const> = os.getenv "GATEHOUSE_SANITIZED" == "1" and 6 or 1
local POLL_CS <const> = 1
local QUIET_CS <const> = 5

--- Asks until the condition's result is true, and returns that result. Raises when it is not true
--- within `seconds` (50).
---@async
---@generic T
---@param condition async fun(): T
---@param what string? what the message says did not come
---@param seconds integer?
---@return T
function M.wait_until(condition, what, seconds)
	local limit <const> = skynet.now() + (seconds or 50) * 100 * PATIENCE
	local result = condition()
	while not result do
		if skynet.now() > limit then
			error((what or "a condition") .. " did not come true", 2)
		end
		skynet.sleep(POLL_CS)
		result = condition()
	end
	return result
end

--- Gives time to what must not come. Nothing tells of that, so this stands behind all that can be
--- waited for; too little time hides a fault and invents none.
---@async
function M.let_nothing_come()
	skynet.sleep(QUIET_CS)
end

return M
