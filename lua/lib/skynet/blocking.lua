-- What skynet.coroutine and skynet.profile need of the functions that yield: inside a coroutine
-- of skynet.coroutine they hand their work to the one who resumed it, so that the coroutine of
-- the service is the one that waits; and a clock learns when a coroutine of the service waits.
--
-- skynet.exit needs nothing: its yield reaches the scheduler through every resumer.
-- Loading this module replaces those functions in the tables of "skynet" and "skynet.core",
-- once per VM. A copy taken before raises inside a nested coroutine, as all functions do that
-- yield elsewhere.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local running <const> = coroutine.running
local yield <const> = coroutine.yield
local pcall <const> = pcall
local error <const> = error

local M <const> = {}

-- First value of a yield that asks the resumer to run a function: MARK, function name, ...
M.MARK = {}
-- Coroutines of skynet.coroutine that run now -> the service's coroutine they run in.
M.outer = setmetatable({}, { __mode = "k" }) ---@type table<thread, thread>
-- Told by skynet.profile: what to do before a coroutine waits and after.
M.clock = nil ---@type { pause: fun(co: thread), continue: fun(co: thread) }|nil

local outer <const> = M.outer
local MARK <const> = M.MARK

local function results(ok, ...)
	if ok then
		return ...
	end
	error((...), 0)
end

local function waited(co, ...)
	M.clock.continue(co)
	return results(...)
end

---@async
local function replacement(name, f)
	return function(...)
		local co <const> = running()
		if outer[co] then
			return results(yield(MARK, name, ...))
		elseif M.clock then
			M.clock.pause(co)
			return waited(co, pcall(f, ...))
		end
		return f(...)
	end
end

local replaced <const> = {}
for _, name in ipairs {
	"call",
	"rawcall",
	"newservice",
	"uniqueservice",
	"queryservice",
	"sleep",
	"wait",
	"yield",
} do
	replaced[name] = replacement(name, skynet[name])
	skynet[name] = replaced[name]
end

core.await = replacement("await", core.await)
-- The functions that a nested coroutine names by MARK.
M.functions = setmetatable({ await = core.await }, { __index = skynet })

local sleep <const> = replaced.sleep
local wait <const> = replaced.wait

-- The token of who waits without one is its own coroutine, not the one it runs in.
local function default_token(token)
	if token ~= nil then
		return token
	end
	local co <const> = running()
	return outer[co] and co or nil
end

---@async
function skynet.sleep(centiseconds, token)
	return sleep(centiseconds, default_token(token))
end

---@async
function skynet.wait(token)
	return wait(default_token(token))
end

--- A function that resumes the coroutine by `resume`, and raises what that tells.
---@param co thread
---@param resume async fun(co: thread, ...): boolean, ...
---@return async fun(...): ...
function M.wrapper(co, resume)
	local function values(ok, ...)
		if ok then
			return ...
		end
		if coroutine.status(co) == "dead" then
			coroutine.close(co)
		end
		error((...), 0)
	end
	return function(...)
		return values(resume(co, ...))
	end
end

return M
