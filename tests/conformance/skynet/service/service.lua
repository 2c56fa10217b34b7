-- skynet.service (docs/skynet-rules.md 1.5).
local skynet <const> = require "skynet"
local service <const> = require "skynet.service"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function counter(first, step)
	local skynet <const> = require "skynet" -- luacheck: ignore
	local value = first
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, command)
			if command == "next" then
				value = value + step
			elseif command == "exit" then
				skynet.exit()
			end
			skynet.retpack(value)
		end)
	end)
end

local function failing()
	error "this one cannot start"
end

local function leaving()
	require("skynet").exit()
end

rules.run("service", function()
	local address
	rule("1.5 new runs a function as a service", function()
		address = service.new("counter", counter, 10, 5)
		same(15)(skynet.call(address, "lua", "next"))
		same(20)(skynet.call(address, "lua", "next"))
	end)
	rule("1.5 new of a name that exists gives that one", function()
		same(address)(service.new("counter", counter, 0, 0))
		same(25)(skynet.call(address, "lua", "next"))
		same(address)(service.query "counter")
	end)
	rule("1.5 query waits until the service exists", function()
		local found = {}
		for i = 1, 5 do
			skynet.fork(function()
				found[i] = service.query "name with blanks"
			end)
		end
		skynet.yield()
		same(0)(#found)
		local late <const> = service.new("name with blanks", counter, 1, 1)
		rules.await(function()
			return #found == 5
		end)
		for i = 1, 5 do
			same(late)(found[i])
		end
	end)
	rule("1.5 concurrent starts make one service", function()
		local found <const> = {}
		for i = 1, 10 do
			skynet.fork(function()
				found[i] = service.new("shared", counter, i, 0)
			end)
		end
		rules.await(function()
			return #found == 10
		end)
		for i = 2, 10 do
			same(found[1])(found[i])
		end
	end)
	rule("1.5 a failed start raises, and is remembered by query", function()
		raises("call failed", service.new, "failing", failing)
		raises("call failed", service.query, "failing")
		raises("call failed", service.new, "leaving", leaving)
		raises("call failed", service.query, "leaving")
	end)
	rule("1.5 a function with upvalues is refused", function()
		raises("has no upvalues", service.new, "bound", function()
			return address
		end)
	end)
	rule("1.5 close kills, once", function()
		same(true)(service.close "counter")
		raises("call to invalid address", skynet.call, address, "lua", "next")
		same(false)(service.close "counter")
		same(false)(service.close "never there")
	end)
	rule("1.5 a name can be used again after its service ended", function()
		local again <const> = service.new("counter", counter, 100, 1)
		same(101)(skynet.call(again, "lua", "next"))
		raises("call failed", skynet.call, again, "lua", "exit")
		local third <const> = service.new("counter", counter, 7, 1)
		same(8)(skynet.call(third, "lua", "next"))
	end)
end)
