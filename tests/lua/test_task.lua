-- Coroutines: run order (docs/skynet-rules.md 2.1), fork, sleep, wait, wakeup
-- (docs/skynet-rules.md 2.6), queue (docs/skynet-rules.md 2.7).
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local queue <const> = require "skynet.queue"
local waiting <const> = require "waiting"

local order = {}

local function note(what)
	order[#order + 1] = what
end

local function check_order(wanted)
	testing.equal(table.concat(order, " "), wanted)
	order = {}
end

local function test_run_order()
	local done <const> = {}
	note "main"
	skynet.fork(function()
		note "fork1"
		skynet.fork(note, "fork1.1")
	end)
	skynet.timeout(0, function()
		note "timeout0"
	end)
	skynet.fork(function()
		note "fork2"
	end)
	skynet.fork(function()
		skynet.sleep(0)
		note "after-sleep0"
		skynet.wakeup(done)
	end)
	skynet.wait(done)
	check_order "main fork1 fork2 fork1.1 timeout0 after-sleep0"

	-- Forks get their arguments, and run although an earlier one raised.
	local co <const> = skynet.fork(function(...)
		note(table.concat({ ... }, "+"))
	end, 1, 2, 3)
	testing.equal(type(co), "thread")
	skynet.fork(function()
		error "a fork that fails, as the test wants"
	end)
	skynet.fork(note, "last")
	skynet.yield()
	check_order "1+2+3 last"
end

local function test_sleep()
	local before <const> = skynet.hpc()
	testing.equal(select("#", skynet.sleep(2)), 0)
	testing.check(skynet.hpc() - before >= 19 * 1000000, "sleeps 2 cs")
	testing.equal(select("#", skynet.yield()), 0)
	testing.equal(select("#", skynet.sleep(-5)), 0)

	local token <const> = {}
	skynet.fork(skynet.sleep, math.maxinteger)
	skynet.fork(skynet.sleep, math.mininteger)
	skynet.fork(function()
		testing.equal(skynet.wakeup(token), true)
		testing.equal(skynet.wakeup(token), nil, "nobody waits any more")
	end)
	testing.equal(skynet.sleep(100000, token), "BREAK")

	local sleeper <const> = skynet.fork(function()
		note(tostring(skynet.sleep(100000)))
	end)
	skynet.yield()
	testing.equal(skynet.wakeup(sleeper), true)
	testing.equal(#order, 0, "the woken one runs when the waker yields")
	skynet.yield()
	check_order "BREAK"

	testing.raises("number has no integer representation", skynet.sleep, 1.5)
	testing.raises("number has no integer representation", skynet.timeout, 1.5, note)
	testing.equal(select("#", skynet.sleep "0"), 0)
	testing.raises("function expected", skynet.timeout, 0, 1)
	testing.raises("function expected", skynet.fork, "x")

	-- Timers that are due together fire in the order they were made.
	for i = 1, 5 do
		skynet.timeout(1, function()
			note(i)
		end)
	end
	waiting.wait_until(function()
		return #order == 5
	end)
	check_order "1 2 3 4 5"
end

local function test_wait()
	local tokens <const> = { {}, {}, {} }
	for i, token in ipairs(tokens) do
		skynet.fork(function()
			testing.equal(select("#", skynet.wait(token)), 0)
			note(i)
		end)
	end
	skynet.yield()
	testing.raises("token duplicative", skynet.wait, tokens[1])
	testing.raises("token duplicative", skynet.sleep, 1, tokens[1])
	for _, i in ipairs { 3, 1, 2 } do
		testing.equal(skynet.wakeup(tokens[i]), true)
	end
	testing.equal(skynet.wakeup(tokens[1]), nil)
	skynet.yield()
	check_order "3 1 2"

	testing.equal(skynet.wakeup {}, nil)
	testing.equal(skynet.wakeup "nobody", nil)
	testing.raises("value expected", skynet.wakeup)

	-- A wakeup before the wait is lost; the token can be used again.
	skynet.wakeup(tokens[1])
	skynet.fork(function()
		skynet.wait(tokens[1])
		note "again"
	end)
	skynet.yield()
	testing.equal(#order, 0)
	skynet.wakeup(tokens[1])
	skynet.yield()
	check_order "again"

	-- Blocking in a plain coroutine cannot work, and says so.
	local ok <const>, message <const> = coroutine.resume(coroutine.create(function()
		skynet.sleep(1)
	end))
	testing.equal(ok, false)
	testing.check(tostring(message):find("not inside a plain one", 1, true), message)
end

local function test_killthread()
	local closed = false
	local victim <const> = skynet.fork(function()
		local guard <close> = setmetatable({}, {
			__close = function()
				closed = true
			end,
		})
		skynet.wait(guard)
		note "never"
	end)
	skynet.yield()
	testing.equal(skynet.killthread(victim), victim)
	testing.equal(closed, true)
	testing.equal(skynet.killthread(victim), nil)
	testing.equal(skynet.killthread(coroutine.running()), nil, "not the running one")
	-- One that sleeps, one that is woken already, one that has not begun.
	local sleeper <const> = skynet.fork(function()
		skynet.sleep(1)
		note "never"
	end)
	local woken <const> = skynet.fork(function()
		skynet.wait()
		note "never"
	end)
	skynet.yield()
	local fresh <const> = skynet.fork(note, "never")
	testing.equal(skynet.wakeup(woken), true)
	testing.equal(skynet.killthread(sleeper), sleeper)
	testing.equal(skynet.killthread(woken), woken)
	testing.equal(skynet.killthread(fresh), fresh)
	waiting.let_nothing_come()
	check_order ""
end

local function test_queue()
	local cs <const> = queue()
	local left = 5
	local done <const> = {}
	local function leave()
		left = left - 1
		if left == 0 then
			skynet.wakeup(done)
		end
	end
	skynet.fork(function()
		cs(function()
			note "a1"
			cs(note, "a-nested")
			skynet.fork(function()
				cs(note, "forked")
				leave()
			end)
			skynet.yield() -- the others ask
			note "a2"
		end)
		leave()
	end)
	for _, name in ipairs { "b", "c", "d" } do
		skynet.fork(function()
			cs(function()
				skynet.yield()
				note(name)
			end)
			leave()
		end)
	end
	skynet.wait(done)
	check_order "a1 a-nested a2 b c d forked"

	local r <const> = table.pack(cs(function(...)
		return ...
	end, nil, 2, nil))
	testing.equal(r.n, 3)
	testing.equal(r[2], 2)
	testing.raises("as asked", cs, function()
		error "as asked"
	end)
	testing.raises("as asked", cs, function()
		cs(error, "as asked")
	end)
	testing.equal(cs(function()
		return "released"
	end), "released")
end

local function test_misc()
	testing.equal(math.type(skynet.now()), "integer")
	testing.equal(math.type(skynet.starttime()), "integer")
	testing.check(math.abs(skynet.time() - os.time()) < 5)
	testing.equal(math.type(skynet.genid()), "integer")
	testing.check(skynet.genid() ~= skynet.genid())
	local session <const>, source <const> = skynet.context()
	testing.equal(session, nil)
	testing.equal(source, nil)
	-- What a script yields by itself never ends the process.
	for _, value in ipairs { "x", 1, setmetatable({}, {
		__tostring = function()
			error "from __tostring"
		end,
	}) } do
		skynet.fork(function()
			coroutine.yield(value)
			note "never"
		end)
	end
	skynet.yield()
	check_order ""
end

testing.run(function()
	test_run_order()
	test_sleep()
	test_wait()
	test_killthread()
	test_queue()
	test_misc()
end)
