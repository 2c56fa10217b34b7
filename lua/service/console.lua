-- Launches what is typed: each line of the standard input is the name and the arguments of a
-- service, or "snax", a name and its arguments. Ends with the input.
local error_text <const> = require "skynet.error_text"
local skynet <const> = require "skynet"
local snax <const> = require "skynet.snax"
local socket <const> = require "skynet.socket"

local function launch(line)
	local words <const> = {}
	for word in line:gmatch "%S+" do
		words[#words + 1] = word
	end
	if words[1] == "snax" then
		return pcall(snax.newservice, table.unpack(words, 2))
	elseif words[1] then
		return pcall(skynet.newservice, table.unpack(words))
	end
	return true
end

skynet.start(function()
	local stdin <const>, why <const> = socket.stdin()
	if stdin == nil then
		skynet.error("console: no input: " .. why)
		return
	end
	skynet.fork(function()
		repeat
			local line <const>, rest <const> = socket.readline(stdin)
			local ok <const>, message <const> = launch(line or rest)
			if not ok then
				skynet.error("console: " .. error_text(message))
			end
		until not line
		socket.close(stdin)
		skynet.exit()
	end)
end)
