-- skynet.queue (docs/skynet-rules.md 2.7).
local skynet <const> = require "skynet"
local queue <const> = require "skynet.queue"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local order = {}

local function note(what)
	order[#order + 1] = what
end

local function noted(count, wanted)
	rules.await(function()
		return #order == count
	end)
	same(wanted)(table.concat(order, " "))
	order = {}
end

rules.run("queue", function()
	rule("2.7 the lock is first come, first served", function()
		local cs <const> = queue()
		for i = 1, 5 do
			skynet.fork(cs, function()
				note("in" .. i)
				skynet.yield()
				note("out" .. i)
			end)
		end
		noted(10, "in1 out1 in2 out2 in3 out3 in4 out4 in5 out5")
	end)
	rule("2.7 the holder may enter again", function()
		local cs <const> = queue()
		skynet.fork(cs, function()
			note "a1"
			cs(note, "a-nested")
			cs(cs, note, "a-deeper")
			skynet.yield()
			note "a2"
		end)
		for _, name in ipairs { "b", "c", "d" } do
			skynet.fork(cs, note, name)
		end
		noted(7, "a1 a-nested a-deeper a2 b c d")
	end)
	rule("2.7 a fork of the holder waits like anybody else", function()
		local cs <const> = queue()
		skynet.fork(cs, function()
			skynet.fork(cs, note, "fork")
			skynet.yield()
			note "holder"
		end)
		noted(2, "holder fork")
	end)
	rule("2.7 all values are returned, nil among them", function()
		local cs <const> = queue()
		same(1, nil, 3, nil)(cs(function(...)
			return ...
		end, 1, nil, 3, nil))
		same()(cs(function() end))
	end)
	rule("2.7 an error is raised again with a traceback, and the lock is free", function()
		local cs <const> = queue()
		local ok <const>, message <const> = pcall(cs, error, "as asked")
		same(false)(ok)
		assert(message:find("as asked", 1, true) and message:find("traceback", 1, true), message)
		same "free"(cs(function()
			return "free"
		end))
	end)
	rule("2.7 an error inside a nested entry frees the lock as well", function()
		local cs <const> = queue()
		skynet.fork(pcall, cs, function()
			skynet.yield()
			cs(error, "as asked")
		end)
		skynet.fork(cs, note, "next")
		noted(1, "next")
		raises("as asked", cs, function()
			cs(error, "as asked")
		end)
		same(true)((pcall(cs, note, "again")))
		noted(1, "again")
	end)
	rule("2.7 two queues do not know each other", function()
		local one <const>, two <const> = queue(), queue()
		local token <const> = {}
		skynet.fork(one, function()
			skynet.wait(token)
			note "one"
		end)
		skynet.yield()
		two(note, "two")
		skynet.wakeup(token)
		noted(2, "two one")
	end)
end)
