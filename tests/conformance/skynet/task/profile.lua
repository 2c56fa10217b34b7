-- skynet.profile (docs/skynet-rules.md 1.5). Times are compared with times, never with a machine's
-- speed.
local skynet <const> = require "skynet"
local profile <const> = require "skynet.profile"
local co <const> = require "skynet.coroutine"
local rules <const> = require "rules"

local rule <const>, raises <const> = rules.rule, rules.raises

-- Works until the clock has moved by so many nanoseconds.
local function work(nanoseconds)
	local stop <const> = skynet.hpc() + nanoseconds
	while skynet.hpc() < stop do
		math.sqrt(2)
	end
end

rules.run("profile", function()
	rule("1.5 stop gives the seconds since start", function()
		profile.start()
		local before <const> = skynet.hpc()
		work(2000000)
		local least <const> = (skynet.hpc() - before) / 1e9
		local spent <const> = profile.stop()
		assert(math.type(spent) == "float" and spent >= least, spent)
	end)
	rule("1.5 time spent waiting does not count", function()
		local before <const> = skynet.hpc()
		profile.start()
		skynet.sleep(20)
		pcall(skynet.call, 0xfffff0, "lua")
		local spent <const> = profile.stop()
		local all <const> = (skynet.hpc() - before) / 1e9
		assert(spent <= all - 0.15, spent)
	end)
	rule("1.5 misuse raises", function()
		raises("start()", profile.stop)
		profile.start()
		raises("more than once", profile.start)
		profile.stop()
		raises("start()", profile.stop)
		raises("start()", profile.stop, coroutine.create(print))
	end)
	rule("1.5 a nested coroutine counts by itself", function()
		local c <const> = co.create(function()
			work(2000000)
			skynet.sleep(20)
			co.yield()
			work(2000000)
		end)
		local before <const> = skynet.hpc()
		profile.start(c)
		assert(co.resume(c))
		work(2000000)
		assert(co.resume(c))
		local spent <const> = profile.stop(c)
		local all <const> = (skynet.hpc() - before) / 1e9
		assert(spent >= 0.004 and spent <= all - 0.15, spent)
	end)
	rule("1.5 its thread's time contains it", function()
		profile.start()
		local spent
		local f <const> = co.wrap(function()
			work(2000000)
			skynet.sleep(1)
			spent = profile.stop(co.thread())
		end)
		f()
		assert(spent >= 0.002, spent)
	end)
	rule("1.5 resume and wrap count plain coroutines", function()
		local c <const> = coroutine.create(function(...)
			work(2000000)
			return coroutine.yield(...)
		end)
		profile.start(c)
		rules.same(true, 1, nil)(profile.resume(c, 1, nil))
		rules.same(true, "end")(profile.resume(c, "end"))
		assert(profile.stop(c) >= 0.002)
		local before <const> = skynet.hpc()
		local f <const> = profile.wrap(function()
			profile.start()
			work(2000000)
			coroutine.yield()
			return profile.stop()
		end)
		f()
		local pause <const> = skynet.hpc()
		skynet.sleep(20)
		local paused <const> = (skynet.hpc() - pause) / 1e9
		local spent <const> = f()
		local all <const> = (skynet.hpc() - before) / 1e9
		assert(spent >= 0.002 and spent <= all - paused, spent)
	end)
end)
