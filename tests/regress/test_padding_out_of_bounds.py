"""A padding that is read too far: the last byte of a decrypted text was believed, whatever it was,
and bytes before the text were looked at. It says 1 to 8, or the text is refused before anything
else is looked at."""

from skynet_process import SkynetProcess

SCRIPT = """
local skynet = require "skynet"
local crypt = require "skynet.crypt"
require "skynet.manager"
local PKCS7 = crypt.padding.pkcs7
local KEY = "12345678"

-- Encrypted with nothing added.
local function raw(text)
	return crypt.desencode(KEY, text):sub(1, #text)
end

local function check(name, text, wanted)
	local ok, result = pcall(crypt.desdecode, KEY, raw(text), PKCS7)
	local right = wanted and ok and result == wanted
		or not wanted and not ok and result:find("Invalid des crypt text", 1, true)
	if not right then
		print("wrong " .. name .. ": " .. tostring(result))
	end
end

skynet.start(function()
	skynet.fork(function()
		for last = 0, 255 do
			local byte = string.char(last)
			check("single " .. last, "1234567" .. byte, last == 1 and "1234567" or nil)
			-- As many of them as there are bytes.
			local fits = last >= 1 and last <= 8
			check("block of " .. last, byte:rep(8), fits and byte:rep(8 - last) or nil)
			check("blocks of " .. last, byte:rep(32), fits and byte:rep(32 - last) or nil)
			-- One of them is another.
			if fits and last > 1 then
				local start = ("x"):rep(8 - last)
				check("broken " .. last, start .. "y" .. byte:rep(last - 1), nil)
			end
		end
		print "all were tried"
		skynet.abort()
	end)
end)
"""


def test_every_last_byte(tmp_path):
    (tmp_path / "padded.lua").write_text(SCRIPT)
    paths = {"luaservice": f"{tmp_path}/?.lua"}
    with SkynetProcess(tmp_path / "run", "padded", paths) as process:
        assert process.finish() == 0, process.output()
        assert "all were tried" in process.lines
        assert [line for line in process.lines if line.startswith("wrong")] == []
