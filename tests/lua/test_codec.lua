-- skynet.pack: the bytes of docs/skynet-rules.md 2.8 in both directions, what is refused, and
-- garbage.
local json <const> = require "json"
local skynet <const> = require "skynet"
local testing <const> = require "testing"

local function hex(bytes)
	return (bytes:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local function unhex(text)
	return (text:gsub("%x%x", function(pair)
		return string.char(tonumber(pair, 16))
	end))
end

-- A text that tells values apart, integers from floats and NaN included.
local function show(value, depth)
	depth = depth or 0
	if type(value) ~= "table" then
		return type(value) == "string" and string.format("%q", value)
			or (math.type(value) or type(value)) .. " " .. tostring(value)
	elseif depth > 40 then
		return "..."
	end
	local parts <const> = {}
	for k, v in pairs(value) do
		parts[#parts + 1] = show(k, depth + 1) .. "=" .. show(v, depth + 1)
	end
	table.sort(parts)
	return "{" .. table.concat(parts, ",") .. "}"
end

local function items(n)
	local t <const> = {}
	for i = 1, n do
		t[i] = 0
	end
	return t
end

local function test_bytes()
	for _, row in ipairs {
		{ false, "01" },
		{ true, "09" },
		{ 0, "02" },
		{ 1, "0a01" },
		{ 255, "0aff" },
		{ 256, "120001" },
		{ 65535, "12ffff" },
		{ 65536, "2200000100" },
		{ -1, "22ffffffff" },
		{ 0x7fffffff, "22ffffff7f" },
		{ -0x80000000, "2200000080" },
		{ 0x80000000, "320000008000000000" },
		{ -0x80000001, "32ffffff7fffffffff" },
		{ math.maxinteger, "32ffffffffffffff7f" },
		{ math.mininteger, "320000000000000080" },
		{ 1.5, "42000000000000f83f" },
		{ 2.0 ^ 53, "420000000000004043" },
		{ 0.0, "420000000000000000" },
		{ math.huge, "42000000000000f07f" },
		{ -math.huge, "42000000000000f0ff" },
		{ "", "04" },
		{ "ab", "146162" },
		{ "a\0b", "1c610062" },
		{ {}, "0600" },
		{ { 1, 2 }, "160a010a0200" },
		{ { a = 1 }, "060c610a0100" },
		{ { 1, nil, 3 }, "1e0a01000a0300" },
		{ { { true } }, "0e0e090000" },
		{ json.array {}, "0608" },
		{ { a = json.array { 1 } }, "060c610e0a010800" },
	} do
		testing.equal(hex(skynet.packstring(row[1])), row[2], show(row[1]))
		testing.equal(show((skynet.unpack(unhex(row[2])))), show(row[1]), row[2])
	end
	testing.equal(hex(skynet.packstring(nil)), "00")
	testing.equal(select("#", skynet.unpack "\0"), 1)
	testing.equal(skynet.packstring(), "")
	testing.equal(select("#", skynet.unpack ""), 0)
	testing.equal(select("#", skynet.unpack(nil)), 0)
	local nan <const> = skynet.packstring(0 / 0)
	testing.equal(hex(nan:sub(1, 1) .. nan:sub(8, 8)):sub(1, 2), "42")
	local back <const> = skynet.unpack(nan)
	testing.check(back ~= back, "NaN")
	-- The last byte's sign depends on how the NaN was made.
	testing.check(hex(nan):match "f8[f7]f$", hex(nan))

	local function head(value, size)
		return hex(skynet.packstring(value):sub(1, size))
	end
	testing.equal(head(("x"):rep(31), 1), "fc")
	testing.equal(head(("x"):rep(32), 3), "152000")
	testing.equal(head(("x"):rep(65535), 3), "15ffff")
	testing.equal(head(("x"):rep(65536), 5), "2500000100")
	testing.equal(head(items(30), 1), "f6")
	testing.equal(head(items(31), 3), "fe0a1f")
	testing.equal(head(items(300), 4), "fe122c01")
	for _, n in ipairs { 31, 32, 65535, 65536, 1000000 } do
		testing.check(skynet.unpack(skynet.packstring(("x"):rep(n))) == ("x"):rep(n), n)
	end
	for _, n in ipairs { 30, 31, 255, 256, 70000 } do
		testing.equal(#skynet.unpack(skynet.packstring(items(n))), n)
	end
	local pointer <const> = require("json").null
	testing.equal(hex(skynet.packstring(pointer)), "03" .. ("00"):rep(8))
	testing.equal(skynet.unpack(skynet.packstring(pointer)), pointer)
end

local function test_tables()
	local shared <const> = { 1 }
	local both <const> = skynet.unpack(skynet.packstring { shared, shared })
	testing.check(both[1] ~= both[2], "shared tables are duplicated")
	testing.equal(both[2][1], 1)
	local derived <const> = setmetatable({ 1 }, { __index = { x = 1 } })
	local plain <const> = skynet.unpack(skynet.packstring(derived))
	testing.equal(getmetatable(plain), nil)
	testing.equal(plain.x, nil)
	local proxy <const> = setmetatable({}, {
		__pairs = function()
			return next, { 10, 20, k = "v" }
		end,
	})
	testing.equal(show((skynet.unpack(skynet.packstring(proxy)))), show { 10, 20, k = "v" })
	testing.equal(hex(skynet.packstring(proxy):sub(1, 1)), "06", "by __pairs all is hash")
	local mixed <const> = { 1, 2, [10] = "ten", [-1] = "minus", [1.5] = "float", [true] = false }
	testing.equal(show((skynet.unpack(skynet.packstring(mixed)))), show(mixed))
	local r <const> = table.pack(skynet.unpack(skynet.packstring(nil, 1, nil, nil)))
	testing.equal(r.n, 4)
	testing.equal(r[2], 1)
end

local function test_errors()
	testing.raises("Unsupport type function to serialize", skynet.packstring, print)
	testing.raises("Unsupport type thread to serialize", skynet.packstring, coroutine.create(print))
	testing.raises("Unsupport type userdata to serialize", skynet.packstring, { io.stdout })
	local cycle <const> = {}
	cycle[1] = cycle
	testing.raises("serialize can't pack too depth table", skynet.packstring, cycle)
	local function nested(depth)
		local t = {}
		for _ = 2, depth do
			t = { t }
		end
		return t
	end
	testing.raises("serialize can't pack too depth table", skynet.packstring, nested(34))
	local deep <const> = skynet.packstring(nested(32))
	testing.equal(skynet.packstring(skynet.unpack(deep)), deep)
	testing.raises("from __pairs", skynet.packstring, setmetatable({}, {
		__pairs = function()
			error "from __pairs"
		end,
	}))
	testing.equal(skynet.unpack(skynet.packstring "after an error"), "after an error")

	for _, text in ipairs {
		"07", "0f", "3a01", "0a", "1200", "220000", "32000000", "42000000", "0300", "14", "1461",
		"15", "1520", "152000", "1d00", "2500000100", "06", "0e", "0e0a", "060c61", "06000a",
		"fe", "fe0a", "fe0affff", "fe32ffffffffffffff7f", "fe22ffffffff", "fe42000000000000f03f",
		("0e"):rep(200),
	} do
		testing.raises("Invalid serialize stream", skynet.unpack, unhex(text))
	end
	-- A pointer with a size is taken as it is, and freed by trash.
	local message <const>, size <const> = skynet.pack("x", 1)
	testing.equal(select("#", skynet.unpack(message, size)), 2)
	testing.equal(hex(skynet.tostring(message, size)), "0c780a01")
	skynet.trash(message, size)
	skynet.trash "text"
	testing.raises("skynet.trash invalid param number", skynet.trash, 1)
end

-- Random values survive, and mangled bytes only ever raise. The seed is fixed, so a failure
-- comes again.
local function test_random()
	local state = 20240817
	local function random(n)
		state = (state * 6364136223846793005 + 1442695040888963407)
		return (state >> 33) % n
	end
	local function value(depth)
		local kind <const> = random(depth > 3 and 5 or 7)
		if kind == 0 then
			return random(2) == 0
		elseif kind == 1 then
			return (state >> random(64)) * (random(2) * 2 - 1)
		elseif kind == 2 then
			return random(1000000) / 7
		elseif kind <= 4 then
			return string.char(random(256)):rep(random(80))
		end
		local t <const> = {}
		for i = 1, random(8) do
			t[i] = value(depth + 1)
		end
		for _ = 1, random(4) do
			t["k" .. random(100)] = value(depth + 1)
		end
		return t
	end
	for round = 1, 200 do
		local v <const> = value(0)
		local bytes <const> = skynet.packstring(v)
		testing.check(show((skynet.unpack(bytes))) == show(v), "round " .. round)
		for _ = 1, 10 do
			local at <const> = random(#bytes) + 1
			local mangled <const> = random(3) == 0 and bytes:sub(1, at)
				or bytes:sub(1, at - 1) .. string.char(random(256)) .. bytes:sub(at + 1)
			local ok <const>, message <const> = pcall(skynet.unpack, mangled)
			if not ok then
				testing.check(
					tostring(message):find "Invalid serialize stream"
						or tostring(message):find "index is n", -- nil or NaN as a key
					message
				)
			end
		end
	end
	for _ = 1, 2000 do
		local garbage <const> = {}
		for i = 1, random(40) do
			garbage[i] = string.char(random(256))
		end
		pcall(skynet.unpack, table.concat(garbage))
	end
	testing.equal(skynet.unpack(skynet.packstring "still here"), "still here")
end

testing.run(function()
	test_bytes()
	test_tables()
	test_errors()
	test_random()
end)
