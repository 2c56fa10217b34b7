-- Run by tests/unit/modules/pattern_test.cpp in a state where `ours` and `stock` are two string
-- libraries and `tables` two table libraries: they must agree on results and on errors.
local seed = ...

local function random(n)
	seed = (seed * 1103515245 + 12345) % 2147483648
	return seed // 65536 % n + 1
end

local ATOMS <const> = {
	"a", "b", "c", ".", "%a", "%d", "%s", "%w", "%x", "%p", "%l", "%u", "%c", "%g", "%A", "%D",
	"%S", "%W", "[abc]", "[^a]", "[a-c]", "[%a_]", "[^%s]", "[]]", "[^]]", "[a-]", "[%-x]", "[",
	"%", "%z", "%Z", "%%", "%.", "]", "-", "\0", "[\0-\5]", "%bab", "%b()", "%b", "%f[%w]",
	"%f[^%w]", "%f", "%f[", "^", "$", "%1", "%2", "%9", "%0", "()", "[a-%d]", "[%", "[^",
}
local SUFFIXES <const> = { "", "", "", "*", "+", "-", "?" }
local BYTES <const> = {
	"a", "b", "c", "A", "0", "9", " ", "(", ")", "_", "%", "\0", "-", "]", "\n", "\255",
}

local function subject()
	local out <const> = {}
	for i = 1, random(14) - 1 do
		out[i] = BYTES[random(#BYTES)]
	end
	return table.concat(out)
end

local function pattern(depth)
	local out <const> = {}
	for i = 1, random(4) do
		local roll <const> = random(10)
		if roll == 1 and depth < 3 then
			out[i] = "(" .. pattern(depth + 1) .. (random(12) == 1 and "" or ")")
		elseif roll == 2 and random(10) == 1 then
			out[i] = ")"
		else
			out[i] = ATOMS[random(#ATOMS)] .. SUFFIXES[random(#SUFFIXES)]
		end
	end
	return (depth == 0 and random(6) == 1 and "^" or "") .. table.concat(out)
end

local function position()
	local roll <const> = random(8)
	if roll < 4 then
		return nil
	end
	return random(40) - 20
end

local function show(...)
	local out <const> = {}
	for i = 1, select("#", ...) do
		local value <const> = select(i, ...)
		local kind <const> = math.type(value) or type(value)
		local literal <const> = kind ~= "table" and kind ~= "function"
		out[i] = literal and string.format("%s(%q)", kind, value) or kind
	end
	return table.concat(out, ",")
end

-- The call as a text: results, or the error.
local function outcome(f, ...)
	local results <const> = table.pack(pcall(f, ...))
	if not results[1] then
		-- The stock functions have no name, as no module has them.
		results[2] = stock.gsub(results[2], "to '[%w.?]+'", "to a function")
	end
	return show(table.unpack(results, 1, results.n))
end

local function every_match(library, s, p, init)
	local out <const> = {}
	for a, b, c in library.gmatch(s, p, init) do
		out[#out + 1] = show(a, b, c)
		assert(#out < 100)
	end
	return table.concat(out, ";")
end

local REPLACEMENTS <const> = {
	"x", "<%0>", "%1", "%2%1", "%%", "%", "%a", 7, "", { a = "1", ab = false, [1] = "p", b = 2 },
	{ a = {} }, function(...) return select("#", ...) end, function() return nil end,
	function(a) return a end, function() return {} end, function() error("inside", 0) end,
}

local checks = 0
local function same(what, a, b)
	checks = checks + 1
	if a ~= b then
		error(string.format("%s\nours:  %s\nstock: %s", what, a, b), 0)
	end
end

for _ = 1, 20000 do
	local s <const>, p <const>, init <const> = subject(), pattern(0), position()
	local plain <const> = random(6) == 1
	local what <const> = string.format("%q %q %s", s, p, init)
	local function both(name, ...)
		same(name .. " " .. what, outcome(ours[name], ...), outcome(stock[name], ...))
	end
	both("find", s, p, init, plain)
	both("match", s, p, init)
	same(what, outcome(every_match, ours, s, p, init), outcome(every_match, stock, s, p, init))
	local replacement <const> = REPLACEMENTS[random(#REPLACEMENTS)]
	local count <const> = random(4) == 1 and random(4) - 2 or nil
	both("gsub", s, p, replacement, count)
	both("rep", s, random(6) - 2, random(3) == 1 and subject() or nil)
end

local LONG <const> = ("a"):rep(3000)
for _, case in ipairs {
	{ LONG, ("a?"):rep(250) .. "b" }, { LONG, ("(a)"):rep(33) }, { LONG, ("(a)"):rep(32) },
	{ LONG, "(.)(.-)%2%1" }, { LONG, "", 3001 }, { LONG, "", 3002 }, { LONG, "a-$", -5 },
	{ LONG, ".-b" }, { LONG, ("("):rep(40) },
	{ 12345, 34 }, { {}, "a" }, { "a", {} }, { "a" }, { nil, nil }, { "abc", "b", math.maxinteger },
	{ "abc", "b", math.mininteger }, { "abc", "b", 1.5 }, { "abc", "b", "x" },
} do
	for _, name in ipairs { "find", "match", "gmatch", "gsub", "rep" } do
		local results <const> = {}
		for i, library in ipairs { ours, stock } do
			results[i] = outcome(library[name], table.unpack(case, 1, 3))
		end
		same(name, results[1], results[2])
	end
end
same("rep", outcome(ours.rep, "ab", math.maxinteger), outcome(stock.rep, "ab", math.maxinteger))
same("rep", #ours.rep("abc", 1000000, ", "), #stock.rep("abc", 1000000, ", "))
same("rep", ours.rep("abc", 1000000, ", ") == stock.rep("abc", 1000000, ", "), true)
same("rep", ours.rep("", math.maxinteger), "")
same("gsub", outcome(ours.gsub, "abc", "b"), outcome(stock.gsub, "abc", "b"))
same("gsub", outcome(ours.gsub, "abc", "b", true), outcome(stock.gsub, "abc", "b", true))

-- Tables: the same calls on two copies.
local function numbers()
	local t <const> = {}
	for i = 1, random(random(3) == 1 and 600 or 12) - 1 do
		t[i] = random(50)
	end
	return t
end

local proxy <const> = {
	__index = function(_, k) return k end,
	__newindex = function() end,
	__len = function() return 5 end,
}
local orders <const> = {
	nil, function(a, b) return a > b end, function() return true end, function(a, b) return a <= b end,
	function() error("inside", 0) end,
}
local function state(t)
	local out <const> = {}
	for i = 0, 700 do
		out[i + 1] = tostring(rawget(t, i))
	end
	return table.concat(out, ",")
end

for round = 1, 3000 do
	local t <const> = numbers()
	local argument <const> = { random(20) - 5, random(20) - 5, random(20) - 5 }
	local order <const> = orders[random(5)]
	local special <const> = random(8)
	for _, call in ipairs {
		{ "insert", argument[1], argument[2] }, { "insert", argument[1] }, { "insert", 1, 2, 3 },
		{ "remove" }, { "remove", argument[1] }, { "concat" },
		{ "move", argument[1], argument[2], argument[3] },
		{ "concat", ", ", argument[1], argument[2] }, { "sort", order }, { "sort", 7 },
	} do
		local results <const>, states <const> = {}, {}
		for i, library in ipairs { tables.ours, tables.stock } do
			local copy = table.move(t, 1, #t, 1, {})
			if special == 1 then
				copy = setmetatable({}, proxy)
			elseif special == 2 then
				copy = 7
			end
			local out <const> = table.pack(pcall(library[call[1]], copy, table.unpack(call, 2)))
			for k = 1, out.n do
				out[k] = type(out[k]) == "table" and "a table"
					or stock.gsub(tostring(out[k]), "to '[%w.?]+'", "to a function")
			end
			results[i] = table.concat(out, ",", 1, out.n)
			states[i] = type(copy) == "table" and state(copy) or ""
		end
		local what <const> = round .. " " .. call[1] .. " " .. table.concat(t, " ")
		same(what, results[1], results[2])
		same(what, states[1], states[2])
	end
end
return checks
