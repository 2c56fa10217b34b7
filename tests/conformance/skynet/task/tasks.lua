-- fork, sleep, wait, wakeup, timeout, killthread and the clocks (docs/skynet-rules.md 2.6).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function nothing() end

local function sleeping()
	rule("2.6 sleep returns nothing after its time", function()
		local before <const> = skynet.hpc()
		same()(skynet.sleep(2))
		assert(skynet.hpc() - before >= 10000000, "slept a tick at least")
	end)
	rule("2.6 sleep of 0 or less and yield go through the queue", function()
		same()(skynet.sleep(0))
		same()(skynet.sleep(-5))
		same()(skynet.yield())
		local order <const> = {}
		skynet.fork(function()
			skynet.yield()
			order[#order + 1] = "first"
		end)
		skynet.fork(function()
			skynet.sleep(0)
			order[#order + 1] = "second"
		end)
		rules.await(function()
			return #order == 2
		end)
		same "first second"(table.concat(order, " "))
	end)
	rule("2.6 a sleeper that is woken gets BREAK", function()
		local result
		local sleeper <const> = skynet.fork(function()
			result = table.pack(skynet.sleep(100000))
		end)
		skynet.yield()
		same(true)(skynet.wakeup(sleeper))
		skynet.yield()
		same(1, "BREAK")(result.n, result[1])
	end)
	rule("2.6 a sleep may have a token of its own", function()
		local token <const> = {}
		skynet.fork(skynet.wakeup, token)
		same "BREAK"(skynet.sleep(100000, token))
		same(nil)((skynet.wakeup(token)))
	end)
	rule("2.6 a timer that was broken never fires", function()
		local token <const>, woken = {}, 0
		skynet.fork(function()
			skynet.sleep(2, token)
			woken = woken + 1
			skynet.sleep(4)
			woken = woken + 1
		end)
		skynet.yield()
		skynet.wakeup(token)
		rules.await(function()
			return woken == 2
		end)
		rules.let_nothing_come()
		same(2)(woken)
	end)
	rule("2.6 times are integers, or text of one", function()
		raises("number has no integer representation", skynet.sleep, 1.5)
		raises("number has no integer representation", skynet.timeout, 1.5, nothing)
		same()(skynet.sleep "0")
		same()(skynet.sleep(1.0))
	end)
end

local function waiting()
	rule("2.6 wait returns nothing when it is woken", function()
		local token <const> = {}
		skynet.fork(skynet.wakeup, token)
		same()(skynet.wait(token))
	end)
	rule("2.6 the token of a wait is its coroutine when left out", function()
		local woken
		local co <const> = skynet.fork(function()
			skynet.wait()
			woken = true
		end)
		skynet.yield()
		same(true)(skynet.wakeup(co))
		skynet.yield()
		same(true)(woken)
	end)
	rule("2.6 a token can be waited on once at a time", function()
		local token <const> = {}
		skynet.fork(skynet.wait, token)
		skynet.yield()
		raises("token duplicative", skynet.wait, token)
		raises("token duplicative", skynet.sleep, 1, token)
		same(true)(skynet.wakeup(token))
		skynet.yield()
		same(nil)((skynet.wakeup(token)))
	end)
	rule("2.6 wakeup tells whether something waited", function()
		same(nil)((skynet.wakeup {}))
		same(nil)((skynet.wakeup "nobody"))
	end)
	rule("2.6 a wakeup before the wait is lost", function()
		local token <const>, woken = {}, false
		skynet.wakeup(token)
		skynet.fork(function()
			skynet.wait(token)
			woken = true
		end)
		skynet.yield()
		skynet.yield()
		same(false)(woken)
		same(true)(skynet.wakeup(token))
		skynet.yield()
		same(true)(woken)
	end)
end

local function forking()
	rule("2.6 fork and timeout return the coroutine that they run", function()
		local seen <const> = {}
		local function run(name)
			seen[name] = coroutine.running()
		end
		local forked <const> = skynet.fork(run, "fork")
		local timed <const> = skynet.timeout(0, function()
			run "timeout"
		end)
		skynet.yield()
		skynet.yield()
		same(forked, timed)(seen.fork, seen.timeout)
	end)
	rule("2.6 fork hands its arguments over", function()
		local got
		skynet.fork(function(...)
			got = table.pack(...)
		end, 1, nil, "x", nil)
		skynet.yield()
		same(4, 1, nil, "x", nil)(got.n, table.unpack(got, 1, 4))
	end)
	rule("2.6 a timer runs once, with no arguments", function()
		local runs, count = 0, nil
		skynet.timeout(1, function(...)
			runs, count = runs + 1, select("#", ...)
		end)
		rules.await(function()
			return runs > 0
		end)
		rules.let_nothing_come()
		same(1, 0)(runs, count)
	end)
end

local function killing()
	rule("2.6 killthread ends a coroutine that waits, and returns it", function()
		local closed, ran = 0, false
		local function victim(wait, ...)
			local _ <close> = setmetatable({}, {
				__close = function()
					closed = closed + 1
				end,
			})
			wait(...)
			ran = true
		end
		for _, how in ipairs { skynet.wait, skynet.sleep } do
			local co <const> = skynet.fork(victim, how, 1)
			skynet.yield()
			same(co)(skynet.killthread(co))
			same(nil)((skynet.killthread(co)))
		end
		rules.let_nothing_come()
		same(2, false)(closed, ran)
	end)
	rule("2.6 killthread of a handler fails its caller", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "suicidal")
		raises("call failed", skynet.call, other, "lua", "victim")
		same "alive"(skynet.call(other, "lua", "alive"))
	end)
end

local function clocks()
	rule("2.6 now counts centiseconds", function()
		local before <const> = skynet.now()
		same "integer"(math.type(before))
		skynet.sleep(3)
		local passed <const> = skynet.now() - before
		assert(passed >= 2, passed)
	end)
	rule("2.6 time is starttime and now", function()
		same("integer", "float")(math.type(skynet.starttime()), math.type(skynet.time()))
		local before <const> = skynet.now()
		local time <const> = skynet.time()
		local after <const> = skynet.now()
		local now <const> = (time - skynet.starttime()) * 100
		assert(now >= before - 0.5 and now <= after + 0.5, now)
		assert(math.abs(skynet.time() - os.time()) < 10, "of the wall clock")
	end)
	rule("2.6 hpc counts nanoseconds", function()
		local first <const> = skynet.hpc()
		same "integer"(math.type(first))
		skynet.sleep(2)
		assert(skynet.hpc() - first >= 10000000)
	end)
	rule("2.6 a coroutine that yields by itself never runs again", function()
		local ran = false
		local co <const> = skynet.fork(function()
			coroutine.yield()
			ran = true
		end)
		skynet.yield()
		same(nil, false)((skynet.wakeup(co)), ran)
	end)
end

local how <const> = ...
if how == "suicidal" then
	skynet.dispatch("lua", function(_, _, command)
		if command == "victim" then
			local me <const> = coroutine.running()
			skynet.fork(function()
				skynet.killthread(me)
			end)
			skynet.wait()
		end
		skynet.retpack(command)
	end)
	skynet.start(nothing)
else
	rules.run("tasks", function()
		sleeping()
		waiting()
		forking()
		killing()
		clocks()
	end)
end
