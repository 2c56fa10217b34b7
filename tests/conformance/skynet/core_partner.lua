-- The other side in the scripts about the core (docs/skynet-rules.md 2.1 to 2.15): does what each
-- request says.
--   core_partner [raise | leave | hang ADDRESS | call ADDRESS | child ADDRESS] [...]
local skynet <const> = require "skynet"
require "skynet.manager"

local arguments <const> = { ... }
local kept = {} -- closures of skynet.response
local notes <const> = {}
local M <const> = {} -- the commands

M.echo = skynet.retpack

function M.fail(text)
	error(text or "as asked", 0)
end

function M.exit(before)
	if before == "answer" then
		skynet.retpack "going"
	end
	skynet.exit()
end

function M.arguments()
	skynet.retpack(table.unpack(arguments))
end

function M.globals(...)
	local values <const> = {}
	for i, name in ipairs { ... } do
		values[i] = tostring(_G[name])
	end
	skynet.retpack(table.unpack(values))
end

function M.context()
	skynet.retpack(skynet.context())
end

-- What waits for an answer, in each way that a request can.
M.hang = skynet.wait

function M.forget() end

M.ignore = skynet.ignoreret

function M.keep()
	kept[#kept + 1] = skynet.response()
end

function M.kept()
	skynet.retpack(#kept)
end

-- Uses all that is kept: true and the values, or false, or "TEST".
function M.release(...)
	local results <const> = {}
	for i, answer in ipairs(kept) do
		results[i] = answer(...)
	end
	if ... ~= "TEST" then
		kept = {}
	end
	skynet.retpack(table.unpack(results))
end

-- Uses the newest of what is kept.
function M.release_last(...)
	skynet.retpack(table.remove(kept)(...))
end

function M.sleep(centiseconds, ...)
	skynet.sleep(centiseconds)
	skynet.retpack(...)
end

-- Keeps the worker busy, so that what comes meanwhile waits in the queue; then exits when told to.
function M.busy(centiseconds, last)
	local stop <const> = skynet.hpc() + centiseconds * 10000000
	while skynet.hpc() < stop do
		math.sin(1)
	end
	if last == "exit" then
		skynet.exit()
	end
	skynet.retpack()
end

function M.note(text)
	notes[#notes + 1] = text
end

function M.note_context(text)
	local session <const>, source <const> = skynet.context()
	M.note(string.format("%s %d %d", text, session, source))
end

function M.notes()
	skynet.retpack(table.concat(notes, " "))
	for i = #notes, 1, -1 do
		notes[i] = nil
	end
end

-- What skynet's functions do here, as text: "1", "false", or what they raise.
local function outcome(f, ...)
	local ok <const>, result <const> = pcall(f, ...)
	return string.format("%s %s", ok, tostring(result))
end

function M.ret_twice()
	skynet.retpack "first"
	M.note(outcome(skynet.ret))
end

function M.ret_note()
	M.note(outcome(skynet.retpack, "x"))
end

function M.response_twice()
	local answer <const> = skynet.response()
	M.note(tostring(answer "TEST"))
	M.note(tostring(answer(true, "first")))
	M.note(outcome(answer, true, "second"))
	M.note(tostring(answer "TEST"))
end

function M.response_note()
	local answer <const> = skynet.response()
	M.note(outcome(answer, true, "x"))
	M.note(outcome(answer, true, "x"))
end

function M.ret_in_fork()
	skynet.fork(function()
		M.note(outcome(skynet.ret))
		skynet.send(skynet.self(), "lua", "release", true, "late")
	end)
	M.keep()
end

-- Calls another service, and answers nobody.
function M.call_out(address, ...)
	M.note "calling"
	M.note(outcome(skynet.call, address, "lua", ...))
end

function M.call_through(address, ...)
	skynet.retpack(outcome(skynet.call, address, "lua", ...))
end

function M.launch(...)
	skynet.retpack(outcome(skynet.newservice, ...))
end

skynet.dispatch("lua", function(_, _, name, ...)
	M[name](...)
end)

skynet.start(function()
	local how <const>, address <const> = arguments[1], math.tointeger(arguments[2])
	if how == "raise" then
		error("start fails as asked", 0)
	elseif how == "leave" then
		skynet.exit()
	elseif how == "hang" then
		skynet.send(address, "lua", "starting", skynet.self())
		skynet.wait()
	elseif how == "call" then
		skynet.call(address, "lua", "starting", skynet.self())
	elseif how == "child" then
		skynet.newservice("core_partner", "hang", address)
	end
end)
