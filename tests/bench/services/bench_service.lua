-- What the benchmark's services have in common.
local skynet <const> = require "skynet"

local M <const> = {}

--- Starts the service. A request names one of `commands`, or is handled by other(...) alone.
--- `ready` and `exit` are added to the commands; who calls `exit` gets an error once it is gone.
---@param commands table<any, async fun(...): any>
---@param other? async fun(...)
function M.serve(commands, other)
	commands.ready = function() end
	commands.exit = skynet.exit
	skynet.dispatch("lua", function(_, _, name, ...)
		local command <const> = commands[name]
		if command then
			skynet.retpack(command(...))
		else
			other(name, ...)
		end
	end)
	skynet.start(function() end)
end

--- Runs f(1) to f(count) in coroutines of their own and waits for all. Raises what one raised.
---@async
---@return any[] results the first result of each
function M.in_parallel(count, f)
	local results <const>, token <const> = {}, {}
	local left, failure = count, nil
	for i = 1, count do
		skynet.fork(function()
			local ok <const>, result <const> = pcall(f, i)
			if ok then
				results[i] = result
			else
				failure = result
			end
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	skynet.wait(token)
	if failure then
		error(failure, 0)
	end
	return results
end

return M
