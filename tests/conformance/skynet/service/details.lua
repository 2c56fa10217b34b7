-- Details of the core that scripts of skynet rely on (docs/skynet-rules.md 1.0, 2.1, 2.6, 2.11,
-- 2.15).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const> = rules.rule, rules.same

local got
skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(session, source, text)
		got = table.pack(session, source, text)
		if session > 0 then
			skynet.ret("re:" .. text)
		end
	end,
}

local refused = 0

-- Blocking inside a C function raises, and leaves nothing behind.
local function blocked_in_c(f)
	local ok <const>, message <const> = pcall(table.sort, { 3, 2, 1 }, f)
	if not ok and tostring(message):find("yield", 1, true) then
		refused = refused + 1
	end
end

rules.run("details", function()
	local partner <const> = skynet.newservice "core_partner"
	rule("2.11 rawcall, rawsend and redirect take a type's name", function()
		skynet.redirect(skynet.self(), 77, "client", 0, "named")
		skynet.yield()
		same(0, 77, "named")(table.unpack(got))
		skynet.rawsend(skynet.self(), "client", "sent")
		skynet.yield()
		same(0, skynet.self(), "sent")(table.unpack(got))
		local m <const>, n <const> = skynet.rawcall(partner, "lua", skynet.packstring("echo", 1))
		same(1)(skynet.unpack(m, n))
	end)
	rule("2.11 a type without unpack raises at the dispatch", function()
		local handled
		skynet.register_protocol {
			name = "blind",
			id = 210,
			pack = tostring,
			dispatch = function()
				handled = true
			end,
		}
		same(0)(skynet.send(skynet.self(), "blind", "x"))
		skynet.yield()
		same(nil)(handled)
	end)
	rule("2.11 the source 0 is the sender", function()
		skynet.redirect(skynet.self(), 0, skynet.PTYPE_CLIENT, 0, "zero")
		skynet.yield()
		same(0, skynet.self(), "zero")(table.unpack(got))
	end)
	rule("2.15 error without values logs an empty line", function()
		skynet.error()
	end)
	rule("1.0 a service of a pattern x/?/init.lua finds its modules in x/NAME", function()
		local other <const> = skynet.newservice "folder_service"
		same("part", "folder_service/")(skynet.call(other, "lua"))
	end)
	rule("1.0 a script's own service may be called logind", function()
		local answer
		skynet.fork(function()
			answer = skynet.call(skynet.newservice "logind", "lua")
		end)
		rules.await(function()
			return answer
		end)
		same "their own"(answer)
	end)
	rule("2.1 the woken run before the next one whom a death fails", function()
		local order <const> = {}
		local victim <const> = skynet.newservice "core_partner"
		local token <const> = {}
		skynet.fork(function()
			skynet.wait(token)
			order[#order + 1] = "woken"
		end)
		for i = 1, 2 do
			skynet.fork(function()
				pcall(skynet.call, victim, "lua", "keep")
				order[#order + 1] = "failed" .. i
				skynet.wakeup(token)
			end)
		end
		skynet.yield()
		skynet.redirect(skynet.self(), victim, skynet.PTYPE_ERROR, 0, "")
		rules.await(function()
			return #order == 3
		end)
		assert(order[2] == "woken", table.concat(order, " "))
	end)
	rule("2.6 sleep, wait and call inside a C function raise and leave nothing", function()
		for _, f in ipairs {
			function()
				skynet.sleep(1)
			end,
			function()
				skynet.wait()
			end,
			function()
				skynet.call(partner, "lua", "sleep", 1)
			end,
		} do
			skynet.fork(blocked_in_c, f)
			skynet.yield()
		end
		rules.await(function()
			return refused == 3
		end)
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
	end)
end)
