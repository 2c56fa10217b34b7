-- Requests and responses of a server (docs/skynet-rules.md 1.10; RFC 9112). It works on a pair of
-- functions, such as http.sockethelper has, and knows no socket. A connection serves one request.
local internal <const> = require "http.internal"

local M <const> = {}

--- Bytes of a request's body when read_request gets no limit. Larger bodies want a caller who
--- knows about them.
M.BODY_BYTES_MAX = 8 << 20

local REASON <const> = {
	[100] = "Continue",
	[101] = "Switching Protocols",
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[203] = "Non-Authoritative Information",
	[204] = "No Content",
	[205] = "Reset Content",
	[206] = "Partial Content",
	[300] = "Multiple Choices",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[307] = "Temporary Redirect",
	[308] = "Permanent Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[402] = "Payment Required",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[406] = "Not Acceptable",
	[407] = "Proxy Authentication Required",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[410] = "Gone",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Content Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[416] = "Range Not Satisfiable",
	[417] = "Expectation Failed",
	[422] = "Unprocessable Content",
	[426] = "Upgrade Required",
	[429] = "Too Many Requests",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Timeout",
	[505] = "HTTP Version Not Supported",
}

-- The method and target of a request line, or nil and a status code.
local function parse_request_line(line)
	local method <const>, url <const>, version <const> =
		line:match "^([%w!#$%%&'*+%-.^_`|~]+) ([\x21-\x7e\x80-\xff]+) HTTP/(%d%.%d)$"
	if not method then
		return nil, 400
	elseif version ~= "1.1" and version ~= "1.0" then
		return nil, 505
	end
	return method, url
end

---@async
local function read_body(readbytes, limit, header, rest)
	local length <const>, code <const> = internal.body_length(header)
	if code then
		return nil, code
	elseif length == nil then
		return ""
	elseif length == "chunked" then
		return internal.recvchunkedbody(readbytes, limit, header, rest)
	elseif length > limit then
		return nil, 413
	end
	return internal.recvbody(readbytes, length, rest)
end

---@async
local function read_request(readbytes, limit)
	local lines <const> = {}
	local rest <const> = internal.recvheader(readbytes, lines)
	if rest == nil then
		return 413
	end
	local method <const>, url <const> = parse_request_line(lines[1] or "")
	if not method then
		return url
	end
	local header <const> = internal.parseheader(lines, 2, {})
	if header == nil then
		return 400
	end
	local body <const>, code <const> = read_body(readbytes, limit, header, rest)
	if body == nil then
		return code
	end
	return 200, url, method, header, body
end

--- Reads a request.
---@async
---@param readbytes async fun(n?: integer): string
---@param body_bytes_max? number BODY_BYTES_MAX when left out; math.huge: no limit
---@return integer|nil code 200; what to answer to a bad request (and nothing follows); nil: the
--- connection ended, and the error follows
---@return string|any url_or_error
---@return string? method
---@return table<string, string|string[]>? header lower-case names
---@return string? body
function M.read_request(readbytes, body_bytes_max)
	local limit <const> = body_bytes_max or M.BODY_BYTES_MAX
	local ok <const>, code <const>, url <const>, method <const>, header <const>, body <const> =
		pcall(read_request, readbytes, limit)
	if not ok then
		return nil, code
	end
	return code, url, method, header, body
end

---@async
local function write_chunks(write, next_part)
	while true do
		local part <const> = next_part()
		if not part then
			break
		elseif #part > 0 then
			write(string.format("%x\r\n%s\r\n", #part, part))
		end
	end
	write "0\r\n\r\n"
end

---@async
local function write_response(write, code, body, header)
	local head <const> =
		string.format("HTTP/1.1 %03d %s\r\n%s", code, REASON[code] or "", internal.format_header(header))
	local bodiless <const> = code < 200 or code == 204 or code == 304
	if type(body) == "function" and not bodiless then
		write(head .. "transfer-encoding: chunked\r\n\r\n")
		write_chunks(write, body)
	elseif bodiless then
		write(head .. "\r\n")
	elseif internal.field(header, "content-length") then
		write(head .. "\r\n" .. (body or ""))
	else
		body = body or ""
		write(string.format("%scontent-length: %d\r\n\r\n%s", head, #body, body))
	end
end

--- Writes a response.
---@async
---@param write async fun(data: string)
---@param code integer
---@param body? string|async fun(): string|nil the body, or a function that gives its parts
---@param header? table<string, any>
---@return boolean ok, any error
function M.write_response(write, code, body, header)
	return pcall(write_response, write, code, body, header)
end

return M
