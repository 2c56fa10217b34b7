-- skynet.sharetable (docs/skynet-rules.md 1.5, 5.4), emulated without skynet's Lua machine.
local skynet <const> = require "skynet"
local json <const> = require "json"
local sharetable <const> = require "skynet.sharetable"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function loading()
	sharetable.loadtable("test", { x = 1, y = { "hello world" }, [1.0] = true, f = 2.0 })
	local t <const> = sharetable.query "test"
	same(1, "hello world", true, "float", 1)(t.x, t.y[1], t[1], math.type(t.f), #t.y)
	sharetable.loadstring("string", "return { ... }", 1, 2, 3)
	same(1, 2, 3)(table.unpack(sharetable.query "string"))
	local path <const> = os.tmpname()
	local file <const> = assert(io.open(path, "w"))
	file:write "return { answer = ... }"
	file:close()
	sharetable.loadfile(path, 42)
	same(42)(sharetable.query(path).answer)
	sharetable.loadstring("file", "@" .. path, 43)
	same(43)(sharetable.query("file").answer)
	os.remove(path)
	raises("call failed", sharetable.loadfile, path)
	raises("Not a table, it's a number.", sharetable.loadstring, "bad", "return 5")
	raises("call failed", sharetable.loadstring, "bad", "return = 5")
	raises(".a.b is a function", sharetable.loadtable, "bad", { a = { b = print } })
	same(false)((pcall(sharetable.loadtable, "bad", 5)))
	same(nil)(sharetable.query "bad")
end

-- Each function is the first to touch a table.
local function plain()
	local function fresh()
		sharetable.loadtable("plain", { part = { 1, 2, 3, x = "y" }, none = {} })
		return sharetable.query("plain").part
	end
	local count = 0
	for _ in pairs(fresh()) do
		count = count + 1
	end
	same(4, 3, 3)(count, #fresh(), select("#", table.unpack(fresh())))
	same("1,2,3")(table.concat(fresh(), ","))
	same(1, 1)(next(fresh()))
	same(nil)(next(sharetable.query("plain").none))
	same("y")(skynet.unpack(skynet.packstring(fresh())).x)
	sharetable.loadtable("plain", { part = { 1, { x = "y" } } })
	same('{"part":[1,{"x":"y"}]}')(json.encode(sharetable.query "plain"))
	same('[1,{"x":"y"}]')(json.encode(sharetable.query("plain").part))
	same(nil)(getmetatable(fresh()) or nil)
end

local function read_only()
	sharetable.loadtable("fixed", { x = 1, y = {} })
	raises("attempt to change a shared table", function()
		sharetable.query("fixed").new = 1
	end)
	local t <const> = sharetable.query "fixed"
	same(1)(t.x)
	raises("attempt to change a shared table", function()
		t.new = 1
	end)
	raises("attempt to change a shared table", function()
		t.y[1] = 1
	end)
	raises("protected metatable", setmetatable, t, {})
end

local function several()
	sharetable.loadtable("one", { message = "hello one" })
	sharetable.loadtable("two", { message = "hello two" })
	local some <const> = sharetable.queryall { "one", "two", "none" }
	same("hello one", "hello two", nil)(some.one.message, some.two.message, some.none)
	local all <const> = sharetable.queryall()
	same("hello one", true)(all.one.message, all.test ~= nil)
	same(true)(all.one == sharetable.query "one")
end

local function updates()
	sharetable.loadtable("moving", { x = 1, y = { z = 2 }, list = { 1, 2, 3 }, last = {} })
	local t <const> = sharetable.query "moving"
	local y <const>, list <const>, last <const> = t.y, t.list, t.last
	same(2, 3)(y.z, #list)
	sharetable.loadtable("moving", { x = 2, y = { z = 3, w = 4 }, list = { 5 } })
	same(1, 2, 3)(t.x, y.z, #list)
	sharetable.update "moving"
	same(true)(rawequal(t, sharetable.query "moving"))
	same(2, 3, 4, 1, 5)(t.x, y.z, y.w, #list, list[1])
	same(true, nil)(rawequal(t.y, y), t.last)
	raises("The key [.last] doesn't exist after update", next, last)
	sharetable.loadtable("moving", { x = 3 })
	sharetable.update("moving", "nobody")
	same(3, nil, 3)(t.x, t.y, sharetable.query("moving").x)
end

-- A service keeps its version until it asks for the newest.
local function versions()
	local partner <const> = skynet.newservice "shared_partner"
	sharetable.loadtable("version", { n = 1, part = { n = 1 } })
	skynet.call(partner, "lua", "query", "sharetable", "version")
	sharetable.loadtable("version", { n = 2, part = { n = 2 } })
	same(true, 1)(skynet.call(partner, "lua", "read", "part", "n"))
	skynet.call(partner, "lua", "update", "sharetable", "version")
	same(true, 2)(skynet.call(partner, "lua", "read", "part", "n"))
	skynet.kill(partner)
	local before <const> = sharetable.query "version"
	sharetable.loadtable("version", { n = 3 })
	same(2, 3, 2)(before.n, sharetable.query("version").n, before.n)
end

rules.run("sharetable", function()
	rule("1.5 tables come from files, source and tables", loading)
	rule("7.3 tables that were not touched are as others", plain)
	rule("1.5 shared tables cannot be changed", read_only)
	rule("1.5 queryall gives several", several)
	rule("1.5 update rewrites what is held", updates)
	rule("1.5 each service has its version", versions)
end)
