-- The frames of skynet.cluster (docs/skynet-rules.md 4.7), packed and parsed; no I/O. A frame is
-- its length, 2 bytes, the highest first, and a body whose numbers have the lowest byte first.
--
-- Requests, by the first byte of the body:
--   00  address u32, session u32, message      80  u8 length, name, session u32, message
--   01  address u32, session u32, size u32     81  u8 length, name, session u32, size u32
--   41  as 01, of a push                       c1  as 81, of a push
--   02  session u32, a part of the message     03  session u32, its last part
--   04  a trace tag
-- A message of 32 KiB or more goes as 01, 41, 81 or c1 and parts. A push without parts has the
-- session 0.
--
-- Answers: session u32, then
--   0  text of an error       1  message       2  size u32       3  a part       4  the last part
-- An answer of more than 32 KiB goes as 2 and parts.
local M <const> = {}

local pack <const> = string.pack
local unpack <const> = string.unpack

--- The longest part, and the longest text of an error.
M.PART_BYTES = 0x8000
--- The longest message, and what the unfinished messages of one connection may hold together.
M.MESSAGE_BYTES_MAX = 48 << 20
--- Unfinished messages of one connection.
M.UNFINISHED_MAX = 4096

local PART <const> = M.PART_BYTES
local PART_COST <const> = 64 -- bytes that a part takes besides its own

---------------------------------------------------------------- packing

-- Appends the parts of a message; `head` packs what stands before the bytes of each.
local function append_parts(frames, message, head)
	local size <const> = #message
	for first = 1, size, PART do
		local last <const> = first + PART > size
		frames[#frames + 1] = pack(">s2", head(last) .. message:sub(first, first + PART - 1))
	end
	return frames
end

--- The frames of a request, or of a push, which gets no answer.
---@param address integer|string 0: the message holds a name to look up
---@param session integer 1 to 0x7fffffff
---@param message string packed by skynet
---@param push? boolean
---@return string[] frames
function M.request(address, session, message, push)
	local named <const> = type(address) == "string"
	local where <const> = pack(named and "s1" or "<I4", address)
	local kind = named and 0x80 or 0
	if #message < PART then
		local number <const> = push and 0 or session
		return { pack(">s2", pack("B", kind) .. where .. pack("<I4", number) .. message) }
	end
	kind = kind | (push and 0x41 or 0x01)
	local first <const> = pack("B", kind) .. where .. pack("<I4I4", session, #message)
	return append_parts({ pack(">s2", first) }, message, function(last)
		return pack("<BI4", last and 3 or 2, session)
	end)
end

--- The frames of an answer.
---@param session integer
---@param ok boolean
---@param data string packed by skynet; when not ok the text of the error
---@return string[] frames
function M.answer(session, ok, data)
	if not ok then
		return { pack(">s2", pack("<I4B", session, 0) .. data:sub(1, PART)) }
	elseif #data <= PART then
		return { pack(">s2", pack("<I4B", session, 1) .. data) }
	end
	local first <const> = pack("<I4BI4", session, 2, #data)
	return append_parts({ pack(">s2", first) }, data, function(last)
		return pack("<I4B", session, last and 4 or 3)
	end)
end

---------------------------------------------------------------- parsing

---@class cluster.Frame
---@field kind "whole"|"begin"|"part"|"last"|"trace"|"error"
---@field session? integer
---@field address? integer|string of whole and begin
---@field push? boolean of whole and begin
---@field size? integer of begin
---@field data? string of the others

local REQUEST <const> = {
	[0x00] = { "whole", "<I4I4" },
	[0x80] = { "whole", "<s1I4" },
	[0x01] = { "begin", "<I4I4I4" },
	[0x41] = { "begin", "<I4I4I4", true },
	[0x81] = { "begin", "<s1I4I4" },
	[0xc1] = { "begin", "<s1I4I4", true },
	[0x02] = { "part", "<I4" },
	[0x03] = { "last", "<I4" },
}

--- The body of a request's frame; nil and why when it is malformed.
---@param body string
---@return cluster.Frame|nil frame, string? message
function M.parse_request(body)
	local number <const> = body:byte()
	local form <const> = REQUEST[number]
	if number == 4 then
		return { kind = "trace", data = body:sub(2) }
	elseif form == nil then
		return nil, number and string.format("a request of the type %02x", number) or "empty frame"
	end
	local kind <const>, format <const>, push <const> = table.unpack(form, 1, 3)
	local ok <const>, a <const>, b <const>, c <const>, d <const> = pcall(unpack, format, body, 2)
	if not ok or a == "" then
		return nil, "a request that is too short"
	elseif kind == "whole" then
		return { kind = kind, address = a, session = b, push = b == 0, data = body:sub(c) }
	elseif kind ~= "begin" then
		return { kind = kind, session = a, data = body:sub(b) }
	elseif d <= #body then
		return nil, "a request that is too long"
	end
	return { kind = kind, address = a, session = b, size = c, push = push }
end

local ANSWER <const> = { [0] = "error", "whole", "begin", "part", "last" }

--- The body of an answer's frame; nil and why when it is malformed.
---@param body string
---@return cluster.Frame|nil frame, string? message
function M.parse_answer(body)
	if #body < 5 then
		return nil, "an answer that is too short"
	end
	local session <const>, number <const> = unpack("<I4B", body)
	local kind <const> = ANSWER[number]
	if kind == nil then
		return nil, string.format("an answer of the type %02x", number)
	elseif kind ~= "begin" then
		return { kind = kind, session = session, data = body:sub(6) }
	elseif #body ~= 9 then
		return nil, "an answer of a wrong length"
	end
	return { kind = kind, session = session, size = unpack("<I4", body, 6) }
end

---------------------------------------------------------------- messages in parts

---@class cluster.Unfinished
---@field begin cluster.Frame
---@field bytes integer
---@field [integer] string the parts

-- The unfinished messages of one connection.
---@class cluster.Assembler
---@field private messages table<integer, cluster.Unfinished>
---@field private count integer
---@field private cost integer
local assembler <const> = {}
assembler.__index = assembler

---@return cluster.Assembler
function M.assembler()
	return setmetatable({ messages = {}, count = 0, cost = 0 }, assembler)
end

local function begin(self, frame)
	if frame.size > M.MESSAGE_BYTES_MAX then
		return nil, string.format("a message of %d bytes", frame.size)
	elseif self.count >= M.UNFINISHED_MAX then
		return nil, "too many unfinished messages"
	elseif self.messages[frame.session] then
		return nil, string.format("session %d begins twice", frame.session)
	end
	self.messages[frame.session] = { begin = frame, bytes = 0 }
	self.count = self.count + 1
	return false
end

--- Takes a frame. Returns a whole message: a frame of kind "whole", or "error", or "trace"; false
--- when parts are missing; nil and why when the connection has to be closed.
---@param frame cluster.Frame
---@return cluster.Frame|false|nil whole, string? message
function assembler:take(frame)
	local kind <const>, session <const> = frame.kind, frame.session
	if kind == "begin" then
		return begin(self, frame)
	elseif kind ~= "part" and kind ~= "last" then
		return frame
	end
	local entry <const> = self.messages[session]
	if entry == nil then
		return nil, string.format("a part of session %d, which has not begun", session)
	end
	entry[#entry + 1] = frame.data
	entry.bytes = entry.bytes + #frame.data
	self.cost = self.cost + #frame.data + PART_COST
	if entry.bytes > entry.begin.size or (kind == "last" and entry.bytes < entry.begin.size) then
		return nil, string.format("session %d has not the size that it told", session)
	elseif self.cost > M.MESSAGE_BYTES_MAX + M.UNFINISHED_MAX * PART_COST then
		return nil, "unfinished messages hold too many bytes"
	elseif kind == "part" then
		return false
	end
	self.messages[session] = nil
	self.count = self.count - 1
	self.cost = self.cost - entry.bytes - #entry * PART_COST
	local whole <const> = entry.begin
	whole.kind, whole.data = "whole", table.concat(entry)
	return whole
end

return M
