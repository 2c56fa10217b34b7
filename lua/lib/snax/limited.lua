-- Calls of a script's handlers that must end in time, for snax.loginserver.
local error_text <const> = require "skynet.error_text"
local skynet <const> = require "skynet"

local M <const> = {}

M.LATE = "takes too long"

--- f(...) in a coroutine of its own, which is ended when its time is over: true and the results, or
--- false and a text, M.LATE after its time.
---@async
---@param time integer centiseconds
---@param f async fun(...): ...
function M.call(time, f, ...)
	local arguments <const> = table.pack(...)
	local token <const> = {}
	local result
	local co <const> = skynet.fork(function()
		result = table.pack(xpcall(f, error_text, table.unpack(arguments, 1, arguments.n)))
		skynet.wakeup(token)
	end)
	skynet.sleep(time, token)
	if result == nil then
		skynet.killthread(co)
		return false, M.LATE
	end
	return table.unpack(result, 1, result.n)
end

return M
