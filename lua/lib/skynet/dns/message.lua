-- DNS messages (RFC 1035; AAAA: RFC 3596) for skynet.dns: questions of one name, and the
-- addresses in their answers. No I/O.
local driver <const> = require "skynet.socketdriver"

local M <const> = {}

M.A, M.AAAA = 1, 28
local CLASS_IN <const> = 1
local HEADER <const> = ">I2I2I2I2I2I2"
local HEADER_BYTES <const> = 12
local FLAG_RESPONSE <const> = 0x8000
local FLAG_RECURSION_DESIRED <const> = 0x0100
local OPCODES <const> = 0x7800
local POINTER <const> = 0xc0
local LABELS_MAX <const> = 128
-- What makes an address of a record one that udp_address reads.
local PREFIXES <const> = { [M.A] = "\1\0\0", [M.AAAA] = "\2\0\0" }
local ADDRESS_BYTES <const> = { [M.A] = 4, [M.AAAA] = 16 }

--- Whether a question can hold the name.
---@param name string
---@return boolean
function M.is_host_name(name)
	if name == "" or #name > 253 or name:find("..", 1, true) or name:sub(1, 1) == "." then
		return false
	end
	for label in name:gmatch "[^.]+" do
		if #label > 63 or not label:find "^[%w_-]+$" then
			return false
		end
	end
	return true
end

---@param id integer
---@param name string
---@param kind integer A or AAAA
---@return string
function M.question(id, name, kind)
	local parts <const> = { HEADER:pack(id, FLAG_RECURSION_DESIRED, 1, 0, 0, 0) }
	for label in name:gmatch "[^.]+" do
		parts[#parts + 1] = string.pack("s1", label)
	end
	parts[#parts + 1] = string.pack(">I1I2I2", 0, kind, CLASS_IN)
	return table.concat(parts)
end

-- The name at a place, without its last dot, and the place behind it. Raises when it has no end.
local function read_name(packet, at)
	local labels <const> = {}
	local after
	for _ = 1, LABELS_MAX do
		local size <const> = packet:byte(at)
		if size == 0 then
			return table.concat(labels, "."):lower(), after or at + 1
		elseif size >= POINTER then
			after = after or at + 2
			at = (string.unpack(">I2", packet, at) & ~(POINTER << 8)) + 1
		else
			labels[#labels + 1], at = string.unpack("s1", packet, at)
		end
	end
	error "a name without an end"
end

local function parse(packet, id, name, kind)
	local got <const>, flags <const>, questions <const>, answers <const> = HEADER:unpack(packet)
	if got ~= id or flags & FLAG_RESPONSE == 0 or flags & OPCODES ~= 0 or questions ~= 1 then
		return nil
	end
	local asked <const>, at = read_name(packet, HEADER_BYTES + 1)
	local asked_kind <const>, class <const>, next_at = string.unpack(">I2I2", packet, at)
	local wanted <const> = name:lower():gsub("%.$", "")
	if asked ~= wanted or asked_kind ~= kind or class ~= CLASS_IN then
		return nil
	end
	local answer <const> = { code = flags & 15, addresses = {}, ttl = math.maxinteger }
	for _ = 1, answers do
		local owner_at, record_kind, record_class, ttl, data
		_, owner_at = read_name(packet, next_at)
		record_kind, record_class, ttl, data, next_at = string.unpack(">I2I2I4s2", packet, owner_at)
		answer.ttl = math.min(answer.ttl, ttl)
		if record_kind == kind and record_class == CLASS_IN and #data == ADDRESS_BYTES[kind] then
			answer.addresses[#answer.addresses + 1] = driver.udp_address(PREFIXES[kind] .. data)
		end
	end
	return answer
end

--- The answer to that question, or nil for anything else. Addresses behind other names (CNAME)
--- count. `ttl` is that of the shortest record, in seconds.
---@param packet string
---@param id integer
---@param name string
---@param kind integer
---@return { code: integer, addresses: string[], ttl: integer }|nil
function M.answer(packet, id, name, kind)
	local ok <const>, answer <const> = pcall(parse, packet, id, name, kind)
	return ok and answer or nil
end

return M
