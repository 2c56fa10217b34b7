-- What errors do (docs/skynet-rules.md 2.3). The lines in the log are checked by the test that runs
-- this script.
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local partner

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = tostring,
	unpack = skynet.tostring,
}

local function failed_handler()
	rule("2.3 a handler that raises fails the call, without its text", function()
		local ok <const>, message <const> = pcall(skynet.call, partner, "lua", "fail", "secret")
		same(false, true)(ok, message:find("call failed", 1, true) ~= nil)
		same(nil)(message:find("secret", 1, true))
	end)
	rule("2.3 the handler's error is logged with a traceback", function()
		raises("call failed", skynet.call, partner, "lua", "fail", "logged with a traceback")
	end)
	rule("2.3 errors never kill the service", function()
		for _ = 1, 20 do
			raises("call failed", skynet.call, partner, "lua", "fail")
			skynet.send(partner, "lua", "fail")
			raises("call failed", skynet.call, partner, "lua", "no such command")
		end
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
	rule("2.3 an error after the answer does not reach the caller", function()
		same "answered"(skynet.call(skynet.newservice(SERVICE_NAME, "late_error"), "lua"))
	end)
	rule("2.3 error values of any type fail the call", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "odd_errors")
		for _, kind in ipairs { "nil", "table", "function", "tostring" } do
			raises("call failed", skynet.call, other, "lua", kind)
		end
		same "fine"(skynet.call(other, "lua", "fine"))
	end)
end

local function unknown_types()
	rule("2.3 a request of a type without a handler fails", function()
		raises("call failed", skynet.call, partner, "text", "hello")
		raises("call failed", skynet.rawcall, partner, skynet.PTYPE_TEXT, "hello")
	end)
	rule("2.3 a message of a type without a handler is logged", function()
		same(0)(skynet.send(partner, "text", "nobody reads this"))
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
end

local function own_coroutines()
	rule("2.3 an error in a fork is logged, and nothing else dies", function()
		local ran
		skynet.fork(error, "raised by a fork")
		skynet.fork(function()
			ran = true
		end)
		skynet.yield()
		same(true)(ran)
	end)
	rule("2.3 an error in a timer is logged, and nothing else dies", function()
		local ran
		skynet.timeout(0, function()
			error "raised by a timer"
		end)
		skynet.timeout(0, function()
			ran = true
		end)
		rules.await(function()
			return ran
		end)
	end)
end

-- skynet.redirect forges what a service sends when it ends.
local function gone(address)
	skynet.redirect(skynet.self(), address, skynet.PTYPE_ERROR, 0, "")
end

local function peers()
	rule("2.3 the notice that a service is gone fails the calls to it", function()
		local failed, others = 0, 0
		local other <const> = skynet.newservice "core_partner"
		for _ = 1, 3 do
			skynet.fork(function()
				local ok <const>, message <const> = pcall(skynet.call, partner, "lua", "hang")
				assert(not ok and message:find("call failed", 1, true), message)
				failed = failed + 1
			end)
			skynet.fork(function()
				skynet.call(other, "lua", "keep")
				others = others + 1
			end)
		end
		skynet.yield()
		gone(partner)
		rules.await(function()
			return failed == 3
		end)
		same(0)(others)
		same(true, true, true)(skynet.call(other, "lua", "release", true))
		rules.await(function()
			return others == 3
		end)
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
	rule("2.3 the closures owed to a service that is gone are dead", function()
		local caller <const> = skynet.newservice "core_partner"
		local callee <const> = skynet.newservice "core_partner"
		skynet.send(caller, "lua", "call_out", callee, "keep")
		rules.await(function()
			return skynet.call(callee, "lua", "kept") == 1
		end)
		skynet.kill(caller)
		rules.await(function()
			return skynet.call(callee, "lua", "release", "TEST") == false
		end)
		same(false)(skynet.call(callee, "lua", "release", true))
	end)
end

if ... == "late_error" then
	skynet.dispatch("lua", function()
		skynet.retpack "answered"
		error "after the answer"
	end)
	skynet.start(function() end)
elseif ... == "odd_errors" then
	local values <const> = {
		table = {},
		["function"] = print,
		tostring = setmetatable({}, {
			__tostring = function()
				error "from __tostring"
			end,
		}),
	}
	skynet.dispatch("lua", function(_, _, kind)
		if kind ~= "fine" then
			error(values[kind])
		end
		skynet.retpack(kind)
	end)
	skynet.start(function() end)
else
	rules.run("errors", function()
		partner = skynet.newservice "core_partner"
		failed_handler()
		unknown_types()
		own_coroutines()
		peers()
	end)
end
