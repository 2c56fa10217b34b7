-- skynet.exit and skynet.kill (docs/skynet-rules.md 2.5): nobody who waits is left waiting, and
-- `<close>` variables of every coroutine run.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local waiting <const> = require "waiting"
require "skynet.manager"

local closed = {}
local calls_in = 0
local command <const> = {}

function command.closed(name)
	closed[name] = (closed[name] or 0) + 1
end

function command.never_answered()
	calls_in = calls_in + 1
	command.answer = skynet.response()
end

skynet.dispatch("lua", function(_, _, name, ...)
	command[name](...)
end)

local function ending(how)
	closed = {}
	calls_in = 0
	local victim <const> = skynet.newservice("exit_service", skynet.self())
	local failed <const> = {}
	local function request(name, ...)
		local arguments <const> = table.pack(...)
		skynet.fork(function()
			local ok <const>, message <const> =
				pcall(skynet.call, victim, "lua", name, table.unpack(arguments, 1, arguments.n))
			failed[name] = not ok and message or "no error"
		end)
	end
	request("hang", "hanging")
	request "late"
	skynet.call(victim, "lua", "sleep_with_guard", "sleeping")
	skynet.call(victim, "lua", "call_out", "calling")
	waiting.wait_until(function()
		return calls_in == 1
	end)
	testing.equal(command.answer "TEST", true)
	if how == "exit" then
		testing.raises("call failed", skynet.call, victim, "lua", "exit")
	else
		skynet.kill(victim)
	end
	waiting.wait_until(function()
		return failed.hang and failed.late and closed.calling
	end)
	testing.check(failed.hang:find("call failed", 1, true), failed.hang)
	testing.check(failed.late:find("call failed", 1, true), failed.late)
	testing.equal(closed.hanging, 1)
	testing.equal(closed.sleeping, 1)
	testing.equal(closed.calling, 1)
	testing.equal(closed["a fork that must not run"], nil)
	testing.equal(closed["code after exit"], nil)
	if how == "exit" then
		waiting.wait_until(function()
			return closed.running
		end)
	end
	testing.equal(command.answer "TEST", false, "the caller is gone")
	testing.equal(command.answer(true, "too late"), false)
	testing.raises("call to invalid address", skynet.call, victim, "lua", "hang")
	testing.equal(skynet.send(victim, "lua", "hang"), nil)
end

testing.run(function()
	ending "exit"
	ending "kill"

	-- Requests that wait in the mailbox of a service that exits get errors, too.
	local busy <const> = skynet.newservice("exit_service", skynet.self())
	local failed = 0
	for i = 1, 10 do
		skynet.fork(function()
			local ok <const> = pcall(skynet.call, busy, "lua", i == 1 and "block" or "hang", 5)
			failed = failed + (ok and 0 or 1)
		end)
	end
	waiting.wait_until(function()
		return failed == 10
	end)
	testing.equal(failed, 10)
end)
