-- skynet.datasheet and its builder (docs/skynet-rules.md 1.5, 2.13).
local skynet <const> = require "skynet"
local builder <const> = require "skynet.datasheet.builder"
local datasheet <const> = require "skynet.datasheet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function values()
	builder.new("values", { a = 1, big = 1 << 40, third = 1 / 3, list = { 1, { x = true } } })
	local t <const> = datasheet.query "values"
	same(1, 1 << 40, 1 / 3)(t.a, t.big, t.third)
	same(true, 2, "table", nil)(t.list[2].x, #t.list, type(t), getmetatable(t) or nil)
	same(true)(rawequal(t, datasheet.query "values"))
	local count = 0
	for _ in pairs(t) do
		count = count + 1
	end
	same(4)(count)
end

local function names()
	raises("exists already", builder.new, "values", {})
	raises("no such name", builder.update, "nobody", {})
	raises("call failed", datasheet.query, "nobody")
	raises(".f is a function", builder.new, "bad", { f = print })
	same(false)((pcall(builder.new, "bad", "not compiled")))
end

local function updates()
	builder.new("moving", { a = 1, b = 2, c = { 3 }, e = { f = { 1 } } })
	local t <const> = datasheet.query "moving"
	local c <const>, f <const> = t.c, t.e.f
	same(3, 1)(c[1], f[1])
	local partner <const> = skynet.newservice "shared_partner"
	skynet.call(partner, "lua", "query", "datasheet", "moving")
	builder.update("moving", { b = 4, c = { 5, 6 } })
	same(1, 2, 3)(t.a, t.b, c[1])
	skynet.yield()
	same(nil, 4, 5, 2)(t.a, t.b, c[1], #c)
	same(true, nil)(rawequal(t.c, c), t.e)
	same(true, 6)(skynet.call(partner, "lua", "read", "c", 2))
	raises("The key [.e.f] doesn't exist after update", function()
		return f[1]
	end)
	builder.update("moving", { c = 7 })
	skynet.yield()
	same(7, "c")(t.c, (next(t)))
	same(false)((pcall(next, c)))
	skynet.kill(partner)
end

local function compiled()
	local text <const> = builder.compile { a = { 1, 2.5 } }
	same("string")(type(text))
	builder.new("compiled", text)
	same(2.5)(datasheet.query("compiled").a[2])
end

rules.run("datasheet", function()
	rule("1.5 sheets are plain tables, numbers exact", values)
	rule("1.5 names exist once, and must exist", names)
	rule("2.13 tables follow updates after a yield", updates)
	rule("1.5 compile makes a string for new", compiled)
end)
