-- Raw messages and the types of messages (docs/skynet-rules.md 2.11).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local got = {} -- what the handlers of this service were given

local function handler(session, source, ...)
	got[#got + 1] = table.pack(session, source, ...)
end

local function await_message()
	rules.await(function()
		return #got > 0
	end)
	local message <const> = table.remove(got, 1)
	return table.unpack(message, 1, message.n)
end

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	pack = function(...)
		return table.concat({ ... }, "+")
	end,
	unpack = skynet.tostring,
	dispatch = handler,
}
skynet.register_protocol { name = "nothing", id = 200 }

local function redirecting()
	rule("2.11 redirect sends with any source and session", function()
		skynet.redirect(skynet.self(), 0xabcdef, skynet.PTYPE_CLIENT, 77, "text")
		same(77, 0xabcdef, "text")(await_message())
	end)
	rule("2.11 the session may be 0", function()
		skynet.redirect(skynet.self(), 0xabcdef, skynet.PTYPE_CLIENT, 0, "text")
		same(0, 0xabcdef, "text")(await_message())
	end)
	rule("2.11 a string is copied, a pointer given away", function()
		local message <const>, size <const> = skynet.pack "packed"
		skynet.redirect(skynet.self(), 9, skynet.PTYPE_CLIENT, 1, message, size)
		same(1, 9, skynet.packstring "packed")(await_message())
		skynet.redirect(skynet.self(), 9, skynet.PTYPE_CLIENT, 1, ("x"):rep(100000))
		same(100000)(#select(3, await_message()))
	end)
	rule("2.11 redirect returns the session, or nothing", function()
		same(9)(skynet.redirect(skynet.self(), 0, skynet.PTYPE_CLIENT, 9, "x"))
		await_message()
		same(nil)((skynet.redirect(0xff7f, 0, skynet.PTYPE_CLIENT, 9, "x")))
	end)
	rule("2.11 the answer to a forged request goes to its source", function()
		local partner <const> = skynet.newservice "core_partner"
		local caller <const> = skynet.newservice "core_partner"
		skynet.redirect(partner, caller, skynet.PTYPE_LUA, 4711, skynet.packstring("echo", 1))
		same "alive"(skynet.call(partner, "lua", "echo", "alive"))
		same "alive"(skynet.call(caller, "lua", "echo", "alive"))
	end)
end

local function raw()
	local partner <const> = skynet.newservice "core_partner"
	rule("2.11 rawcall neither packs nor unpacks", function()
		local request <const> = skynet.packstring("echo", "raw", 1)
		local message <const>, size <const> = skynet.rawcall(partner, skynet.PTYPE_LUA, request)
		same("userdata", "integer")(type(message), math.type(size))
		same("raw", 1)(skynet.unpack(message, size))
		same("given", 2)(skynet.unpack(
			skynet.rawcall(partner, skynet.PTYPE_LUA, skynet.pack("echo", "given", 2))))
	end)
	rule("2.11 rawsend is sent with session 0", function()
		same(0)(skynet.rawsend(partner, skynet.PTYPE_LUA, skynet.packstring("note_context", "n")))
		same("n 0 " .. skynet.self())(skynet.call(partner, "lua", "notes"))
	end)
	rule("2.11 rawcall of nobody raises", function()
		raises("call to invalid address", skynet.rawcall, 0xff7f, skynet.PTYPE_LUA, "")
		raises("call failed", skynet.rawcall, partner, skynet.PTYPE_LUA, skynet.packstring "fail")
	end)
end

local function types()
	rule("2.11 a type packs, unpacks and dispatches", function()
		same(0)(skynet.send(skynet.self(), "client", "a", "b"))
		same(0, skynet.self(), "a+b")(await_message())
		skynet.send(skynet.self(), skynet.PTYPE_CLIENT, "by", "id")
		same(0, skynet.self(), "by+id")(await_message())
	end)
	rule("2.11 a name or an id that is taken raises", function()
		raises("", skynet.register_protocol, { name = "client", id = 201 })
		raises("", skynet.register_protocol, { name = "another", id = skynet.PTYPE_CLIENT })
		raises("", skynet.register_protocol, { name = "lua", id = 202 })
		raises("", skynet.register_protocol, { name = "large", id = 256 })
		raises("", skynet.register_protocol, { name = "small", id = -1 })
		skynet.register_protocol { name = "last", id = 255 }
	end)
	rule("2.11 a type without pack raises at the call", function()
		raises("", skynet.call, skynet.self(), "nothing", "x")
		raises("", skynet.send, skynet.self(), "nothing", "x")
		raises("", skynet.send, skynet.self(), "unknown", "x")
	end)
	rule("2.11 a type is handled once it has a handler", function()
		skynet.register_protocol {
			name = "later",
			id = 211,
			pack = tostring,
			unpack = skynet.tostring,
		}
		raises("call failed", skynet.call, skynet.self(), "later", "x")
		skynet.dispatch("later", function(_, _, text)
			skynet.ret("re:" .. text)
		end)
		same "re:x"(skynet.call(skynet.self(), "later", "x"))
	end)
	rule("2.11 dispatch returns the handler before", function()
		same(handler)(skynet.dispatch "client")
		same(handler)(skynet.dispatch("client", print))
		same(print)(skynet.dispatch("client", handler))
		same(nil)((skynet.dispatch "unknown"))
	end)
	rule("2.11 the numbers of the types", function()
		for id, name in pairs {
			[0] = "TEXT", "RESPONSE", "MULTICAST", "CLIENT", "SYSTEM", "HARBOR", "SOCKET", "ERROR",
			"QUEUE", "DEBUG", "LUA", "SNAX", "TRACE",
		} do
			same(id)(skynet["PTYPE_" .. name])
		end
	end)
end

rules.run("redirect", function()
	redirecting()
	raw()
	types()
end)
