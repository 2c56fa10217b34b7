-- Sessions and replies (docs/skynet-rules.md 2.2).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local partner

local function notes()
	return skynet.call(partner, "lua", "notes")
end

-- The request `...`, by call, has ended: the partner's notes of it.
local function notes_after_call(...)
	pcall(skynet.call, partner, "lua", ...)
	return notes()
end

local function numbers()
	rule("2.2 a request's session is a positive int31", function()
		local seen <const> = {}
		for _ = 1, 100 do
			local session <const>, source <const> = skynet.call(partner, "lua", "context")
			same("integer", skynet.self())(math.type(session), source)
			assert(session > 0 and session <= 0x7fffffff, session)
			same(nil)(seen[session])
			seen[session] = true
		end
	end)
	rule("2.2 sessions are counted by each caller", function()
		local first <const>, second <const> = skynet.genid(), skynet.genid()
		same(first + 1)(second)
		same(second + 1)((skynet.call(partner, "lua", "context")))
		same(second + 2)(skynet.genid())
	end)
	rule("2.2 a send has session 0", function()
		skynet.send(partner, "lua", "note_context", "sent")
		same("sent 0 " .. skynet.self())(notes())
	end)
	rule("2.2 a reply is of type 1 with the request's session", function()
		skynet.fork(function()
			local session <const> = skynet.genid() + 1
			skynet.fork(function()
				local message <const> = skynet.packstring("by hand", session)
				skynet.redirect(skynet.self(), partner, skynet.PTYPE_RESPONSE, session, message)
			end)
			same("by hand", session)(skynet.call(partner, "lua", "keep"))
			same("kept by nobody")(skynet.call(partner, "lua", "echo", "kept by nobody"))
		end)
		rules.await(function()
			return skynet.call(partner, "lua", "kept") == 1
		end)
		-- The answer of the partner itself finds nobody.
		same(true)(skynet.call(partner, "lua", "release", true, "late"))
		same "still there"(skynet.call(partner, "lua", "echo", "still there"))
	end)
	rule("2.2 there is no request outside of one", function()
		skynet.fork(function()
			same(nil, nil)((skynet.context()), (select(2, skynet.context())))
		end)
		skynet.yield()
	end)
end

local function answers()
	rule("2.2 a second ret raises No session", function()
		local text <const> = notes_after_call "ret_twice"
		assert(text:find("^false .*No session"), text)
	end)
	rule("2.2 a second use of response raises", function()
		local text <const> = notes_after_call "response_twice"
		assert(text:find("^true true false .*Can't response more than once false$"), text)
	end)
	rule("2.2 ret of a send returns false", function()
		skynet.send(partner, "lua", "ret_note")
		same "true false"(notes())
	end)
	rule("2.2 response of a send does nothing", function()
		skynet.send(partner, "lua", "response_note")
		assert(notes():find "^true")
	end)
	rule("2.2 a fork cannot ret, but may answer by response", function()
		same "late"(skynet.call(partner, "lua", "ret_in_fork"))
		local text <const> = notes()
		assert(text:find("^false .*No session"), text)
	end)
	rule("2.2 outside of a request ret and response raise", function()
		raises("No session", skynet.ret)
		raises("No session", skynet.retpack, 1)
		raises("no session", skynet.response)
	end)
	rule("2.2 ret without a message replies with no value", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "bare")
		same()(skynet.call(other, "lua"))
	end)
	rule("2.2 response takes a pack function", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "packed")
		same("packed", 1, 2)(skynet.call(other, "lua", 1, 2))
	end)
	rule("2.2 response false fails the caller", function()
		local other <const> = skynet.newservice "core_partner"
		local failed
		skynet.fork(function()
			failed = select(2, pcall(skynet.call, other, "lua", "keep"))
		end)
		skynet.yield()
		same(true)(skynet.call(other, "lua", "release", false))
		rules.await(function()
			return failed
		end)
		assert(failed:find("call failed", 1, true), failed)
	end)
	rule("2.2 an answer to one who is gone returns false", function()
		local other <const> = skynet.newservice "core_partner"
		local caller <const> = skynet.newservice "core_partner"
		skynet.send(caller, "lua", "call_out", other, "keep")
		rules.await(function()
			return skynet.call(other, "lua", "kept") == 1
		end)
		raises("call failed", skynet.call, caller, "lua", "exit")
		same(false)(skynet.call(other, "lua", "release", true, 1))
	end)
end

-- The log must show the first two, and nothing of the third.
local function unanswered()
	rule("2.2 who forgets to answer is logged, and the caller waits", function()
		local other <const> = skynet.newservice "core_partner"
		local result
		skynet.fork(function()
			result = select(2, pcall(skynet.call, other, "lua", "forget"))
		end)
		same "alive"(skynet.call(other, "lua", "echo", "alive"))
		same(nil)(result)
		skynet.send(other, "lua", "exit")
		rules.await(function()
			return result
		end)
	end)
	rule("2.2 a reply that nobody waits for leaves the service alive", function()
		skynet.redirect(partner, skynet.self(), skynet.PTYPE_RESPONSE, 424242, "")
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
	rule("2.2 ignoreret is not logged", function()
		skynet.redirect(partner, skynet.self(), skynet.PTYPE_LUA, 777, skynet.packstring "ignore")
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
end

if ... == "bare" then
	skynet.dispatch("lua", function()
		skynet.ret()
	end)
	skynet.start(function() end)
elseif ... == "packed" then
	skynet.dispatch("lua", function(_, _, ...)
		skynet.response(function(...)
			return skynet.pack("packed", ...)
		end)(true, ...)
	end)
	skynet.start(function() end)
else
	rules.run("sessions", function()
		partner = skynet.newservice "core_partner"
		numbers()
		answers()
		unanswered()
	end)
end
