-- In which order messages and coroutines run (docs/skynet-rules.md 2.1).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const> = rules.rule, rules.same

local order = {}
local inside, critical_runs = 0, 0

local function note(what)
	order[#order + 1] = what
end

local function noted(wanted)
	same(wanted)(table.concat(order, " "))
	order = {}
end

local command <const> = { note = note }

-- Sees whether anything else of this service runs before it ends.
function command.critical()
	inside = inside + 1
	for _ = 1, 1000 do
		assert(inside == 1, "another coroutine ran between two yields")
	end
	inside = inside - 1
	critical_runs = critical_runs + 1
	skynet.retpack()
end

skynet.dispatch("lua", function(_, _, name, ...)
	command[name](...)
end)

-- Sends a note to this service: it stands behind what is in the queue now.
local function send_note(text)
	skynet.send(skynet.self(), "lua", "note", text)
end

local function messages(partner)
	rule("2.1 messages of one sender arrive in the order of their sending", function()
		local sent <const> = {}
		for i = 1, 200 do
			sent[i] = tostring(i)
			skynet.send(partner, "lua", "note", sent[i])
		end
		same(table.concat(sent, " "))(skynet.call(partner, "lua", "notes"))
	end)
	rule("2.1 a send is seen before the call that follows it", function()
		for i = 1, 20 do
			skynet.send(partner, "lua", "note", i)
			same(tostring(i))(skynet.call(partner, "lua", "notes"))
		end
	end)
	rule("2.1 what runs between two yields runs alone", function()
		local callers <const>, left = {}, 4
		for i = 1, 4 do
			callers[i] = skynet.newservice "core_partner"
		end
		for _, caller in ipairs(callers) do
			skynet.fork(function()
				for _ = 1, 20 do
					local result <const> =
						skynet.call(caller, "lua", "call_through", skynet.self(), "critical")
					assert(result:find("true", 1, true) == 1, result)
				end
				left = left - 1
			end)
		end
		rules.await(function()
			return left == 0
		end)
		same(80, 0)(critical_runs, inside)
	end)
	rule("2.1 replies come in the order in which the callee answers", function()
		for i = 1, 3 do
			skynet.fork(function()
				skynet.call(partner, "lua", "keep")
				note(i)
			end)
		end
		skynet.yield()
		for _ = 1, 3 do
			same(true)(skynet.call(partner, "lua", "release_last", true))
		end
		rules.await(function()
			return #order == 3
		end)
		noted "3 2 1"
	end)
end

local function timers()
	rule("2.1 timers of one moment fire in the order of their creation", function()
		for i = 1, 20 do
			skynet.timeout(2, function()
				note(i)
			end)
		end
		rules.await(function()
			return #order == 20
		end)
		noted "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"
	end)
	rule("2.1 a timer of 0 stands behind the messages in the queue", function()
		send_note "before"
		skynet.timeout(0, function()
			note "timer"
		end)
		send_note "after"
		skynet.timeout(-1, function()
			note "negative"
		end)
		rules.await(function()
			return #order == 4
		end)
		noted "before timer after negative"
	end)
end

local function coroutines()
	rule("2.1 forks run first, then timers of 0, then those who slept", function()
		note "main"
		skynet.fork(function()
			note "fork1"
			skynet.fork(note, "fork1.1")
		end)
		skynet.timeout(0, function()
			note "timeout0"
		end)
		skynet.fork(note, "fork2")
		skynet.sleep(0)
		note "slept"
		rules.await(function()
			return #order == 6
		end)
		noted "main fork1 fork2 fork1.1 timeout0 slept"
	end)
	rule("2.1 all forks run before the next message", function()
		send_note "message"
		local function deeper(depth)
			note(depth)
			if depth < 5 then
				skynet.fork(deeper, depth + 1)
			end
		end
		skynet.fork(deeper, 1)
		skynet.fork(note, "second")
		skynet.yield()
		noted "1 second 2 3 4 5 message"
	end)
	rule("2.1 the woken run in the order of the wakeups", function()
		local tokens <const> = { {}, {}, {} }
		for i, token in ipairs(tokens) do
			skynet.fork(function()
				skynet.wait(token)
				note(i)
			end)
		end
		skynet.yield()
		for _, i in ipairs { 3, 1, 2 } do
			skynet.wakeup(tokens[i])
		end
		noted ""
		skynet.yield()
		noted "3 1 2"
	end)
	rule("2.1 the woken run in the same message", function()
		local token <const> = {}
		skynet.fork(function()
			skynet.wait(token)
			note "woken"
		end)
		skynet.yield()
		send_note "message"
		skynet.fork(function()
			skynet.wakeup(token)
			note "waker"
		end)
		skynet.yield()
		noted "waker woken message"
	end)
end

rules.run("ordering", function()
	messages(skynet.newservice "core_partner")
	timers()
	coroutines()
end)
