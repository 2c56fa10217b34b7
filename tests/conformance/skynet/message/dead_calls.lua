-- Calls to services that are not there, end, or are ended: none hangs (docs/skynet-rules.md 2.4).
-- Where skynet lets the callers of a killed service wait for ever, they fail here.
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local starting ---@type integer|nil a child that is in its start function

skynet.dispatch("lua", function(session, _, name, address)
	assert(name == "starting")
	starting = address
	if session ~= 0 then
		skynet.wait()
	end
end)

-- A call in a coroutine of its own; returns where its error will be.
local function calling(address, ...)
	local result <const> = {}
	skynet.fork(function(...)
		local ok <const>, message <const> = pcall(skynet.call, address, "lua", ...)
		result.message = ok and "no error" or message
	end, ...)
	return result
end

local function fails(result)
	rules.await(function()
		return result.message
	end)
	assert(result.message:find("call failed", 1, true), result.message)
end

-- The service that `how` makes core_partner start as, while it starts.
local function caught_starting(how)
	starting = nil
	local result <const> = {}
	skynet.fork(function()
		local ok <const>, message <const> =
			pcall(skynet.newservice, "core_partner", how, skynet.self())
		result.message = ok and tostring(message) or message
	end)
	rules.await(function()
		return starting
	end)
	return starting, result
end

local function settled(result)
	rules.await(function()
		return result.message
	end)
	return result.message
end

local function not_there()
	rule("2.4 a call to what never was raises at once", function()
		raises("call to invalid address :0000ff7f", skynet.call, 0xff7f, "lua", "x")
		raises("call to invalid address :0000ff7f", skynet.call, ":0000ff7f", "lua", "x")
		raises("call to invalid address .nope", skynet.call, ".nope", "lua", "x")
	end)
	rule("2.4 a send to what never was returns nothing", function()
		same(nil)((skynet.send(0xff7f, "lua", "x")))
		same(nil)((skynet.send(".nope", "lua", "x")))
		same(nil)((skynet.rawsend(0xff7f, skynet.PTYPE_LUA, "x")))
	end)
	rule("2.4 addresses that cannot be raise", function()
		raises("Invalid service address 0", skynet.call, 0, "lua", "x")
		raises("Invalid service address 0", skynet.send, 0, "lua", "x")
		raises("dest address type (nil) must be a string or number.", skynet.call, nil, "lua")
		raises("dest address type (table) must be a string or number.", skynet.send, {}, "lua")
	end)
	rule("2.4 a call to what has exited raises at once, a send returns nothing", function()
		local other <const> = skynet.newservice "core_partner"
		raises("call failed", skynet.call, other, "lua", "exit")
		raises("call to invalid address", skynet.call, other, "lua", "echo")
		same(nil)((skynet.send(other, "lua", "echo")))
	end)
end

local function exiting()
	rule("2.4 a callee that exits while it serves fails the call", function()
		raises("call failed", skynet.call, skynet.newservice "core_partner", "lua", "exit")
	end)
	rule("2.4 requests in the queue of one that exits fail", function()
		local other <const> = skynet.newservice "core_partner"
		local first <const> = calling(other, "busy", 3, "exit")
		skynet.yield()
		local queued <const> = {}
		for i = 1, 10 do
			queued[i] = calling(other, "echo", i)
		end
		same(0)(skynet.send(other, "lua", "echo"))
		fails(first)
		for i = 1, 10 do
			fails(queued[i])
		end
	end)
	rule("2.4 calls that one who exits has begun fail, however it keeps them", function()
		local other <const> = skynet.newservice "core_partner"
		local results <const> = {}
		for i, how in ipairs { "hang", "keep", "forget" } do
			results[i] = calling(other, how)
		end
		results[4] = calling(other, "sleep", 100000)
		same "alive"(skynet.call(other, "lua", "echo", "alive"))
		skynet.send(other, "lua", "exit")
		for i = 1, 4 do
			fails(results[i])
		end
	end)
end

local function killed()
	rule("2.4 a kill fails the calls that are being served", function()
		for _, how in ipairs { "hang", "keep", "forget" } do
			local other <const> = skynet.newservice "core_partner"
			local result <const> = calling(other, how)
			same "alive"(skynet.call(other, "lua", "echo", "alive"))
			skynet.kill(other)
			fails(result)
		end
	end)
	rule("2.4 a kill fails the calls in the queue", function()
		local other <const> = skynet.newservice "core_partner"
		skynet.send(other, "lua", "busy", 3)
		local queued <const> = {}
		for i = 1, 10 do
			queued[i] = calling(other, "echo", i)
		end
		skynet.yield()
		skynet.kill(other)
		for i = 1, 10 do
			rules.await(function()
				return queued[i].message
			end)
			local message <const> = queued[i].message
			assert(message:find("call failed", 1, true) or message == "no error", message)
		end
		raises("call to invalid address", skynet.call, other, "lua", "echo")
	end)
	rule("2.4 a kill fails a whole chain of calls", function()
		local last <const> = skynet.newservice "core_partner"
		local middle <const> = skynet.newservice "core_partner"
		local text
		skynet.fork(function()
			text = skynet.call(middle, "lua", "call_through", last, "hang")
		end)
		skynet.yield()
		same "alive"(skynet.call(middle, "lua", "echo", "alive"))
		same "alive"(skynet.call(last, "lua", "echo", "alive"))
		skynet.kill(last)
		rules.await(function()
			return text
		end)
		assert(text:find "^false .*call failed", text)
		same "alive"(skynet.call(middle, "lua", "echo", "alive"))
	end)
	rule("2.4 a caller that is killed leaves its callee alive", function()
		local callee <const> = skynet.newservice "core_partner"
		local caller <const> = skynet.newservice "core_partner"
		skynet.send(caller, "lua", "call_out", callee, "keep")
		rules.await(function()
			return skynet.call(callee, "lua", "kept") == 1
		end)
		skynet.kill(caller)
		rules.await(function()
			return not pcall(skynet.call, caller, "lua", "echo")
		end)
		same(false)(skynet.call(callee, "lua", "release", true))
	end)
	rule("2.4 kill of what is not there is silent", function()
		skynet.kill(0xff7f)
		skynet.kill ".nope"
		skynet.kill ":0000ff7f"
	end)
	rule("2.4 kill takes a number, :hex and .name", function()
		for _, as in ipairs { math.tointeger, skynet.address, function(address)
			skynet.name(".dead_calls_victim", address)
			return ".dead_calls_victim"
		end } do
			local other <const> = skynet.newservice "core_partner"
			local result <const> = calling(other, "hang")
			same "alive"(skynet.call(other, "lua", "echo", "alive"))
			skynet.kill(as(other))
			fails(result)
		end
	end)
end

local function while_starting()
	rule("2.4 a kill during the start frees its creator", function()
		local child <const>, result <const> = caught_starting "hang"
		skynet.kill(child)
		assert(settled(result):find "nil" or settled(result):find "call failed", result.message)
	end)
	rule("2.4 a kill during a call in the start frees its creator", function()
		local child <const>, result <const> = caught_starting "call"
		skynet.kill(child)
		assert(settled(result):find "nil" or settled(result):find "call failed", result.message)
	end)
	rule("2.4 calls to a service that is killed during its start fail", function()
		local child <const>, result <const> = caught_starting "hang"
		local call <const> = calling(child, "hang")
		same "alive"(skynet.call(child, "lua", "echo", "alive"))
		skynet.kill(child)
		fails(call)
		settled(result)
	end)
	rule("2.4 a child that waits for a killed child goes on", function()
		local grandchild <const>, result <const> = caught_starting "child"
		skynet.kill(grandchild)
		settled(result)
	end)
	rule("2.4 who waits for a unique service whose start is killed is freed", function()
		starting = nil
		local results <const> = {}
		for i = 1, 3 do
			skynet.fork(function()
				results[i] = pcall(skynet.uniqueservice, "core_partner", "hang", skynet.self())
			end)
		end
		rules.await(function()
			return starting
		end)
		skynet.kill(starting)
		rules.await(function()
			return results[3] ~= nil and results[2] ~= nil and results[1] ~= nil
		end)
		same(false, false, false)(table.unpack(results))
	end)
end

rules.run("dead_calls", function()
	not_there()
	exiting()
	killed()
	while_starting()
end)
