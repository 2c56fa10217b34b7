-- The bytes of skynet.pack (docs/skynet-rules.md 2.8).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

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

-- Packing the values gives these bytes, and unpacking them the values.
local function packs(wanted, ...)
	same(wanted)(hex(skynet.packstring(...)))
	same(...)(skynet.unpack(unhex(wanted)))
end

-- The first bytes of a packed value.
local function begins(wanted, value)
	same(wanted)(hex(skynet.packstring(value):sub(1, #wanted // 2)))
end

local function items(n)
	local t <const> = {}
	for i = 1, n do
		t[i] = 0
	end
	return t
end

local function plain_values()
	rule("2.8 nil and booleans", function()
		packs("00", nil)
		packs("01", false)
		packs("09", true)
		packs("000109", nil, false, true)
	end)
	rule("2.8 integers by their size", function()
		for wanted, value in pairs {
			["02"] = 0,
			["0a01"] = 1,
			["0aff"] = 255,
			["120001"] = 256,
			["12ffff"] = 65535,
			["2200000100"] = 65536,
			["22ffffffff"] = -1,
			["22ffffff7f"] = 0x7fffffff,
			["2200000080"] = -0x80000000,
			["320000008000000000"] = 0x80000000,
			["32ffffff7fffffffff"] = -0x80000001,
			["32ffffffffffffff7f"] = math.maxinteger,
			["320000000000000080"] = math.mininteger,
		} do
			packs(wanted, value)
		end
	end)
	rule("2.8 floats are 8 bytes", function()
		packs("42000000000000f83f", 1.5)
		packs("420000000000004043", 2.0 ^ 53)
		packs("420000000000000000", 0.0)
		packs("42000000000000f07f", math.huge)
		packs("42000000000000f0ff", -math.huge)
	end)
	rule("2.8 NaN passes", function()
		local nan <const> = skynet.packstring(0 / 0)
		assert(hex(nan):find "^42000000000000f8[f7]f$", hex(nan))
		local value <const> = skynet.unpack(nan)
		same(true)(value ~= value)
	end)
	rule("2.8 integers and floats stay distinct", function()
		same("float", "integer")(math.type((skynet.unpack(skynet.packstring(1.0)))),
			math.type((skynet.unpack(skynet.packstring(1)))))
	end)
	rule("2.8 light userdata are 8 bytes", function()
		local pointer <const>, size <const> = skynet.pack()
		local packed <const> = skynet.packstring(pointer)
		same(9, "03")(#packed, hex(packed:sub(1, 1)))
		same(pointer)(skynet.unpack(packed))
		skynet.trash(pointer, size)
	end)
end

local function strings()
	rule("2.8 short strings have their length in the type", function()
		packs("04", "")
		packs("146162", "ab")
		begins("fc78", ("x"):rep(31))
	end)
	rule("2.8 longer strings have 2 or 4 bytes of length", function()
		begins("15200078", ("x"):rep(32))
		begins("15ffff78", ("x"):rep(65535))
		begins("250000010078", ("x"):rep(65536))
		for _, n in ipairs { 31, 32, 65535, 65536, 1000000 } do
			same(true)((skynet.unpack(skynet.packstring(("x"):rep(n)))) == ("x"):rep(n))
		end
	end)
	rule("2.8 strings keep their zeros", function()
		packs("1c610062", "a\0b")
	end)
end

local function tables()
	rule("2.8 tables: array, then pairs, then nil", function()
		same "0600"(hex(skynet.packstring {}))
		same "160a010a0200"(hex(skynet.packstring { 1, 2 }))
		same "060c610a0100"(hex(skynet.packstring { a = 1 }))
		same "1e0a01000a0300"(hex(skynet.packstring { 1, nil, 3 }))
		same "0e0e090000"(hex(skynet.packstring { { true } }))
	end)
	rule("2.8 arrays of 31 and more have a packed length", function()
		begins("f602", items(30))
		begins("fe0a1f02", items(31))
		begins("fe122c0102", items(300))
		for _, n in ipairs { 30, 31, 255, 256, 70000 } do
			same(n)(#skynet.unpack(skynet.packstring(items(n))))
		end
	end)
	rule("2.8 all of a table comes back", function()
		local inner <const> = skynet.unpack(skynet.packstring {
			1, 2, [10] = "ten", [-1] = "minus", [1.5] = "float", [true] = false, t = { t = { 7 } },
		})
		same(1, 2, "ten", "minus", "float", false, 7)(
			inner[1], inner[2], inner[10], inner[-1], inner[1.5], inner[true], inner.t.t[1])
	end)
	rule("2.8 __pairs is honoured, and makes all of it pairs", function()
		local proxy <const> = setmetatable({}, {
			__pairs = function()
				return next, { 10 }
			end,
		})
		same "060a010a0a00"(hex(skynet.packstring(proxy)))
		same(10)(skynet.unpack(skynet.packstring(proxy))[1])
	end)
	rule("2.8 metatables are lost", function()
		local value <const> = setmetatable({ 1 }, { __index = { x = 1 } })
		local plain <const> = skynet.unpack(skynet.packstring(value))
		same(nil, nil, 1)(getmetatable(plain), plain.x, plain[1])
	end)
	rule("2.8 a table that is there twice is packed twice", function()
		local shared <const> = { 1 }
		local both <const> = skynet.unpack(skynet.packstring { shared, shared })
		same(false, 1, 1)(both[1] == both[2], both[1][1], both[2][1])
	end)
end

local function errors()
	rule("2.8 more than 32 levels, and cycles, raise", function()
		local function nest(depth)
			local t = {}
			for _ = 2, depth do
				t = { t }
			end
			return t
		end
		same "string"(type(skynet.packstring(nest(32))))
		raises("serialize can't pack too depth table", skynet.packstring, nest(40))
		local cycle <const> = {}
		cycle[1] = cycle
		raises("serialize can't pack too depth table", skynet.packstring, cycle)
		raises("serialize can't pack too depth table", skynet.pack, { x = cycle })
	end)
	rule("2.8 functions, threads and full userdata raise", function()
		raises("Unsupport type function to serialize", skynet.packstring, print)
		raises("Unsupport type thread to serialize", skynet.packstring, coroutine.running())
		raises("Unsupport type userdata to serialize", skynet.packstring, io.stdout)
		raises("Unsupport type function to serialize", skynet.packstring, { { print } })
		raises("Unsupport type function to serialize", skynet.send, skynet.self(), "lua", print)
		same "02"(hex(skynet.packstring(0)))
	end)
	rule("2.8 garbage raises Invalid serialize stream", function()
		for text in ("0a 12ff 42000000 14 15 1520 25ffffff 16 1e0a01 07"):gmatch "%x+" do
			raises("Invalid serialize stream", skynet.unpack, unhex(text))
		end
		local whole <const> = skynet.packstring { 1, "two", { three = 3.5 } }
		for size = 1, #whole - 1 do
			raises("Invalid serialize stream", skynet.unpack, whole:sub(1, size))
		end
	end)
	rule("2.8 nothing unpacks to nothing", function()
		same()(skynet.unpack "")
		same()(skynet.unpack(nil))
		same ""(skynet.packstring())
	end)
	rule("2.8 pack gives a pointer that tostring and unpack read", function()
		local message <const>, size <const> = skynet.pack(1, "two")
		same("userdata", 6)(type(message), size)
		same(skynet.packstring(1, "two"))(skynet.tostring(message, size))
		same(1, "two")(skynet.unpack(message, size))
		skynet.trash(message, size)
		skynet.trash "a string is not freed"
		raises("skynet.trash invalid param number", skynet.trash, 1)
	end)
end

rules.run("seri", function()
	plain_values()
	strings()
	tables()
	errors()
end)
