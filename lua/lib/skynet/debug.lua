-- Answers to debug messages (docs/skynet-rules.md 1.6), which every service gives: C++ loads this
-- module for the first one and takes `dispatch` as their handler.
local skynet <const> = require "skynet"

local M <const> = {}

local command <const> = {}
local info ---@type fun(...): ...|nil

--- Results of f(...) are what INFO answers.
---@param f fun(...): ...
rawset(skynet, "info_func", function(f)
	info = f
end)

--- Adds a command, or replaces one. f answers by itself, with skynet.retpack.
---@param name string
---@param f async fun(...)
function M.reg_debugcmd(name, f)
	command[name] = f
end

function command.MEM()
	skynet.retpack(collectgarbage "count")
end

---@async
function command.GC()
	local before <const>, start <const> = collectgarbage "count", skynet.hpc()
	collectgarbage()
	local seconds <const> = (skynet.hpc() - start) / 1e9
	skynet.error(
		string.format("GC %.2f Kb -> %.2f Kb, cost %.2f sec", before, collectgarbage "count", seconds)
	)
	if (skynet.context()) ~= 0 then
		skynet.ret()
	end
end

function command.STAT()
	skynet.retpack {
		task = skynet.task(),
		mqlen = skynet.stat "mqlen",
		cpu = skynet.stat "cpu",
		message = skynet.stat "message",
	}
end

function command.KILLTASK(name)
	local thread <const> = skynet.killthread(name)
	if thread then
		skynet.error("Kill thread " .. tostring(thread))
		skynet.ret()
	else
		skynet.retpack "Not found"
	end
end

function command.TASK(session)
	skynet.retpack(skynet.task(session or {}))
end

function command.UNIQTASK()
	skynet.retpack(skynet.uniqtask())
end

---@async
function command.INFO(...)
	if info then
		skynet.retpack(info(...))
	else
		skynet.retpack(nil)
	end
end

---@async
function command.EXIT()
	skynet.exit()
end

---@async
function command.RUN(source, filename, ...)
	local inject <const> = require "skynet.inject"
	local ok <const>, lines <const> =
		inject(skynet, source, filename, table.pack(...), skynet.dispatch "lua", M.reg_debugcmd)
	skynet.retpack(ok, table.concat(lines, "\n"))
end

function command.TERM(address)
	skynet.term(address)
end

function command.SUPPORT(kind)
	skynet.retpack(skynet.dispatch(kind) ~= nil)
end

function command.PING()
	skynet.ret()
end

local links <const> = {} -- answered by the end of this service

function command.LINK()
	links[#links + 1] = skynet.response()
end

--- Tracing does nothing here.
function command.TRACELOG()
	skynet.ret()
end

---@async
function command.REMOTEDEBUG(...)
	require("skynet.remotedebug").start(...)
end

--- Handler of debug messages.
---@async
function M.dispatch(_, _, name, ...)
	local f <const> = command[name]
	if f == nil then
		error("Invalid debug command " .. tostring(name))
	end
	f(...)
end

return M
