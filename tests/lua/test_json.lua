-- json: values in both directions, and what is refused.
local testing <const> = require "testing"
local json <const> = require "json"

local function refused(text, wanted)
	local value <const>, message <const>, code <const> = json.decode(text)
	testing.equal(value, nil, "refuses " .. text)
	testing.check(
		message and message:find("^json: .* at byte %d+$") and message:find(wanted, 1, true),
		string.format("%s: %s", text, message)
	)
	testing.equal(code, "invalid")
end

local function nested(depth)
	local value = {}
	for _ = 2, depth do
		value = { value }
	end
	return value
end

testing.run(function()
	for _, row in ipairs {
		{ nil, "null" },
		{ json.null, "null" },
		{ true, "true" },
		{ 0, "0" },
		{ -17, "-17" },
		{ math.maxinteger, "9223372036854775807" },
		{ math.mininteger, "-9223372036854775808" },
		{ 1.5, "1.5" },
		{ 2.0, "2.0" },
		{ "", '""' },
		{ 'a"\\\n\1', [["a\"\\\n\u0001"]] },
		{ "严", '"严"' },
		{ {}, "{}" },
		{ json.array {}, "[]" },
		{ { 1, "two", { three = 3 } }, '[1,"two",{"three":3}]' },
		{ { b = 1, a = { 2 }, c = json.null }, '{"a":[2],"b":1,"c":null}' },
		{ { json.null, 1 }, "[null,1]" },
	} do
		testing.equal(json.encode(row[1]), row[2])
	end

	testing.equal(json.decode "17", 17)
	testing.equal(json.decode "17.0", 17.0)
	testing.equal(json.decode "1e2", 100.0)
	testing.equal(json.decode "9223372036854775807", math.maxinteger)
	testing.equal(json.decode "9223372036854775808", 2.0 ^ 63)
	testing.equal(json.decode "null", json.null)
	testing.equal(type(json.null), "userdata")
	testing.equal(json.decode [["\u4e25\ud83d\ude00"]], "严😀")
	testing.equal(json.decode "false", false)
	local value <const> = json.decode ' { "a" : [ 1 , { "b" : [ ] } , null ] , "c" : { } } '
	testing.equal(#value.a, 3)
	testing.equal(value.a[3], json.null)
	testing.equal(next(value.c), nil)
	testing.equal(json.encode(value), '{"a":[1,{"b":[]},null],"c":{}}', "[] stays an array")
	testing.equal(json.decode('{"a":1,"a":2}').a, 2)
	testing.equal(#json.decode(json.encode(nested(128))), 1)

	refused("", "unexpected end of input")
	refused("[1,2", "unexpected end of input")
	refused("[1,]", "syntax error")
	refused("{'a':1}", "syntax error")
	refused('{"a" 1}', "syntax error")
	refused("1 2", "syntax error")
	refused("nul", "invalid literal")
	refused("1e999", "number overflow")
	refused('"\xff"', "UTF-8")
	refused('"\xed\xa0\x80"', "UTF-8")
	refused('"\\ud800"', "surrogate")
	refused(("["):rep(129), "nested deeper than 128")
	refused(('{"a":'):rep(100000), "nested deeper than 128")
	local _, message = json.decode "[1, x]"
	testing.check(message:find("at byte 5$"), message)

	testing.raises("not valid UTF-8", json.encode, "\xff")
	testing.raises("not valid UTF-8", json.encode, { ["\xc0\xaf"] = 1 })
	testing.raises("NaN", json.encode, 0 / 0)
	testing.raises("infinity", json.encode, { 1 / 0 })
	testing.raises("a function", json.encode, { print })
	testing.raises("a thread", json.encode, coroutine.create(print))
	testing.raises("a userdata", json.encode, io.stdout)
	testing.raises("neither an array", json.encode, { 1, 2, a = 3 })
	testing.raises("neither an array", json.encode, { [5] = 1 })
	testing.raises("neither an array", json.encode, { [1.5] = 1 })
	testing.raises("array", json.encode, { 1, nil, 3 })
	testing.raises("neither an array", json.encode, json.array { a = 1 })
	testing.raises("nested deeper", json.encode, nested(129))
	local cycle <const> = {}
	cycle.me = cycle
	testing.raises("a cycle", json.encode, cycle)
	testing.raises("value expected", json.encode)
	testing.raises("string expected", json.decode, nil)
	testing.raises("table expected", json.array, 1)
end)
