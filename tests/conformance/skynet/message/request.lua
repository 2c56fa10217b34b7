-- skynet.request and what skynet.manager has for proxies and monitors (docs/skynet-rules.md 1.1,
-- 1.2).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local same <const> = rules.same

-- The results of a loop, by the tag of the call.
local function collect(requests, centiseconds, on_result)
	local results <const>, order <const> = {}, {}
	for request, result in requests:select(centiseconds) do
		local tag <const> = request.tag or #order + 1
		results[tag] = result == nil and "nil" or result
		order[#order + 1] = tag
		if on_result then
			on_result(tag)
		end
	end
	return results, table.concat(order, " ")
end

rules.run("request", function()
	local a <const> = skynet.newservice "debug_target"
	local b <const> = skynet.newservice "debug_target"

	rules.rule("1.1 calls run at once and come as they are answered", function()
		local results <const>, order <const> = collect(skynet.request
			{ a, "lua", "hold", "late", tag = "late" }
			{ b, "lua", "echo", "early", tag = "early" }, nil, function(tag)
			if tag == "early" then
				skynet.send(a, "lua", "release")
			end
		end)
		same("early late")(order)
		same("early")(results.early[1])
		same("late")(results.late[1])
	end)

	rules.rule("1.1 add makes them, too, and n keeps nils", function()
		local requests <const> = skynet.request()
		requests:add { a, "lua", "echo", 1, nil, nil, n = 6, tag = "nils" }
		local results <const> = collect(requests)
		assert(results.nils.n == 3 and results.nils[1] == 1 and results.nils[3] == nil)
	end)

	rules.rule("1.1 a failure is false, a bad address nil", function()
		local results <const> = collect(skynet.request
			{ a, "lua", "fail", tag = "failing" }
			{ ".nobody", "lua", "echo", tag = "nobody" }
			{ b, "lua", "echo", tag = "good" })
		assert(results.failing == false and results.nobody == "nil" and results.good.n == 0)
	end)

	rules.rule("1.1 select gives up after its time", function()
		local requests <const> = skynet.request
			{ a, "lua", "hang", tag = "hanging" }
			{ b, "lua", "echo", 1, tag = "good" }
		local results <const> = collect(requests, 5)
		assert(requests.timeout == true)
		assert(results.good[1] == 1 and results.hanging == nil)
		local quick <const> = skynet.request { b, "lua", "echo" }
		collect(quick, 1000)
		assert(not quick.timeout)
	end)

	rules.rule("1.1 leaving the loop gives up the rest", function()
		local requests <const> = skynet.request { a, "lua", "hang" } { b, "lua", "echo" }
		local count = 0
		for request in requests:select() do
			assert(request[1] == b)
			count = count + 1
			if count == 1 then
				break
			end
		end
		assert(next((collect(requests))) == nil)
	end)

	rules.rule("1.1 callees that are killed meanwhile are failures", function()
		local mortal <const> = skynet.newservice "debug_target"
		local requests <const> = skynet.request { mortal, "lua", "hang", tag = "dead" }
		skynet.timeout(2, function()
			skynet.kill(mortal)
		end)
		assert(collect(requests).dead == false)
	end)

	rules.rule("1.2 forward_type passes messages on without a copy", function()
		local proxy <const> = skynet.newservice("forwarder", a)
		same(1, "x", nil, 3)(skynet.call(proxy, "lua", "echo", 1, "x", nil, 3))
		local long <const> = string.rep("long", 100000)
		same(long)(skynet.call(proxy, "lua", "echo", long))
		rules.raises("call failed", skynet.call, proxy, "lua", "fail")
		skynet.send(proxy, "lua", "exit")
		rules.await(function()
			return not pcall(skynet.call, proxy, "lua", "echo")
		end)
	end)

	rules.rule("1.2 monitor tells a service of every end", function()
		local monitor <const> = skynet.monitor "end_monitor"
		local mortal <const> = skynet.newservice "debug_target"
		skynet.kill(mortal)
		same(mortal)(skynet.call(monitor, "lua", mortal))
	end)

	rules.rule("1.2 filter says that it is not supported", function()
		rules.raises("not supported", skynet.filter, print, print)
	end)
end)
