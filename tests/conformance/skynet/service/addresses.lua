-- Addresses and names (docs/skynet-rules.md 2.9).
local skynet <const> = require "skynet"
local harbor <const> = require "skynet.harbor"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function numbers(partner)
	rule("2.9 addresses are integers of 24 bits, with harbor 0 above", function()
		same("integer", "integer")(math.type(partner), math.type(skynet.self()))
		assert(partner > 0 and partner <= 0xffffff, partner)
		same(0, false)(skynet.harbor(partner))
		same(5, true)(skynet.harbor(0x05000001))
	end)
	rule("2.9 they are printed with 8 digits", function()
		same ":0000000a"(skynet.address(10))
		same ":05000001"(skynet.address(0x05000001))
		same ".name"(skynet.address ".name")
	end)
	rule("2.9 :hex is an address as well", function()
		same "by text"(skynet.call(skynet.address(partner), "lua", "echo", "by text"))
		same "short"(skynet.call(string.format(":%x", partner), "lua", "echo", "short"))
		same(0)(skynet.send(skynet.address(partner), "lua", "echo"))
	end)
	rule("2.9 addresses grow", function()
		local first <const> = skynet.newservice "core_partner"
		local second <const> = skynet.newservice "core_partner"
		assert(second > first, "an address is not used again soon")
		skynet.kill(first)
		skynet.kill(second)
		assert(skynet.newservice "core_partner" > second)
	end)
	rule("2.9 the logger is 1, the launcher 3", function()
		same(1)(skynet.localname ".logger")
		same(3)(skynet.localname ".launcher")
		same "table"(type(skynet.call(3, "lua", "LIST")))
	end)
end

local function names(partner)
	rule("2.9 .name is an address in this node, of any length", function()
		local long <const> = "." .. ("x"):rep(200)
		for _, name in ipairs { ".partner", long } do
			skynet.name(name, partner)
			same(partner)(skynet.localname(name))
			same "named"(skynet.call(name, "lua", "echo", "named"))
			same(0)(skynet.send(name, "lua", "echo"))
		end
	end)
	rule("2.9 register names the service itself", function()
		skynet.register ".myself"
		same(skynet.self())(skynet.localname ".myself")
	end)
	rule("2.9 a service may have several names", function()
		skynet.name(".partner2", partner)
		same(partner, partner)(skynet.localname ".partner", skynet.localname ".partner2")
	end)
	rule("2.9 the first registration wins, silently", function()
		skynet.name(".partner", skynet.self())
		skynet.register ".partner"
		same(partner)(skynet.localname ".partner")
		skynet.name("GLOBAL_NAME", partner)
		skynet.register "GLOBAL_NAME"
		same "first"(skynet.call("GLOBAL_NAME", "lua", "echo", "first"))
	end)
	rule("2.9 a global name has 15 characters at most and is no number", function()
		raises("", skynet.name, "sixteen_chars_xx", partner)
		raises("", skynet.register, "sixteen_chars_xx")
		raises("", skynet.name, "12345", partner)
		raises("", skynet.register, "0x10")
		skynet.name("fifteen_chars_x", partner)
		same "global"(skynet.call("fifteen_chars_x", "lua", "echo", "global"))
	end)
	rule("2.9 localname of what has no name is nothing", function()
		same(nil)((skynet.localname ".nobody"))
	end)
	rule("2.9 names vanish with their service, and can be given again", function()
		for _ = 1, 2 do
			local other <const> = skynet.newservice "core_partner"
			skynet.name(".passing", other)
			same "here"(skynet.call(".passing", "lua", "echo", "here"))
			skynet.kill(other)
			rules.await(function()
				return skynet.localname ".passing" == nil
			end)
		end
	end)
end

local function harbors()
	rule("1.8 what needs another harbor raises", function()
		for _, name in ipairs { "link", "connect", "linkmaster" } do
			raises("harbor." .. name .. " is not supported: ", harbor[name], 1)
		end
	end)
end

rules.run("addresses", function()
	local partner <const> = skynet.newservice "core_partner"
	numbers(partner)
	names(partner)
	harbors()
end)
