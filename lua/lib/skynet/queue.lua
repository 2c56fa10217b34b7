-- A lock of coroutines: cs(f, ...) runs f exclusively, first come first served; the holder may
-- enter again (docs/skynet-rules.md 2.7). A coroutine that is ended, by a deadline or
-- skynet.killthread, lets go.
local skynet <const> = require "skynet"
local coroutine <const> = coroutine
local xpcall <const> = xpcall
local traceback <const> = debug.traceback

local function result_of(ok, ...)
	if not ok then
		error((...), 0)
	end
	return ...
end

---@return fun(f: function, ...): ...
return function()
	local holder = nil ---@type thread|nil
	local waiting <const> = {} -- coroutines; false: one that was ended while it waited
	local first, last = 1, 0

	-- The lock passes on at once, so that nobody slips in before the woken one runs.
	local function pass_on()
		while first <= last do
			holder = waiting[first]
			waiting[first] = nil
			first = first + 1
			if holder and skynet.wakeup(holder) then
				return
			end
		end
		holder = nil
	end

	local place <const> = setmetatable({}, {
		__close = function()
			local me <const> = coroutine.running()
			if holder == me then
				pass_on()
				return
			end
			for i = first, last do
				if waiting[i] == me then
					waiting[i] = false
				end
			end
		end,
	})

	---@async
	return function(f, ...)
		local me <const> = coroutine.running()
		if holder == me then
			return f(...)
		end
		local _ <close> = place
		if holder ~= nil then
			last = last + 1
			waiting[last] = me
			skynet.wait(me)
		end
		holder = me
		return result_of(xpcall(f, traceback, ...))
	end
end
