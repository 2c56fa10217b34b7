-- skynet.sharedata (docs/skynet-rules.md 1.5, 2.13).
local skynet <const> = require "skynet"
local json <const> = require "json"
local sharedata <const> = require "skynet.sharedata"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function contents(t)
	local all <const> = {}
	for k, v in pairs(t) do
		all[k] = type(v) == "table" and contents(v) or v
	end
	return all
end

local function equal(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return a == b and math.type(a) == math.type(b)
	end
	for k, v in pairs(a) do
		if not equal(v, b[k]) then
			return false
		end
	end
	for k in pairs(b) do
		if a[k] == nil then
			return false
		end
	end
	return true
end

local function values()
	local made <const> = {
		a = 1,
		b = { "hello", "world", c = { d = 1.0 } },
		[5] = 3,
		[-7] = "negative",
		[1 << 40] = math.mininteger,
		[""] = "empty",
		yes = true,
		no = false,
		half = 0.5,
		infinite = math.huge,
		long = ("x"):rep(5000),
		["zero\0inside"] = "zero\0there",
	}
	for i = 1, 100 do
		made["key" .. i] = i
	end
	sharedata.new("values", made)
	local got <const> = sharedata.query "values"
	same(true)(equal(contents(got), made))
	same(1, "float", "integer")(got.a, math.type(got.b.c.d), math.type(got.a))
	same(nil, nil, nil, 3)(got.none, got[6], got[1.5], got[5.0])
	same("table", 2, 0)(type(got), #got.b, #got)
	same("hello", "world", nil)(table.unpack(got.b, 1, 3))
	same("hello,world")(table.concat(got.b, ","))
end

local function iteration()
	sharedata.new("list", { "a", "b", "c", [10] = "ten", x = {}, y = { z = 1 } })
	local list <const> = sharedata.query "list"
	local seen <const> = {}
	for i, v in ipairs(list) do
		seen[i] = v
	end
	same("abc")(table.concat(seen))
	local count = 0
	for key, value in next, list do
		same(true)(list[key] == value)
		count = count + 1
	end
	same(6)(count)
	same(nil)(next(list.x))
	same("z", 1)(next(list.y))
	raises("invalid key to 'next'", next, list, "nothing")
	local copy <const> = skynet.unpack(skynet.packstring(list))
	same("b", "ten", 1)(copy[2], copy[10], copy.y.z)
	same('{"z":1}')(json.encode(list.y))
end

local function read_only()
	local got <const> = sharedata.query "values"
	raises("Error newindex, the key []", function()
		got.a = 2
	end)
	raises("Error newindex, the key [.b.c]", function()
		got.b.c.new = 2
	end)
	same(1, nil)(got.a, got.b.c.new)
end

local function names()
	raises("call failed", sharedata.query, "nobody")
	raises("call failed", sharedata.new, "values", {})
	raises("call failed", sharedata.delete, "nobody")
	raises("call failed", sharedata.deepcopy, "nobody")
	same(true)(sharedata.query "values" == sharedata.query "values")
	local got <const> = sharedata.query "values"
	same(true)(rawequal(got.b, got.b))
	sharedata.update("by update", { 1 })
	same(1)(sharedata.query("by update")[1])
	sharedata.new("empty", nil)
	same(nil)(next(sharedata.query "empty"))
end

local function refused()
	raises(".b.f is a function", sharedata.new, "bad", { b = { f = print } })
	raises("Invalid key 1.5", sharedata.new, "bad", { [1.5] = 1 })
	raises("Invalid key boolean", sharedata.new, "bad", { x = { [true] = 1 } })
	local cycle <const> = {}
	cycle.again = cycle
	raises(".again.again", sharedata.new, "bad", cycle)
	raises("Unknown data type number", sharedata.new, "bad", 5)
	raises("too long", sharedata.new, ("n"):rep(5000), {})
	raises("call failed", sharedata.query, "bad")
end

local function sources()
	sharedata.new("source", "a = 1; b = { ... }; c = math.max(1, 2)", "x", "y")
	local got <const> = sharedata.query "source"
	same(1, "x", "y", 2, nil)(got.a, got.b[1], got.b[2], got.c, got.math)
	sharedata.new("returned", "return { q = ... }", 7)
	same(7)(sharedata.query("returned").q)
	local path <const> = os.tmpname()
	local file <const> = assert(io.open(path, "w"))
	file:write "from_file = ..."
	file:close()
	sharedata.new("file", "@" .. path, 8)
	os.remove(path)
	same(8)(sharedata.query("file").from_file)
	raises("call failed", sharedata.new, "bad", "a = = 1")
	raises("call failed", sharedata.new, "bad", "error 'no'")
	raises("call failed", sharedata.new, "bad", "@" .. path)
end

local function updates()
	sharedata.new("moving", { a = 1, b = { c = { d = 1 }, "x" } })
	local root <const> = sharedata.query "moving"
	local b <const>, c <const> = root.b, root.b.c
	local partner <const> = skynet.newservice "shared_partner"
	skynet.call(partner, "lua", "query", "sharedata", "moving")
	sharedata.update("moving", { a = 2, b = { "y" } })
	same(2, "y", true)(root.a, b[1], b == root.b)
	same(true, "y")(skynet.call(partner, "lua", "read", "b", 1))
	local gone <const> = "The key [.b.c] doesn't exist after update"
	raises(gone, function()
		return c.d
	end)
	raises(gone, pairs, c)
	raises(gone, function()
		return #c
	end)
	same(nil)(root.b.c)
	sharedata.update("moving", { b = { "z", c = { d = 9 } } })
	raises(gone, function()
		return c.d
	end)
	same(9, false, "z", nil)(root.b.c.d, root.b.c == c, b[1], root.a)
	skynet.call(partner, "lua", "read", "b", "c", "d")
	sharedata.delete "moving"
	same("z", true, "z")(b[1], skynet.call(partner, "lua", "read", "b", 1))
	raises("call failed", sharedata.query, "moving")
	sharedata.new("moving", { a = 77 })
	same(nil, 77, false)(root.a, sharedata.query("moving").a, root == sharedata.query "moving")
	skynet.kill(partner)
end

-- A handler that does not yield sees one version from its first to its last line.
local function steady()
	sharedata.new("steady", { n = 0 })
	local partner <const> = skynet.newservice "shared_partner"
	skynet.call(partner, "lua", "query", "sharedata", "steady")
	local watching, result = false, nil
	skynet.dispatch("lua", function()
		watching = true
	end)
	skynet.fork(function()
		result = skynet.call(partner, "lua", "watch", "n", skynet.self())
	end)
	rules.await(function()
		return watching
	end)
	local n = 0
	rules.await(function()
		n = n + 1
		sharedata.update("steady", { n = n })
		return result ~= nil
	end)
	same(true, true, n)(result, skynet.call(partner, "lua", "read", "n"))
	skynet.kill(partner)
end

local function copies()
	local copy <const> = sharedata.deepcopy "values"
	copy.b.c.d = "mine"
	same("mine", 1.0)(copy.b.c.d, sharedata.query("values").b.c.d)
	same(nil)(getmetatable(copy.b))
	same("world", nil, nil, 1)(
		sharedata.deepcopy("values", "b", 2),
		sharedata.deepcopy("values", "b", "none"),
		sharedata.deepcopy("values", "a", "b", "c"),
		sharedata.deepcopy("values", "a")
	)
	-- A proxy can be shared again.
	sharedata.new("again", { part = sharedata.query("values").b })
	same("world", 1.0)(sharedata.query("again").part[2], sharedata.query("again").part.c.d)
end

local function small()
	sharedata.new("big", [[
		local records = {}
		for i = 1, 10000 do
			records[i] = { id = i, name = "record " .. i }
		end
		return records
	]])
	local got <const> = sharedata.query "big"
	collectgarbage()
	collectgarbage()
	local before <const> = collectgarbage "count"
	for i = 1, #got do
		same(i)(got[i].id)
	end
	sharedata.flush()
	collectgarbage()
	same(true)(collectgarbage "count" - before < 100)
end

rules.run("sharedata", function()
	rule("1.5 all values come back as they are", values)
	rule("1.5 Lua source and files make tables", sources)
	rule("2.13 pairs, ipairs, # and next work", iteration)
	rule("2.13 proxies are read-only", read_only)
	rule("2.13 names exist once, and must exist", names)
	rule("2.13 what cannot be shared is refused with its path", refused)
	rule("2.13 proxies follow updates", updates)
	rule("2.13 nothing changes between two yields", steady)
	rule("1.5 deepcopy gives plain tables", copies)
	rule("5.4 records that were read leave nothing behind", small)
end)
