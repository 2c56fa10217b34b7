-- skynet.datacenter (docs/skynet-rules.md 1.5, 2.13).
local skynet <const> = require "skynet"
local datacenter <const> = require "skynet.datacenter"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

if ... == "partner" then
	skynet.dispatch("lua", function(session, _, command, ...)
		if session == 0 then
			datacenter.wait(command, ...) -- until this service ends
		else
			skynet.retpack(datacenter[command](...))
		end
	end)
	skynet.start(function() end)
	return
end

-- Waits in a coroutine of its own; the result is filled in when it ends.
local function waiting(...)
	local path <const> = table.pack(...)
	local result <const> = {}
	skynet.fork(function()
		result.ok, result.value = pcall(datacenter.wait, table.unpack(path, 1, path.n))
		result.done = true
	end)
	skynet.yield()
	return result
end

local function await(result)
	rules.await(function()
		return result.done
	end)
end

rules.run("datacenter", function()
	local partner <const> = skynet.newservice(SERVICE_NAME, "partner")
	rule("1.5 set returns the value before", function()
		same(nil)(datacenter.set("a", 1))
		same(1)(datacenter.set("a", "two"))
		same "two"(datacenter.get "a")
		same "two"(datacenter.set("a", nil))
		same(nil)(datacenter.get "a")
	end)
	rule("1.5 paths make branches", function()
		same(nil)(datacenter.set("x", "y", 1, true))
		same(true)(datacenter.get("x", "y", 1))
		same(true)(datacenter.get("x").y[1])
		same(nil)(datacenter.get("x", "nothing", "here"))
		same(nil)(datacenter.set("table", { b = { c = 3 } }))
		same(3)(datacenter.get("table", "b", "c"))
	end)
	rule("1.5 all services see it", function()
		same(true)(skynet.call(partner, "lua", "get", "x", "y", 1))
		same(nil)(skynet.call(partner, "lua", "set", "theirs", "value"))
		same "value"(datacenter.get "theirs")
	end)
	rule("2.13 a path through a value raises", function()
		datacenter.set("scalar", 5)
		raises("call failed", datacenter.get, "scalar", "below")
		raises("call failed", datacenter.set, "scalar", "below", 1)
		raises("call failed", datacenter.wait, "scalar", "below")
		same(5)(datacenter.get "scalar")
	end)
	rule("2.13 wait blocks until the value is set", function()
		same(5)(datacenter.wait "scalar")
		local a <const>, b <const> = waiting("late", "value"), waiting("late", "value")
		datacenter.set("late", "other", 1)
		same(nil, nil)(a.done, b.done)
		datacenter.set("late", "value", "there")
		await(a)
		await(b)
		same("there", "there")(a.value, b.value)
		local c <const> = waiting("whole", "k")
		datacenter.set("whole", { k = "inside" })
		await(c)
		same "inside"(c.value)
	end)
	rule("2.13 wait takes a table that is there or is set", function()
		same(true)(datacenter.wait("x").y[1])
		local a <const> = waiting "a table"
		datacenter.set("a table", { k = 2 })
		await(a)
		same(2)(a.value.k)
	end)
	rule("2.13 wait for what becomes a branch raises", function()
		local above <const>, below <const> = waiting "branch", waiting("leaf", "below")
		datacenter.set("branch", "k", 1)
		datacenter.set("leaf", 1)
		await(above)
		await(below)
		same(false, false)(above.ok, below.ok)
	end)
	rule("2.13 who ends while waiting is forgotten", function()
		for i = 1, 200 do
			skynet.send(partner, "lua", "given up", i)
		end
		same(nil)(skynet.call(partner, "lua", "get", "given up"))
		skynet.kill(partner)
		rules.await(function()
			return skynet.send(partner, "lua", "gone") == nil
		end)
		for i = 1, 200 do
			local _ <const> = waiting("given up", i + 1000)
		end
		local daemon <const> = skynet.uniqueservice "datacenterd"
		same(200)(skynet.call(daemon, "lua", "WAITING", "given up"))
		same(nil)(datacenter.set("given up", 5, "set"))
		same "set"(datacenter.get("given up", 5))
	end)
end)
