-- uniqueservice and queryservice with many callers at once (docs/skynet-rules.md 2.10).
local skynet <const> = require "skynet"
local testing <const> = require "testing"

local launched = 0

-- Answers a service that starts once those who asked for it before wait for it.
skynet.dispatch("lua", function()
	launched = launched + 1
	skynet.call(".service", "debug", "PING")
	skynet.retpack()
end)

-- Runs f(i) in n coroutines; returns their results, or messages, when all have ended.
local function all(n, f)
	local results <const> = {}
	local done <const> = {}
	local left = n
	for i = 1, n do
		skynet.fork(function()
			local _, result <const> = pcall(f, i)
			results[i] = result
			left = left - 1
			if left == 0 then
				skynet.wakeup(done)
			end
		end)
	end
	skynet.wait(done)
	return results
end

testing.run(function()
	local me <const> = skynet.self()

	-- Those who ask for its address before anybody launches it wait as well.
	local addresses <const> = all(20, function(i)
		if i % 2 == 0 then
			return skynet.uniqueservice("slow_service", me)
		end
		return skynet.queryservice "slow_service"
	end)
	testing.equal(launched, 1)
	for i = 1, 20 do
		testing.equal(addresses[i], addresses[1])
	end
	testing.equal(math.type(addresses[1]), "integer")
	testing.equal(skynet.call(addresses[1], "lua", "alive"), "alive")
	testing.equal(skynet.uniqueservice(true, "slow_service", me), addresses[1])
	testing.equal(skynet.queryservice(true, "slow_service"), addresses[1])
	testing.equal(skynet.uniqueservice("slow_service", me), addresses[1])
	testing.equal(launched, 1)

	-- newservice makes one each time.
	local fresh <const> = all(5, function()
		return skynet.newservice("slow_service", me)
	end)
	local seen <const> = { [addresses[1]] = true }
	for i = 1, 5 do
		testing.equal(math.type(fresh[i]), "integer")
		testing.equal(seen[fresh[i]], nil)
		seen[fresh[i]] = true
	end
	testing.equal(launched, 6)

	-- A failure reaches all who wait, is remembered, and nothing is launched again.
	launched = 0
	local failures <const> = all(10, function()
		return skynet.uniqueservice("failing_service", me)
	end)
	for i = 1, 10 do
		testing.check(tostring(failures[i]):find("call failed", 1, true), failures[i])
	end
	testing.equal(launched, 1)
	testing.raises("call failed", skynet.uniqueservice, "failing_service", me)
	testing.raises("call failed", skynet.queryservice, "failing_service")
	testing.equal(launched, 1)

	testing.raises("call failed", skynet.newservice, "slow_service", me, "raise")
	testing.equal(skynet.newservice("slow_service", me, "leave"), nil)
end)
