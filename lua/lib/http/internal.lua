-- What httpd and httpc share: heads and bodies of HTTP/1.1 messages (docs/skynet-rules.md 1.10; RFC
-- 9112). Bytes come from readbytes([n]): n bytes, or what there is; it raises at the end.
--
-- Errors are nil and a status code: 400 malformed, 413 too long, 501 an unknown coding.
local M <const> = {}

--- Bytes of the head of a request.
M.HEAD_BYTES_MAX = 8192

local LINE_BYTES_MAX <const> = 1024 -- of a chunk's size
local PART_BYTES <const> = 65536
local TOKEN <const> = "^[%w!#$%%&'*+%-.^_`|~]+$"

--- A reader that gives `unread` first, and then what readbytes gives.
---@param readbytes async fun(n?: integer): string
---@param unread? string
---@return async fun(n?: integer): string
function M.reader(readbytes, unread)
	return function(n)
		if unread == nil or unread == "" then
			return readbytes(n)
		end
		local data <const> = unread
		if n and n < #data then
			unread = data:sub(n + 1)
			return data:sub(1, n)
		end
		unread = nil
		if n == nil or n == #data then
			return data
		end
		return data .. readbytes(n - #data)
	end
end

--- Reads the head of a message, whose lines are added to `lines`. Empty lines before it are
--- skipped.
---@async
---@param readbytes async fun(n?: integer): string
---@param lines string[]
---@param text? string bytes that were read already
---@param limit? integer HEAD_BYTES_MAX
---@return string|nil rest what was read behind the head; nil: it is too long
function M.recvheader(readbytes, lines, text, limit)
	limit = limit or M.HEAD_BYTES_MAX
	local head = text or ""
	local begun = false
	local from = 1
	while true do
		if not begun then
			local first <const> = head:find "[^\r\n]"
			if first then
				head, limit, begun = head:sub(first), limit - first + 1, true
			end
		end
		local at <const>, last <const> = head:find("\r\n\r\n", from, true)
		if (begun and at or #head) > limit then
			return nil
		elseif begun and at then
			for line in (head:sub(1, at - 1) .. "\r\n"):gmatch "(.-)\r\n" do
				lines[#lines + 1] = line
			end
			return head:sub(last + 1)
		end
		from = begun and math.max(1, #head - 2) or 1
		head = head .. readbytes()
	end
end

--- Parses header lines. Names become lower case; a name that comes again has the list of its
--- values; a line that begins with a blank continues the one before.
---@param lines string[]
---@param from integer first line
---@param header table<string, string|string[]> is added to
---@return table<string, string|string[]>|nil header nil: malformed
function M.parseheader(lines, from, header)
	local folded <const> = {}
	for i = from, #lines do
		local line <const> = lines[i]
		if line:find "^[ \t]" then
			if #folded == 0 then
				return nil
			end
			folded[#folded] = folded[#folded] .. " " .. line:match "^[ \t]*(.*)$"
		else
			folded[#folded + 1] = line
		end
	end
	for _, line in ipairs(folded) do
		local name, value = line:match "^([^:]+):[ \t]*(.-)[ \t]*$"
		if name == nil or not name:find(TOKEN) or value:find "[%z\r\n]" then
			return nil
		end
		name = name:lower()
		local before <const> = header[name]
		if before == nil then
			header[name] = value
		elseif type(before) == "table" then
			before[#before + 1] = value
		else
			header[name] = { before, value }
		end
	end
	return header
end

--- How long the body is.
---@param header table<string, string|string[]>
---@return "chunked"|integer|nil length nil: the header does not say, or see code
---@return integer|nil code
function M.body_length(header)
	local coding <const> = header["transfer-encoding"]
	local length = header["content-length"]
	if coding ~= nil then
		if length ~= nil then
			return nil, 400 -- two lengths: somebody on the way may believe the other one
		elseif type(coding) ~= "string" or coding:lower() ~= "chunked" then
			return nil, 501
		end
		return "chunked"
	elseif type(length) == "table" then
		for _, other in ipairs(length) do
			if other ~= length[1] then
				return nil, 400
			end
		end
		length = length[1]
	end
	if length == nil then
		return nil
	elseif not length:find "^%d+$" or #length > 15 then
		return nil, 400
	end
	return math.tointeger(tonumber(length))
end

--- Reads a body of a known length.
---@async
---@param readbytes async fun(n?: integer): string
---@param length integer
---@param rest string what was read already
---@return string
function M.recvbody(readbytes, length, rest)
	if #rest >= length then
		return rest:sub(1, length)
	end
	local parts <const> = { rest }
	local missing = length - #rest
	while missing > 0 do
		local part <const> = readbytes(math.min(missing, PART_BYTES))
		parts[#parts + 1] = part
		missing = missing - #part
	end
	return table.concat(parts)
end

-- Bytes up to CRLF, and the rest; nil: too long.
---@async
local function recvline(readbytes, rest, limit)
	while true do
		local at <const> = rest:find("\r\n", 1, true)
		if (at or #rest) > limit then
			return nil, ""
		elseif at then
			return rest:sub(1, at - 1), rest:sub(at + 2)
		end
		rest = rest .. readbytes()
	end
end

-- Skips the fields behind the last chunk: they could pretend to be headers (RFC 9110 6.5.1).
---@async
local function recvtrailer(readbytes, rest)
	local left = M.HEAD_BYTES_MAX
	while true do
		local line
		line, rest = recvline(readbytes, rest, left)
		if line == nil then
			return nil, 413
		elseif line == "" then
			return rest
		end
		left = left - #line
	end
end

--- An iterator over the chunks of a body. Gives a chunk; nil and nil at the end; nil and a status
--- code for bad ones.
---@param readbytes async fun(n?: integer): string
---@param rest string what was read already
---@param limit number bytes of the whole body
---@return async fun(): string|nil, integer|nil
function M.chunks(readbytes, rest, limit)
	local total = 0
	return function()
		local line
		line, rest = recvline(readbytes, rest, LINE_BYTES_MAX)
		local digits <const> = line and (line:match "^(%x+)[ \t]*$" or line:match "^(%x+)[ \t]*;")
		if not digits or #digits > 12 then
			return nil, 400
		end
		local size <const> = tonumber(digits, 16)
		if size == 0 then
			local after <const>, code <const> = recvtrailer(readbytes, rest)
			rest = after or ""
			return nil, code
		end
		total = total + size
		if total > limit then
			return nil, 413
		end
		local chunk <const> = M.recvbody(readbytes, size, rest)
		local ending <const> = M.recvbody(readbytes, 2, rest:sub(size + 1, size + 2))
		rest = rest:sub(size + 3)
		if ending ~= "\r\n" then
			return nil, 400
		end
		return chunk
	end
end

--- Reads a chunked body.
---@async
---@param readbytes async fun(n?: integer): string
---@param limit number bytes
---@param header table is returned
---@param rest string what was read already
---@return string|nil body
---@return table|integer header or the status code
function M.recvchunkedbody(readbytes, limit, header, rest)
	local parts <const> = {}
	local next_chunk <const> = M.chunks(readbytes, rest, limit)
	while true do
		local chunk <const>, code <const> = next_chunk()
		if chunk then
			parts[#parts + 1] = chunk
		elseif code then
			return nil, code
		else
			return table.concat(parts), header
		end
	end
end

local function header_line(name, value)
	name, value = tostring(name), tostring(value)
	if not name:find(TOKEN) or value:find "[%z\r\n]" then
		error("not a header: " .. name, 0)
	end
	return name .. ": " .. value .. "\r\n"
end

--- Header fields as bytes; a list gives a line for each value. Raises for what is no header.
---@param header? table<string, any>
---@return string
function M.format_header(header)
	local lines <const> = {}
	for name, value in pairs(header or {}) do
		for _, each in ipairs(type(value) == "table" and value or { value }) do
			lines[#lines + 1] = header_line(name, each)
		end
	end
	return table.concat(lines)
end

--- Whether a header has a field, in any case of letters.
---@param header? table<string, any>
---@param name string lower case
---@return any value
function M.field(header, name)
	for key, value in pairs(header or {}) do
		if tostring(key):lower() == name then
			return value
		end
	end
end

return M
