-- skynet.inject (docs/skynet-rules.md 1.6).
local skynet <const> = require "skynet"
local inject <const> = require "skynet.inject"
local rules <const> = require "rules"

local rule <const>, same <const> = rules.rule, rules.same
local secret = { value = 1 }

skynet.dispatch("lua", function()
	skynet.retpack(secret.value)
end)

local function reach()
	return secret
end

rules.run("inject", function()
	rule("1.6 print is captured", function()
		local ok <const>, lines <const> = inject(skynet, "print('a', 1, nil) print(...)", "=x", { 7, 8 })
		same(true, 2, "a\t1\tnil", "7\t8")(ok, #lines, lines[1], lines[2])
	end)
	rule("1.6 _U holds the upvalues of the functions", function()
		local ok <const> = inject(skynet, "_U.secret.value = 2", "=x", nil, reach)
		same(true, 2)(ok, secret.value)
	end)
	rule("1.6 _P holds those of the handlers", function()
		local ok <const> = inject(skynet, "_P.lua.secret.value = 3", "=x")
		same(true, 3)(ok, secret.value)
	end)
	rule("1.6 errors are returned", function()
		local ok, lines = inject(skynet, "print 'before' error 'boom'", "=x")
		same(false, "before")(ok, lines[1])
		assert(lines[2]:find("x:1: boom", 1, true), lines[2])
		ok, lines = inject(skynet, "not lua", "=x")
		same(false, 1)(ok, #lines)
	end)
end)
