-- A lock of coroutines: cs(f, ...) runs f exclusively, first come first served; the holder may
-- enter again (sk 2.7).
local skynet <const> = require "skynet"
local coroutine <const> = coroutine
local xpcall <const> = xpcall
local traceback <const> = debug.traceback

---@return fun(f: function, ...): ...
return function()
	local holder = nil ---@type thread|nil
	local depth = 0
	local waiting <const> = {}
	local first, last = 1, 0

	local function leave(ok, ...)
		depth = depth - 1
		if depth == 0 then
			holder = nil
			if first <= last then
				local next_in_line <const> = waiting[first]
				waiting[first] = nil
				first = first + 1
				-- The lock passes on at once, so that nobody slips in before the woken one runs.
				holder = next_in_line
				skynet.wakeup(next_in_line)
			end
		end
		if not ok then
			error((...), 0)
		end
		return ...
	end

	---@async
	return function(f, ...)
		local me <const> = coroutine.running()
		if holder ~= nil and holder ~= me then
			last = last + 1
			waiting[last] = me
			skynet.wait(me)
		end
		holder = me
		depth = depth + 1
		return leave(xpcall(f, traceback, ...))
	end
end
