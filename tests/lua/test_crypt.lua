-- skynet.crypt: the tables of docs/skynet-rules.md 4.1, the argument checks of
-- docs/skynet-rules.md 1.7, and the shared vectors.
local testing <const> = require "testing"
local crypt <const> = require "skynet.crypt"
local json <const> = require "json"

local hex <const>, unhex <const> = crypt.hexencode, crypt.hexdecode

local function test_primitives()
	testing.equal(hex(crypt.hashkey ""), "05150000a7c6674e")
	testing.equal(hex(crypt.hashkey "hello"), "9930920fcbef1867")
	testing.equal(hex(crypt.sha1 "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
	testing.equal(
		hex(crypt.hmac_sha1("key", "abc")),
		"4fd0b215276ef12f2b3e4c8ecac2811498b656fc"
	)
	testing.equal(
		hex(crypt.hmac_sha1("12345678", "abc")),
		"04e8a01b9f858afd37e788396d0bb039438f329d"
	)
	testing.equal(hex(crypt.dhsecret(("\xff"):rep(8), "\2\0\0\0\0\0\0\0")), "240d000000000000")
	testing.equal(hex(crypt.dhexchange(unhex "0102030405060708")), "984e1418283235ed")
	testing.equal(
		hex(crypt.dhsecret(unhex "984e1418283235ed", unhex "1112131415161718")),
		"98c8a946ef79df88"
	)
	testing.equal(
		crypt.hmac_hash("12345678", "hello"),
		crypt.hmac64(crypt.hashkey "hello", "12345678")
	)
	testing.equal(#crypt.hmac64_md5("12345678", "abcdefgh"), 8)
	testing.check(crypt.hmac64_md5("12345678", "a2345678") ~= crypt.hmac64("12345678", "a2345678"))
	testing.equal(hex(crypt.xor_str("abcd", "\1\2")), "60606266")
	local seen <const> = {}
	for _ = 1, 100 do
		local key <const> = crypt.randomkey()
		testing.equal(#key, 8)
		testing.equal(seen[key], nil)
		seen[key] = true
	end
end

local function test_des()
	local key <const> = "12345678"
	local table_of_sk <const> = {
		{ "", "8d3d438a718b4510", "feb959b7d4642fcb" },
		{ "a", "443a09928d9ac952", "2f1518e5843f0f69" },
		{ "1234567", "8f0d7f23efa6d019", "998a3e058213e353" },
		{ "12345678", "96d0028878d58c898d3d438a718b4510", "96d0028878d58c89feb959b7d4642fcb" },
		{ "123456789", "96d0028878d58c890b175a65636dad05", "96d0028878d58c8928b46a38a7a27092" },
	}
	testing.equal(crypt.padding.iso7816_4, 0)
	testing.equal(crypt.padding.pkcs7, 1)
	for _, row in ipairs(table_of_sk) do
		testing.equal(hex(crypt.desencode(key, row[1])), row[2])
		testing.equal(hex(crypt.desencode(key, row[1], 0)), row[2])
		testing.equal(hex(crypt.desencode(key, row[1], crypt.padding.pkcs7)), row[3])
		testing.equal(crypt.desdecode(key, unhex(row[2])), row[1])
		testing.equal(crypt.desdecode(key, unhex(row[3]), crypt.padding.pkcs7), row[1])
	end
end

local function test_errors()
	testing.raises("Invalid dh uint64 key", crypt.dhexchange, "1234567")
	testing.raises("Can't be 0", crypt.dhexchange, ("\0"):rep(8))
	testing.raises("Invalid uint64 x", crypt.dhsecret, "1", "12345678")
	testing.raises("Invalid uint64 y", crypt.dhsecret, "12345678", "1")
	testing.raises("Can't be 0", crypt.dhsecret, ("\0"):rep(8), "12345678")
	testing.raises("Invalid uint64 x", crypt.hmac64, "1", "12345678")
	testing.raises("Invalid uint64 y", crypt.hmac64_md5, "12345678", "1")
	testing.raises("Invalid key size 3, need 8 bytes", crypt.desencode, "123", "a")
	testing.raises("Invalid des crypt text length 7", crypt.desdecode, "12345678", "1234567")
	testing.raises("Invalid des crypt text", crypt.desdecode, "12345678", "12345678")
	testing.raises("Invalid padding mode 2", crypt.desencode, "12345678", "a", 2)
	testing.raises("Invalid base64 text", crypt.base64decode, "Y")
	testing.raises("Invalid base64 text", crypt.base64decode, "YWJj=")
	testing.raises("Invalid base64 text", crypt.base64decode, "YWJj\r")
	testing.raises("Invalid hex text size 3", crypt.hexdecode, "abc")
	testing.raises("Invalid hex text", crypt.hexdecode, "AB")
	testing.raises("Can't xor empty string", crypt.xor_str, "a", "")
	testing.raises("string expected", crypt.sha1, nil)
	testing.raises("string expected", crypt.hmac64, "12345678")
	testing.raises("test_crypt.lua", function()
		crypt.hexdecode "abc" -- the error names the caller's place
	end)
end

local function test_texts()
	for _, row in ipairs {
		{ "", "" },
		{ "a", "YQ==" },
		{ "ab", "YWI=" },
		{ "abc", "YWJj" },
		{ "\0\xff\xfe", "AP/+" },
	} do
		testing.equal(crypt.base64encode(row[1]), row[2])
		testing.equal(crypt.base64decode(row[2]), row[1])
	end
	testing.equal(crypt.base64decode "YWI", "ab", "padding may be missing")
	testing.equal(crypt.base64decode "YQ", "a")
	testing.equal(hex "\0\xab", "00ab")
	testing.equal(unhex "00ab", "\0\xab")
end

local function test_vectors()
	local file <const> = assert(io.open(SERVICE_PATH .. "../../clients/vectors/skynet-suite.json"))
	local suite <const> = assert(json.decode(file:read "a"))
	file:close()
	testing.check(#suite.cases > 0)
	for _, case in ipairs(suite.cases) do
		local client <const>, server <const> = unhex(case.client_private), unhex(case.server_private)
		local client_public <const> = crypt.dhexchange(client)
		local server_public <const> = crypt.dhexchange(server)
		testing.equal(hex(client_public), case.client_public)
		testing.equal(hex(server_public), case.server_public)
		local secret <const> = crypt.dhsecret(client_public, server)
		testing.equal(hex(secret), case.secret)
		testing.equal(crypt.dhsecret(server_public, client), secret)
		testing.equal(hex(crypt.hmac64(unhex(case.challenge), secret)), case.challenge_hmac64)
		testing.equal(hex(crypt.desencode(secret, case.token)), case.token_des_hex)
		testing.equal(crypt.desdecode(secret, unhex(case.token_des_hex)), case.token)
		testing.equal(hex(crypt.hashkey(case.gate_text)), case.gate_text_hashkey)
		testing.equal(hex(crypt.hmac64(crypt.hashkey(case.gate_text), secret)), case.gate_hmac64)
	end
end

testing.run(function()
	testing.equal(require("client.crypt").sha1 "abc", crypt.sha1 "abc")
	test_primitives()
	test_des()
	test_errors()
	test_texts()
	test_vectors()
end)
