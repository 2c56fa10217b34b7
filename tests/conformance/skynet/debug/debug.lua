-- Debug messages (docs/skynet-rules.md 1.6), and what they are made of (docs/skynet-rules.md 1.1).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local same <const> = rules.same

local function ask(address, ...)
	return skynet.call(address, "debug", ...)
end

rules.run("debug", function()
	local target <const> = skynet.newservice "debug_target"
	local plain <const> = skynet.newservice "end_monitor" -- never heard of debug messages
	local function target_waits_in(count)
		rules.await(function()
			return ask(target, "STAT").task == count
		end)
	end

	rules.rule("1.6 every service answers", function()
		for _, address in ipairs { target, plain, skynet.localname ".launcher" } do
			same()(ask(address, "PING"))
			assert(math.type(ask(address, "MEM")) == "float")
		end
		rules.raises("call failed", ask, target, "NO SUCH COMMAND")
	end)

	rules.rule("1.6 STAT counts tasks, messages and the queue", function()
		local stat <const> = ask(target, "STAT")
		assert(stat.mqlen == 0 and stat.task == 0 and stat.message > 3 and stat.cpu >= 0)
		skynet.call(target, "lua", "echo")
		assert(ask(target, "STAT").message == stat.message + 2)
	end)

	rules.rule("1.6 INFO gives what info_func returns", function()
		same("info", 2, "a", 7)(ask(target, "INFO", "a", 7))
		same(nil)(ask(plain, "INFO"))
	end)

	rules.rule("1.6 TASK and UNIQTASK show the waiting coroutines", function()
		skynet.send(target, "lua", "hang")
		skynet.send(target, "lua", "hang")
		target_waits_in(2)
		local count = 0
		for name, place in pairs(ask(target, "TASK")) do
			assert(name:find "^thread: 0x%x+ session: %d+$", name)
			assert(place:find("debug_target.lua", 1, true), place)
			count = count + 1
		end
		assert(count == 2, "count " .. count)
		local name <const>, place <const> = next(ask(target, "UNIQTASK"))
		assert(name:find "^2\tsessions:%[%d+ %d+%]\n$", name)
		assert(place:find("debug_target.lua", 1, true))
	end)

	rules.rule("1.6 KILLTASK ends a coroutine and fails its requester", function()
		skynet.send(target, "debug", "KILLTASK", "thread")
		skynet.send(target, "debug", "KILLTASK", "thread")
		target_waits_in(0)
		same("Not found")(ask(target, "KILLTASK", "thread"))
		local result
		skynet.fork(function()
			result = table.pack(pcall(skynet.call, target, "lua", "hang"))
		end)
		target_waits_in(1)
		same()(ask(target, "KILLTASK", "thread"))
		rules.await(function()
			return result
		end)
		assert(result[1] == false and result[2]:find("call failed", 1, true))
	end)

	rules.rule("1.6 RUN injects code", function()
		local source <const> = "print(_P.lua.secret, ...)"
		same(true, "an upvalue\t1\tx")(ask(target, "RUN", source, "@injected", 1, "x"))
		local ok <const>, text <const> = ask(target, "RUN", "error 'here'", "=injected")
		assert(ok == false and text:find("here", 1, true))
	end)

	rules.rule("1.6 SUPPORT tells whether a type has a handler", function()
		same(true)(ask(target, "SUPPORT", "lua"))
		same(false)(ask(target, "SUPPORT", "error"))
	end)

	rules.rule("1.6 reg_debugcmd adds a command", function()
		require("skynet.debug").reg_debugcmd("DOUBLE", function(n)
			skynet.retpack(n * 2)
		end)
		same(42)(ask(skynet.self(), "DOUBLE", 21))
	end)

	rules.rule("1.6 GC collects and TRACELOG answers", function()
		same()(ask(target, "GC"))
		same()(ask(target, "TRACELOG", "lua", true))
	end)

	rules.rule("1.6 TERM fails the calls to an address", function()
		local silent <const> = skynet.newservice "debug_target"
		local answer
		skynet.fork(function()
			answer = table.pack(skynet.call(target, "lua", "ask", silent, "hang"))
		end)
		target_waits_in(1)
		skynet.send(target, "debug", "TERM", silent)
		rules.await(function()
			return answer
		end)
		assert(answer[1] == false and answer[2]:find("call failed", 1, true))
		skynet.kill(silent)
	end)

	rules.rule("1.6 LINK is answered by the end of the service", function()
		local mortal <const> = skynet.newservice "debug_target"
		local linked
		skynet.fork(function()
			linked = pcall(ask, mortal, "LINK")
		end)
		ask(mortal, "PING")
		assert(linked == nil)
		skynet.send(mortal, "debug", "EXIT")
		rules.await(function()
			return linked == false
		end)
		rules.raises("call to invalid address", ask, mortal, "PING")
	end)

	rules.rule("1.1 task counts, names and finds coroutines", function()
		assert(skynet.task() == 0)
		local token <const> = {}
		local co <const> = skynet.fork(function()
			skynet.sleep(1000000, token)
		end)
		skynet.yield()
		assert(skynet.task() == 1)
		local session <const> = skynet.task(co)
		assert(math.type(session) == "integer")
		assert(skynet.task(session):find("debug.lua", 1, true))
		assert(skynet.task(session + 1000) == "No session")
		assert(skynet.task {} and skynet.task "init" == nil)
		skynet.wakeup(token)
		skynet.yield()
		assert(skynet.task() == 0 and skynet.task(co) == nil)
	end)

	rules.rule("1.1 killthread finds a coroutine by its name", function()
		local co <const> = skynet.fork(skynet.wait, {})
		skynet.yield()
		assert(skynet.killthread(tostring(co)) == co and coroutine.status(co) == "dead")
		assert(skynet.killthread(tostring(co)) == nil)
	end)

	rules.rule("1.1 dispatch_unknown_request gets what has no handler", function()
		local got
		local previous <const> = skynet.dispatch_unknown_request(function(session, source, msg, sz)
			got = { session, source, skynet.tostring(msg, sz) }
			if session > 0 then
				skynet.retpack "handled"
			end
		end)
		assert(previous == nil)
		skynet.redirect(skynet.self(), 0, skynet.PTYPE_CLIENT, 0, "text")
		skynet.yield()
		same(0, skynet.self(), "text")(table.unpack(got))
		same "handled"(skynet.unpack(skynet.rawcall(skynet.self(), skynet.PTYPE_CLIENT, "again")))
	end)

	rules.rule("1.1 dispatch_unknown_response gets what nobody waits for", function()
		local got
		skynet.dispatch_unknown_response(function(session, source, msg, sz)
			got = { session, source, skynet.tostring(msg, sz) }
		end)
		skynet.redirect(skynet.self(), target, skynet.PTYPE_RESPONSE, 123456, "late")
		rules.await(function()
			return got
		end)
		same(123456, target, "late")(table.unpack(got))
	end)

	rules.rule("1.1 trace functions and the code cache are there", function()
		skynet.trace()
		skynet.trace "info"
		skynet.traceproto("lua", true)
		skynet.trace_timeout(true)
		assert(skynet.tracetag() == nil)
		skynet.cache.clear()
		assert(skynet.cache.mode() == "ON" and skynet.cache.mode "OFF" == "OFF")
		assert(skynet.cache.loadfile "tests/conformance/skynet/debug_target.lua")
		assert(require "skynet.codecache" == skynet.cache)
		local packed <const> = skynet.packstring("echo", 5)
		same(5)(skynet.unpack(skynet.tracecall("tag", target, "lua", packed)))
	end)

	rules.rule("2.15 a looping handler can be interrupted", function()
		local core <const> = require "skynet.core"
		assert(core.signal(target, 0) == false)
		local failed
		skynet.fork(function()
			failed = not pcall(skynet.call, target, "lua", "loop")
		end)
		rules.await(function()
			return failed or core.signal(target, 0) and failed
		end)
		same(1)(skynet.call(target, "lua", "echo", 1))
		assert(core.signal(target, 1))
	end)
end)
