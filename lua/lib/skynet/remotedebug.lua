-- The service's side of the console's `debug` (docs/skynet-rules.md 1.6): stops a handler at a line
-- and steps through it. Only that coroutine stops; the service goes on with other messages.
--
-- Commands of one debugger, which are debug messages REMOTEDEBUG: "watch" type condition, "s",
-- "n", "c", "eval" text. Each answers with a text.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local inject <const> = require "skynet.inject"

local M <const> = {}

---@class skynet.Stop
---@field thread thread
---@field ended boolean

local stop ---@type skynet.Stop|nil the coroutine that is looked at
-- Wakes who waits for it to stop or end. The state of a coroutine that stopped in a hook is one
-- instruction behind, so the hook leaves here what it saw.
---@type { line: integer, locals: string[] }
local token <const> = {}
local unwatch ---@type fun()|nil puts the handler back that is watched

-- Level of the function that stopped; 0 is the hook's.
local LEVEL <const> = 0

local function where()
	return string.format("%s:%d", debug.getinfo(stop.thread, LEVEL, "S").short_src, token.line)
end

---@async
local function await_stop()
	skynet.wait(token)
	if stop == nil then
		return "given up"
	elseif stop.ended then
		stop = nil
		return "the handler has ended"
	end
	return where()
end

local function depth_of(thread)
	local depth = 0
	while debug.getinfo(thread, depth, "l") do
		depth = depth + 1
	end
	return depth
end

-- The locals and upvalues of the function that stopped: reading and writing go through.
local function frame_environment(thread)
	local slots <const> = {} -- name -> { get, set }
	local f <const> = debug.getinfo(thread, LEVEL, "f").func
	for i = 1, math.huge do
		local name <const> = debug.getupvalue(f, i)
		if name == nil then
			break
		end
		slots[name] = function(...)
			if select("#", ...) > 0 then
				debug.setupvalue(f, i, (...))
			end
			return select(2, debug.getupvalue(f, i))
		end
	end
	for i, name in ipairs(token.locals) do
		if name:sub(1, 1) ~= "(" then
			slots[name] = function(...)
				if select("#", ...) > 0 then
					debug.setlocal(thread, LEVEL, i, (...))
				end
				return select(2, debug.getlocal(thread, LEVEL, i))
			end
		end
	end
	return setmetatable({}, {
		__index = function(_, name)
			local slot <const> = slots[name]
			if slot then
				return slot()
			end
			return _G[name]
		end,
		__newindex = function(_, name, value)
			local slot <const> = slots[name]
			if slot then
				slot(value)
			else
				_G[name] = value
			end
		end,
	})
end

local function texts(ok, ...)
	local values <const> = table.pack(...)
	for i = 1, values.n do
		values[i] = tostring(values[i])
	end
	return (ok and "" or "error: ") .. table.concat(values, "\t")
end

local command <const> = {}

--- Evaluates in the function that stopped, or in the service.
---@async
function command.eval(text)
	if stop == nil then
		local _, lines <const> = inject(
			skynet, "print(" .. text .. "\n)", "=(debug)", nil, skynet.dispatch "lua"
		)
		return table.concat(lines, "\n")
	end
	local environment <const> = frame_environment(stop.thread)
	local f <const>, message <const> = load("return " .. text, "=(debug)", "t", environment)
	if f then
		return texts(pcall(f))
	end
	local statement <const> = load(text, "=(debug)", "t", environment)
	return statement and texts(pcall(statement)) or "error: " .. message
end

--- Stops the next message of a type for which the condition holds, an expression of session,
--- source and the values in `...`; answers where.
---@async
function command.watch(kind, condition)
	kind = kind or "lua"
	local handler <const> = skynet.dispatch(kind)
	if handler == nil then
		return "no handler of " .. kind
	elseif stop or unwatch then
		return "there is one already; c gives it up"
	end
	local source <const> = "return function(session, source, ...) return %s end"
	local matches <const>, message <const> = load(source:format(condition or "true"))
	if matches == nil then
		return "error: " .. message
	end
	local holds <const> = matches()
	function unwatch()
		unwatch = nil
		skynet.dispatch(kind, handler)
	end
	skynet.dispatch(kind, function(...)
		local ok <const>, result <const> = pcall(holds, ...)
		if stop or not (ok and result) then
			return handler(...)
		end
		unwatch()
		local this <const> = { thread = coroutine.running(), ended = false }
		stop = this
		local _ <close> = setmetatable({}, {
			__close = function()
				this.ended = true
				skynet.wakeup(token)
			end,
		})
		core.stop_token(token)
		core.stop_at_line(nil, nil, true)
		handler(...)
	end)
	return await_stop()
end

---@async
local function step(depth)
	if stop == nil then
		return "nothing has stopped; watch stops it"
	end
	core.stop_at_line(stop.thread, depth)
	core.go_on(stop.thread) -- false: it waits for something, and stops behind that
	return await_stop()
end

--- To the next line, also of functions that are called.
---@async
function command.s()
	return step()
end

--- To the next line of this function, or of those that called it.
---@async
function command.n()
	return step(stop and depth_of(stop.thread))
end

--- Lets everything run.
function command.c()
	if unwatch then
		unwatch()
	end
	local stopped <const> = stop
	stop = nil
	skynet.wakeup(token)
	if stopped and not stopped.ended then
		core.go_on(stopped.thread)
	end
	return "continued"
end

--- Runs a command of the debugger and answers.
---@async
---@param name string
function M.start(name, ...)
	local f <const> = command[name]
	skynet.retpack(f and f(...) or "commands: watch, s, n, c, and expressions")
end

return M
