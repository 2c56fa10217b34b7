-- Frames of WebSocket (RFC 6455 section 5), for http.websocket. Clients mask, servers do not.
--
-- What a peer does wrong is raised as a table { code=, text= }: the code belongs into the close
-- frame that answers it (section 7.4.1).
local crypt <const> = require "skynet.crypt"

local M <const> = {}

local CONTROL_BYTES_MAX <const> = 125

local OPCODE <const> = {
	continuation = 0,
	text = 1,
	binary = 2,
	close = 8,
	ping = 9,
	pong = 10,
}

local NAME <const> = {}
for name, opcode in pairs(OPCODE) do
	NAME[opcode] = name
end

local violation_meta <const> = {
	__tostring = function(self)
		return "websocket: " .. self.text
	end,
}

local function violation(code, text)
	error(setmetatable({ code = code, text = text }, violation_meta), 0)
end

--- Whether an error is what a peer did wrong.
function M.is_violation(message)
	return getmetatable(message) == violation_meta
end

--- One whole message or control frame.
---@param name "text"|"binary"|"close"|"ping"|"pong"
---@param payload string
---@param mask? string 4 bytes, of a client
---@return string
function M.encode(name, payload, mask)
	local size <const> = #payload
	local bit <const> = mask and 0x80 or 0
	local first <const> = 0x80 | OPCODE[name]
	local head
	if size < 126 then
		head = string.pack("BB", first, bit | size)
	elseif size < 65536 then
		head = string.pack(">BBI2", first, bit | 126, size)
	else
		head = string.pack(">BBI8", first, bit | 127, size)
	end
	if mask then
		payload = size > 0 and crypt.xor_str(payload, mask) or ""
		return head .. mask .. payload
	end
	return head .. payload
end

--- A new key for encode.
---@return string
function M.random_mask()
	return crypt.randomkey():sub(1, 4)
end

--- The payload of a close frame.
---@param code? integer
---@param reason? string
---@return string
function M.encode_close(code, reason)
	if code == nil then
		return ""
	end
	return string.pack(">I2", code) .. (reason or ""):sub(1, CONTROL_BYTES_MAX - 2)
end

-- Codes that may be sent: of the protocol, and those of libraries and applications (7.4).
local function may_close_with(code)
	return code >= 1000 and code <= 1014 and code ~= 1004 and code ~= 1005 and code ~= 1006
		or code >= 3000 and code <= 4999
end

--- The code and reason of a close frame; nil when it has none.
---@param payload string
---@return integer|nil code, string|nil reason
function M.decode_close(payload)
	if payload == "" then
		return nil
	elseif #payload == 1 then
		violation(1002, "half a close code")
	end
	local code <const>, reason <const> = string.unpack(">I2", payload), payload:sub(3)
	if not may_close_with(code) then
		violation(1002, "close code " .. code)
	elseif not utf8.len(reason) then
		violation(1007, "a reason that is no UTF-8")
	end
	return code, reason
end

-- The length that follows the first two bytes; only the shortest form is allowed.
---@async
local function read_length(readbytes, short)
	if short < 126 then
		return short
	elseif short == 126 then
		local size <const> = string.unpack(">I2", readbytes(2))
		return size >= 126 and size or violation(1002, "a length that is not minimal")
	end
	local size <const> = string.unpack(">i8", readbytes(8))
	return size >= 65536 and size or violation(1002, "a length that is not minimal")
end

-- One frame whose payload has at most `room` bytes: name, final, payload.
---@async
local function read_frame(readbytes, masked, room)
	local first <const>, second <const> = string.byte(readbytes(2), 1, 2)
	local final <const> = first & 0x80 ~= 0
	local name <const> = NAME[first & 0x0f]
	if first & 0x70 ~= 0 then
		violation(1002, "reserved bits")
	elseif name == nil then
		violation(1002, "an unknown opcode")
	elseif masked ~= (second & 0x80 ~= 0) then
		violation(1002, masked and "a client that does not mask" or "a server that masks")
	end
	if first & 0x08 ~= 0 then
		room = CONTROL_BYTES_MAX
		if not final or second & 0x7f > CONTROL_BYTES_MAX then
			violation(1002, "a control frame that is long or split")
		end
	end
	local size <const> = read_length(readbytes, second & 0x7f)
	if size > room then
		violation(1009, "a message that is too long")
	end
	local mask <const> = masked and readbytes(4)
	local payload <const> = size > 0 and readbytes(size) or ""
	return name, final, mask and size > 0 and crypt.xor_str(payload, mask) or payload
end

--- A reader of whole messages. Control frames may come between the frames of a message.
---@param readbytes async fun(n: integer): string raises at the end
---@param masked boolean the peer is a client
---@param limit integer bytes of a message
---@return async fun(): "text"|"binary"|"close"|"ping"|"pong", string
function M.reader(readbytes, masked, limit)
	local kind = nil ---@type string|nil of the message whose first frames have come
	local parts = {}
	local size = 0
	return function()
		while true do
			local name <const>, final <const>, payload <const> =
				read_frame(readbytes, masked, limit - size)
			if OPCODE[name] >= OPCODE.close then
				return name, payload
			elseif (name == "continuation") ~= (kind ~= nil) then
				violation(1002, kind and "a message inside another" or "a continuation of nothing")
			end
			kind = kind or name
			parts[#parts + 1] = payload ~= "" and payload or nil
			size = size + #payload
			if final then
				local message <const>, of <const> = table.concat(parts), kind
				kind, parts, size = nil, {}, 0
				if of == "text" and not utf8.len(message) then
					violation(1007, "a text that is no UTF-8")
				end
				return of, message
			end
		end
	end
end

return M
