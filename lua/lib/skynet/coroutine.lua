-- require "skynet.coroutine": coroutines inside a service's coroutine in which the blocking
-- functions of skynet work (docs/skynet-rules.md 1.5). While one waits for the service's sake its
-- status is "blocked", and only the answer it waits for resumes it.
--
-- resume, and a function made by wrap, yield when the coroutine inside does.
local blocking <const> = require "skynet.blocking"

local raw <const> = {
	close = coroutine.close,
	create = coroutine.create,
	resume = coroutine.resume,
	running = coroutine.running,
	status = coroutine.status,
	yield = coroutine.yield,
}
local outer <const> = blocking.outer
local MARK <const> = blocking.MARK

local M <const> = {
	isyieldable = coroutine.isyieldable,
	running = coroutine.running,
}

-- Coroutines made here; "blocked" while they wait for the service's sake.
local made <const> = setmetatable({}, { __mode = "k" }) ---@type table<thread, "free"|"blocked">
-- First value of a yield that is for whoever resumed.
local USER <const> = {}

local function stopped(clock, co, ...)
	clock.pause(co)
	return ...
end

-- Runs co until it ends or yields, with its clock on.
local function continue(co, ...)
	made[co] = "free"
	local clock <const> = blocking.clock
	if clock == nil then
		return raw.resume(co, ...)
	end
	clock.continue(co)
	return stopped(clock, co, raw.resume(co, ...))
end

-- What to do with the results of continue.
---@async
local function advance(co, ok, ...)
	local mark <const> = ...
	if not ok or raw.status(co) == "dead" then
		outer[co] = nil
		return ok, ...
	elseif mark == USER then
		outer[co] = nil
		return true, select(2, ...)
	end
	made[co] = "blocked"
	if mark == MARK then
		local name <const> = select(2, ...)
		return advance(co, continue(co, pcall(blocking.functions[name], select(3, ...))))
	end
	-- A yield of the standard library is for the outermost resumer, as if co were not between.
	return advance(co, continue(co, raw.yield(...)))
end

---@param f async fun(...): ...
---@return thread
function M.create(f)
	local co <const> = raw.create(f)
	made[co] = "free"
	return co
end

---@async
---@param co thread
---@return boolean ok, any ...
function M.resume(co, ...)
	local state <const> = made[co]
	if state == nil then
		return false, "cannot resume none skynet coroutine"
	elseif state == "blocked" and raw.status(co) == "suspended" then
		return false, "cannot resume a skynet coroutine suspend by skynet framework"
	elseif raw.status(co) ~= "suspended" then
		return raw.resume(co)
	end
	local me <const> = raw.running()
	outer[co] = outer[me] or me
	return advance(co, continue(co, ...))
end

--- Hands values to whoever resumed this coroutine.
---@async
---@return any ...
function M.yield(...)
	if outer[raw.running()] == nil then
		error("attempt to yield from outside a skynet coroutine", 2)
	end
	return raw.yield(USER, ...)
end

---@param co thread
---@return "running"|"suspended"|"normal"|"dead"|"blocked"
function M.status(co)
	local status <const> = raw.status(co)
	if status == "suspended" and made[co] == "blocked" then
		return "blocked"
	end
	return status
end

--- Ends a coroutine that does not run: its `<close>` variables run now.
---@param co thread
---@return boolean ok, any message
function M.close(co)
	return raw.close(co)
end

--- A function that resumes a new coroutine, and raises what it raises.
---@param f async fun(...): ...
---@return async fun(...): ...
function M.wrap(f)
	return blocking.wrapper(M.create(f), M.resume)
end

--- The coroutine of the service in which co runs, and whether that is co itself. Nil for a
--- coroutine that does not run.
---@param co? thread this one when left out
---@return thread|nil, boolean
function M.thread(co)
	co = co or raw.running()
	if made[co] then
		return outer[co], false
	end
	return co, true
end

return M
