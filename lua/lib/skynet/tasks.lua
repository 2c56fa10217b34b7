-- skynet.task, uniqtask, term, tracecall, dispatch_unknown_request and _response
-- (docs/skynet-rules.md 1.1): what the coroutines of this service wait for, and what nobody waits
-- for. Loaded when one is used.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

-- Coroutines that wait for something, in no order.
local function suspended()
	local list <const> = {}
	for _, task in ipairs(core.tasks()) do
		if task.state ~= "running" and task.state ~= "new" then
			list[#list + 1] = task
		end
	end
	return list
end

local function find(field, value)
	for _, task in ipairs(core.tasks()) do
		if task[field] == value then
			return task
		end
	end
end

--- Without argument: how many coroutines wait. With a table: fills it, one text for each, with
--- its traceback. With the session of one: its traceback. With a coroutine: its session. With
--- "init": the traceback of the start function, while that runs.
---@param what? table|integer|thread|"init"
---@return integer|string|table|nil
function M.task(what)
	if what == nil then
		return #suspended()
	elseif type(what) == "table" then
		for _, task in ipairs(suspended()) do
			local key <const> = string.format("%s session: %d", task.thread, task.session)
			what[key] = debug.traceback(task.thread)
		end
		return what
	elseif what == "init" then
		local task <const> = find("init", true)
		return task and debug.traceback(task.thread)
	elseif type(what) == "thread" then
		local task <const> = find("thread", what)
		return task and task.session ~= 0 and task.session or nil
	end
	local task <const> = what ~= 0 and find("session", what)
	return task and debug.traceback(task.thread) or "No session"
end

--- The tracebacks of the waiting coroutines, those that are equal together:
--- { ["n\tsessions:[1 2]\n"] = traceback }.
---@return table<string, string>
function M.uniqtask()
	local groups <const> = {}
	for _, task in ipairs(suspended()) do
		local place <const> = debug.traceback(task.thread)
		groups[place] = groups[place] or {}
		table.insert(groups[place], task.session)
	end
	local result <const> = {}
	for place, sessions in pairs(groups) do
		table.sort(sessions)
		local key <const> =
			string.format("%d\tsessions:[%s]\n", #sessions, table.concat(sessions, " "))
		-- Two groups may wait for nothing that has a session.
		result[result[key] and key .. place or key] = place
	end
	return result
end

--- Fails this service's calls that wait for an address, as if that service had ended.
---@param address skynet.Address
function M.term(address)
	core.term(address)
end

--- skynet.rawcall; there is nothing to trace to.
---@async
---@param address skynet.Address
---@param kind string|integer
---@return lightuserdata message, integer size
function M.tracecall(_, address, kind, message, size)
	return skynet.rawcall(address, kind, message, size)
end

--- Sets the handler of messages whose type has none: f(session, source, message, size, type id).
---@param f async fun(session: integer, source: integer, message: lightuserdata, size, id)
---@return function|nil previous
function M.dispatch_unknown_request(f)
	return core.on_unknown("request", f)
end

--- Sets the handler of replies that nobody waits for: f(session, source, message, size).
---@param f async fun(session: integer, source: integer, message: lightuserdata, size: integer)
---@return function|nil previous
function M.dispatch_unknown_response(f)
	return core.on_unknown("response", f)
end

for name, f in pairs(M) do
	rawset(skynet, name, f)
end

return M
