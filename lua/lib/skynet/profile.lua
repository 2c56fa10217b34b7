-- require "skynet.profile": how long a coroutine ran, without the time it waited
-- (docs/skynet-rules.md 1.5).
--
-- The time is that of the monotonic clock while the coroutine was on its worker; a nested
-- coroutine's time is also that of the one it runs in. A coroutine of skynet.coroutine counts
-- by itself; a plain one counts while it is resumed by resume or wrap of this module.
local skynet <const> = require "skynet"
local blocking <const> = require "skynet.blocking"

local raw_resume <const> = coroutine.resume
local running <const> = coroutine.running
local hpc <const> = skynet.hpc

local M <const> = {}

---@class skynet.profile.Watch
---@field total integer nanoseconds of the stretches that have ended
---@field since integer|nil when the running stretch began; nil while it waits

---@type table<thread, skynet.profile.Watch>
local watches <const> = setmetatable({}, { __mode = "k" })

local function pause(co)
	local watch <const> = watches[co]
	if watch and watch.since then
		watch.total = watch.total + hpc() - watch.since
		watch.since = nil
	end
end

local function continue(co)
	local watch <const> = watches[co]
	if watch and watch.since == nil then
		watch.since = hpc()
	end
end

blocking.clock = { pause = pause, continue = continue }

local function is_active(co)
	local status <const> = coroutine.status(co)
	return status == "running" or status == "normal"
end

--- Starts to count; raises when it does already.
---@param co? thread this one when left out
function M.start(co)
	co = co or running()
	if watches[co] then
		error(string.format("Thread %p start profile more than once", co), 2)
	end
	watches[co] = { total = 0, since = is_active(co) and hpc() or nil }
end

--- Ends it; raises when it was not started.
---@param co? thread this one when left out
---@return number seconds
function M.stop(co)
	co = co or running()
	pause(co)
	local watch <const> = watches[co]
	if watch == nil then
		error("Call profile.start() before profile.stop()", 2)
	end
	watches[co] = nil
	return watch.total / 1e9
end

local function paused(co, ...)
	pause(co)
	return ...
end

--- coroutine.resume that counts.
---@param co thread
---@return boolean ok, any ...
function M.resume(co, ...)
	if is_active(co) then
		return raw_resume(co)
	end
	continue(co)
	return paused(co, raw_resume(co, ...))
end

--- coroutine.wrap that counts.
---@param f fun(...): ...
---@return fun(...): ...
function M.wrap(f)
	return blocking.wrapper(coroutine.create(f), M.resume)
end

return M
