-- What skynet.exit does (docs/skynet-rules.md 2.5).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local told = {} -- what the current partner's coroutines told, in order
local current ---@type integer|nil
local kept ---@type function|nil
local command <const> = {}

function command.tell(source, what)
	if source == current then
		told[#told + 1] = what
	end
end

function command.keep()
	kept = skynet.response()
end

skynet.dispatch("lua", function(_, source, name, ...)
	command[name](source, ...)
end)

local function partner()
	told, kept, current = {}, nil, nil
	current = skynet.newservice("exit_partner", skynet.self())
	return current
end

local function calling(address, ...)
	local result <const> = {}
	skynet.fork(function(...)
		local ok <const>, message <const> = pcall(skynet.call, address, "lua", ...)
		result.message = ok and "no error" or message
	end, ...)
	skynet.yield()
	return result
end

local function fails(result)
	rules.await(function()
		return result.message
	end)
	assert(result.message:find("call failed", 1, true), result.message)
end

local function await_told(...)
	local wanted <const> = table.pack(...)
	rules.await(function()
		return #told >= wanted.n
	end)
	same(table.concat(wanted, ","))(table.concat(told, ","))
end

local function position(what)
	for i, text in ipairs(told) do
		if text == what then
			return i
		end
	end
	error(what .. " was not told: " .. table.concat(told, ","), 2)
end

local function requesters()
	rule("2.5 requests in progress fail", function()
		local other <const> = partner()
		local waiting <const> = calling(other, "wait", "w")
		local sleeping <const> = calling(other, "sleep", "s")
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		fails(waiting)
		fails(sleeping)
	end)
	rule("2.5 open response closures fail their callers", function()
		local other <const> = partner()
		local first <const>, second <const> = calling(other, "keep"), calling(other, "keep")
		same "alive"(skynet.call(other, "lua", "echo", "alive"))
		skynet.send(other, "lua", "exit", "running")
		fails(first)
		fails(second)
	end)
	rule("2.5 whom it was calling learns that it is gone", function()
		local other <const> = partner()
		skynet.send(other, "lua", "call", "caller")
		rules.await(function()
			return kept
		end)
		same(true)(kept "TEST")
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		rules.await(function()
			return kept "TEST" == false
		end)
		same(false)(kept(true, "too late"))
	end)
	rule("2.5 after it calls raise", function()
		local other <const> = partner()
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		raises("call to invalid address", skynet.call, other, "lua", "echo")
		same(nil)((skynet.send(other, "lua", "echo")))
	end)
end

local function coroutines()
	rule("2.5 exit never returns, and drops forks and timers", function()
		local other <const> = partner()
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		await_told "running"
		same(nil)((skynet.send(other, "lua", "echo")))
		rules.let_nothing_come()
		await_told "running"
	end)
	rule("2.5 <close> variables of suspended coroutines run", function()
		local other <const> = partner()
		for _, how in ipairs { "wait", "sleep", "call" } do
			skynet.send(other, "lua", how, how)
		end
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		rules.await(function()
			return #told == 4
		end)
		local last <const> = position "running"
		for _, how in ipairs { "wait", "sleep", "call" } do
			assert(position(how) < last, "the running coroutine is closed last")
		end
	end)
	rule("2.5 <close> variables run in reverse order", function()
		local other <const> = partner()
		skynet.send(other, "lua", "nested", "n")
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		rules.await(function()
			return #told == 3
		end)
		assert(position "n.inner" < position "n.outer")
	end)
	rule("2.5 a <close> variable that raises stops nothing", function()
		local other <const> = partner()
		skynet.send(other, "lua", "failing_close")
		skynet.send(other, "lua", "wait", "w")
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		rules.await(function()
			return #told == 2
		end)
		same(1, 2)(position "w", position "running")
		raises("call to invalid address", skynet.call, other, "lua", "echo")
	end)
	rule("2.5 <close> variables run when a handler raises", function()
		local other <const> = partner()
		raises("call failed", skynet.call, other, "lua", "raise", "raised")
		await_told "raised"
		same "alive"(skynet.call(other, "lua", "echo", "alive"))
	end)
	rule("2.5 a kill closes the suspended coroutines as well", function()
		local other <const> = partner()
		skynet.send(other, "lua", "wait", "w")
		same "alive"(skynet.call(other, "lua", "echo", "alive"))
		skynet.kill(other)
		await_told "w"
	end)
end

local function launcher()
	rule("2.5 the launcher forgets it", function()
		local other <const> = partner()
		local key <const> = skynet.address(other)
		same("snlua exit_partner " .. skynet.self())(skynet.call(".launcher", "lua", "LIST")[key])
		raises("call failed", skynet.call, other, "lua", "exit", "running")
		rules.await(function()
			return skynet.call(".launcher", "lua", "LIST")[key] == nil
		end)
	end)
	rule("2.5 exit in the start function makes newservice return nothing", function()
		same(nil)((skynet.newservice("core_partner", "leave")))
	end)
	rule("2.5 its names vanish", function()
		local other <const> = partner()
		skynet.name(".exit_name", other)
		same(other)(skynet.localname ".exit_name")
		raises("call failed", skynet.call, ".exit_name", "lua", "exit", "running")
		rules.await(function()
			return skynet.localname ".exit_name" == nil
		end)
		raises("call to invalid address .exit_name", skynet.call, ".exit_name", "lua", "echo")
	end)
end

rules.run("exit", function()
	requesters()
	coroutines()
	launcher()
end)
