-- An input is whether the peer masks, and its stream. A violation carries a close code that may be
-- sent; a message is within its limit and, as text, UTF-8; what is encoded is read as the same.
local frame <const> = require "http.websocket.frame"

local LIMIT <const> = 1000
local END <const> = {}

local function reader(stream)
	local at = 1
	return function(n)
		if at + n - 1 > #stream then
			error(END)
		end
		at = at + n
		return stream:sub(at - n, at - 1)
	end
end

local function check_close(payload)
	local ok <const>, code <const>, reason <const> = pcall(frame.decode_close, payload)
	if not ok then
		assert(frame.is_violation(code) and (code.code == 1002 or code.code == 1007))
	elseif code then
		assert(code >= 1000 and code <= 4999 and utf8.len(reason))
		assert(frame.encode_close(code, reason) == payload)
	else
		assert(payload == "")
	end
end

return function(input)
	local masked <const> = (input:byte() or 0) % 2 == 0
	local next_message <const> = frame.reader(reader(input:sub(2)), masked, LIMIT)
	while true do
		local ok <const>, kind <const>, payload <const> = pcall(next_message)
		if not ok then
			assert(kind == END or frame.is_violation(kind), kind)
			local code <const> = kind ~= END and kind.code
			assert(not code or code == 1002 or code == 1007 or code == 1009)
			break
		end
		assert(#payload <= LIMIT)
		if kind == "text" then
			assert(utf8.len(payload))
		elseif kind ~= "binary" then
			assert(#payload <= 125)
			if kind == "close" then
				check_close(payload)
			end
		end
		local mask <const> = masked and "mask" or nil
		local again <const> = frame.reader(reader(frame.encode(kind, payload, mask)), masked, LIMIT)
		local other_kind <const>, other <const> = again()
		assert(other_kind == kind and other == payload)
	end
end
