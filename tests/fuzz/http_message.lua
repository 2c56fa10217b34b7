-- An input is how the stream is cut, and the stream: the same head and body come out however it is
-- cut, within their limits, and no header can be written that reads as two.
local internal <const> = require "http.internal"
local url <const> = require "http.url"

local END <const> = {} -- raised at the end of the stream
local BODY_BYTES_MAX <const> = 4096

local function reader(stream, step)
	local at = 1
	return function(n)
		if at > #stream then
			error(END)
		end
		local size <const> = n or step
		if n and at + n - 1 > #stream then
			error(END)
		end
		local piece <const> = stream:sub(at, at + size - 1)
		at = at + #piece
		return piece
	end
end

-- Everything that one message says, as a text.
local function read(stream, step)
	local readbytes <const> = reader(stream, step)
	local lines <const> = {}
	local rest <const> = internal.recvheader(readbytes, lines)
	if rest == nil then
		return "too long"
	end
	assert(#table.concat(lines) <= internal.HEAD_BYTES_MAX)
	local header <const> = internal.parseheader(lines, 2, {})
	if header == nil then
		return "malformed"
	end
	local names <const> = {}
	for name, value in pairs(header) do
		assert(name == name:lower() and not name:find "[%s%c:]", name)
		for _, each in ipairs(type(value) == "table" and value or { value }) do
			assert(not each:find "[%z\r\n]" and not each:find "^[ \t]" and not each:find "[ \t]$")
			names[#names + 1] = name .. "=" .. each
		end
	end
	table.sort(names)
	local length <const>, code <const> = internal.body_length(header)
	local body, fault
	if length == "chunked" then
		body, fault = internal.recvchunkedbody(readbytes, BODY_BYTES_MAX, header, rest)
		assert(body == nil or #body <= BODY_BYTES_MAX)
		fault = body == nil and fault or nil
	elseif length then
		assert(math.type(length) == "integer" and length >= 0)
		if length <= BODY_BYTES_MAX then
			body = internal.recvbody(readbytes, length, rest)
			assert(#body == length)
		end
	end
	local said <const> = { lines[1] or "", table.concat(names, "\n"), tostring(length) }
	said[#said + 1] = tostring(code) .. tostring(body) .. tostring(fault)
	-- Written again it is the same header.
	local again <const> = {}
	local form <const> = internal.format_header(header)
	assert(internal.recvheader(reader("x\r\n" .. form .. "\r\n", 1000), again) == "")
	local same <const> = assert(internal.parseheader(again, 2, {}))
	for name, value in pairs(header) do
		local other <const> = same[name]
		assert(type(value) == "table" or value == other, name)
		assert(type(value) == "string" or table.concat(value, "\n") == table.concat(other, "\n"))
	end
	return table.concat(said, "\n--\n")
end

local function outcome(stream, step)
	local ok <const>, said <const> = pcall(read, stream, step)
	if not ok and said == END then
		return "unfinished"
	end
	return ok and said or error(said, 0)
end

return function(input)
	local step <const> = 1 + (input:byte() or 0)
	local stream <const> = input:sub(2)
	local whole <const> = outcome(stream, 1 << 20)
	assert(outcome(stream, step) == whole)
	assert(outcome(stream, 1) == whole)
	local path <const>, query <const> = url.parse(stream)
	assert(#path + #query <= #stream)
	for name, value in pairs(url.parse_query(query)) do
		assert(type(name) == "string" and (type(value) == "string" or #value > 1))
	end
end
