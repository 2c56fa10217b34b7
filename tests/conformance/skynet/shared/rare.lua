-- skynet.sharemap and skynet.mqueue (docs/skynet-rules.md 1.5).
local skynet <const> = require "skynet"
local mqueue <const> = require "skynet.mqueue"
local sharemap <const> = require "skynet.sharemap"
local rules <const> = require "rules"

local same <const> = rules.same

local function partner()
	local reader
	local running = 0
	local order <const> = {}
	local command <const> = {}

	function command.read(copy)
		reader = reader or sharemap.reader("point", copy)
		return reader:update(), reader.x, reader.y
	end

	function command.handled()
		return table.concat(order, " "), mqueue.size()
	end

	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	mqueue.register(function(name, behind)
		running = running + 1
		assert(running == 1, "two at once")
		rules.await(function()
			return mqueue.size() == behind
		end)
		order[#order + 1] = name
		running = running - 1
		return "did " .. name
	end)
	skynet.start(function() end)
end

if ... == "partner" then
	partner()
	return
end

rules.run("rare", function()
	local other <const> = skynet.newservice(SERVICE_NAME, "partner")
	local function ask(...)
		return skynet.call(other, "lua", ...)
	end

	rules.rule("1.5 a sharemap's readers see what was committed", function()
		sharemap.register "types of this test"
		local writer <const> = sharemap.writer("point", { x = 1, y = 2 })
		same(true, 1, 2)(ask("read", writer:copy()))
		writer.x, writer.y = 5, nil
		same(false, 1, 2)(ask "read")
		writer:commit()
		same(true, 5, nil)(ask "read")
		same(false, 5, nil)(ask "read")
	end)

	rules.rule("1.5 mqueue handles messages one after the other", function()
		-- Each with the number of those that wait behind it.
		mqueue.send(other, "slow", 2)
		mqueue.send(other, "quick", 1)
		same("did last")(mqueue.call(other, "last", 0))
		same("slow quick last", 0)(ask "handled")
	end)
end)
