-- The md5 module (docs/skynet-rules.md 1.11), against values of skynet's own.
local rules <const> = require "rules"
local md5 <const> = require "md5"

local function hex(text)
	return (text:gsub(".", function(c)
		return ("%02x"):format(c:byte())
	end))
end

local function from_hex(text)
	return (text:gsub("%x%x", function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

-- text, key, seed and what skynet's md5.crypt makes of them.
local ENCRYPTED <const> = {
	{
		"hello world, this is longer than sixteen", "key", "seed",
		"0473656564c78025b74eeaf25687f4eaabf911327da70e275df479b8e80e93b267a33bb20dde5d69a66f08bd4f",
	},
	{ "hello", "k\0y", ("s"):rep(16), "10737373737373737373737373737373733429a4fcec" },
	{ "exactly 16 bytes", "", "", "002f9f72559027809f48e4554c5a3c7dd6" },
	{
		("x"):rep(33), ("k"):rep(256), "0123456789",
		"0a30313233343536373839113421f966dea2c006a2d41e6e7e9b357c2129fa7aa24adb9ffb68d0b55a149010",
	},
	{ "", "key", "", "00" },
}

rules.run("md5", function()
	rules.rule("1.11 sum and sumhexa", function()
		rules.same("900150983cd24fb0d6963f7d28e17f72")(md5.sumhexa "abc")
		rules.same("d41d8cd98f00b204e9800998ecf8427e")(hex(md5.sum ""))
		rules.raises("string expected", md5.sum)
	end)
	rules.rule("1.11 hmacmd5", function()
		local text <const> = "what do ya want for nothing?"
		rules.same("750c783e6ab0b503eaa86e310a5db738")(md5.hmacmd5(text, "Jefe"))
		rules.same("3f089f35f9784d3a29ac4deff0131d7b")(md5.hmacmd5("abc", ("k"):rep(100)))
	end)
	rules.rule("1.11 exor", function()
		rules.same("191b19")(hex(md5.exor("abc", "xyz")))
		rules.raises("lengths must be equal", md5.exor, "a", "bc")
	end)
	rules.rule("1.11 crypt and decrypt", function()
		for _, vector in ipairs(ENCRYPTED) do
			local text <const>, key <const>, seed <const>, encrypted <const> = table.unpack(vector)
			rules.same(encrypted)(hex(md5.crypt(text, key, seed)))
			rules.same(text)(md5.decrypt(from_hex(encrypted), key))
		end
	end)
	rules.rule("1.11 a seed of its own", function()
		local a <const>, b <const> = md5.crypt("text", "key"), md5.crypt("text", "key")
		assert(a ~= b, "the seeds are equal")
		rules.same("text", "text")(md5.decrypt(a, "key"), md5.decrypt(b, "key"))
		assert(md5.decrypt(a, "kex") ~= "text")
	end)
	rules.rule("1.11 errors", function()
		rules.raises("invalid cyphered string", md5.decrypt, "", "key")
		rules.raises("invalid cyphered string", md5.decrypt, "\5abc", "key")
		rules.raises("invalid cyphered string", md5.decrypt, "\17" .. ("a"):rep(20), "key")
		rules.raises("key too long (> 256)", md5.crypt, "a", ("k"):rep(257), "s")
		rules.raises("key too long (> 256)", md5.decrypt, "\0a", ("k"):rep(257))
		rules.raises("seed too long (> 16)", md5.crypt, "a", "k", ("s"):rep(17))
	end)
end)
