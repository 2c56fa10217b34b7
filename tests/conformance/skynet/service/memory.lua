-- memlimit, stat, and what the log says of memory (docs/skynet-rules.md 1.1, 2.13, 2.14).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local LIMIT <const> = 2 * 1024 * 1024
local how <const> = ...

local function fill(bytes)
	local list <const> = {}
	for i = 1, bytes // 1024 do
		list[i] = ("x"):rep(1000) .. i
	end
	return #list
end

if how == "limited" then
	skynet.memlimit(LIMIT)
	local second <const> = pcall(function()
		skynet.memlimit(LIMIT)
	end)
	skynet.dispatch("lua", function(_, _, command)
		if command == "second" then
			skynet.retpack(second)
		elseif command == "raise" then
			fill(10 * LIMIT)
		elseif command == "catch" then
			local ok <const>, message <const> = pcall(fill, 10 * LIMIT)
			skynet.retpack(ok, message)
		else
			collectgarbage()
			skynet.retpack(command)
		end
	end)
	skynet.start(function() end)
elseif how == "start" then
	skynet.memlimit(LIMIT)
	skynet.start(function()
		fill(10 * LIMIT)
	end)
elseif how == "main" then
	skynet.memlimit(LIMIT)
	fill(10 * LIMIT)
elseif how == "large" then
	skynet.dispatch("lua", function(_, _, bytes)
		skynet.retpack(fill(bytes))
	end)
	skynet.start(function() end)
else
	rules.run("memory", function()
		local limited <const> = skynet.newservice(SERVICE_NAME, "limited")
		rule("2.14 a second memlimit raises", function()
			same(false)(skynet.call(limited, "lua", "second"))
		end)
		rule("2.14 over the limit a catchable error is raised", function()
			local ok <const>, message <const> = skynet.call(limited, "lua", "catch")
			same(false, "not enough memory")(ok, message)
		end)
		rule("2.14 a handler that runs out of memory fails its caller only", function()
			for _ = 1, 3 do
				raises("call failed", skynet.call, limited, "lua", "raise")
				same "alive"(skynet.call(limited, "lua", "alive"))
			end
		end)
		rule("2.14 a start that runs out of memory fails", function()
			raises("call failed", skynet.newservice, SERVICE_NAME, "start")
			raises("call failed", skynet.newservice, SERVICE_NAME, "main")
		end)
		rule("2.14 the limit is one service's", function()
			local other <const> = skynet.newservice(SERVICE_NAME, "large")
			same(10 * LIMIT // 1024)(skynet.call(other, "lua", 10 * LIMIT))
		end)
		rule("2.14 32 MiB are logged", function()
			local other <const> = skynet.newservice(SERVICE_NAME, "large")
			same(40 * 1024)(skynet.call(other, "lua", 40 * 1024 * 1024))
		end)
		rule("2.13 stat knows mqlen, message and endless; other words are 0", function()
			for _, what in ipairs { "mqlen", "message", "endless", "cpu", "time", "no such word" } do
				same "number"(type(skynet.stat(what)))
			end
			same(0)(skynet.stat "no such word")
			same(0, false)(skynet.stat "endless", skynet.endless())
		end)
		rule("2.13 stat message counts the messages", function()
			local before <const> = skynet.stat "message"
			for _ = 1, 10 do
				skynet.yield()
			end
			local after <const> = skynet.stat "message"
			same("integer", "integer")(math.type(before), math.type(after))
			assert(after >= before + 10, after - before)
		end)
		rule("2.13 mqlen counts what waits", function()
			skynet.yield()
			same(0, 0)(skynet.mqlen(), skynet.stat "mqlen")
			for _ = 1, 5 do
				skynet.timeout(0, function() end)
			end
			same(5, 5)(skynet.mqlen(), skynet.stat "mqlen")
		end)
	end)
end
