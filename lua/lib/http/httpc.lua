-- An HTTP/1.1 client (sk 1.10; RFC 9112): one connection for each request, no redirects, no TLS.
-- Every function yields, and raises when there is no answer or a bad one.
local skynet <const> = require "skynet"
local internal <const> = require "http.internal"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"

local M <const> = {}

local HEAD_BYTES_MAX <const> = 65536
local PART_BYTES <const> = 65536

--- Centiseconds for a whole exchange; nil: as long as it takes. Of a stream: until its header.
M.timeout = nil ---@type integer|nil

--- Bytes of the body of a response.
M.body_bytes_max = 64 << 20

--- Hosts are looked up by the system, beside the service, which nothing has to ask for; a name
--- server cannot be chosen.
---@param server? string
function M.dns(server)
	if server then
		error("httpc.dns: a name server cannot be chosen", 2)
	end
end

-- Host and port of "host", "host:port" or "[v6]:port", with or without "http://".
local function parse_host(hostname)
	local scheme <const>, rest <const> = hostname:match "^(%a[%w+.-]*)://(.*)$"
	if scheme and scheme:lower() ~= "http" then
		error(scheme .. " is not supported yet, only http", 0)
	end
	local authority <const> = (rest or hostname):match "^[^/]*"
	local host <const>, port <const> = authority:match "^(.*):(%d+)$"
	local bare <const> = (host or authority):match "^%[(.*)%]$" or host or authority
	local number <const> = tonumber(port or 80)
	if bare == "" or bare:find "[%s%c]" or number < 1 or number > 65535 then
		error("not a host: " .. hostname, 0)
	end
	return bare, math.tointeger(number), authority
end

-- A request's bytes.
local function format_request(method, authority, url, header, content)
	url = url == "" and "/" or url
	if not method:find "^%u+$" or url:find "[%s%c]" then
		error("not a request: " .. method .. " " .. url, 0)
	end
	local lines <const> = { method, " ", url, " HTTP/1.1\r\n" }
	if not internal.field(header, "host") then
		lines[#lines + 1] = internal.format_header { host = authority }
	end
	if not internal.field(header, "connection") then
		lines[#lines + 1] = "connection: close\r\n"
	end
	local bodiless <const> = content == nil and (method == "GET" or method == "HEAD")
	if not bodiless and not internal.field(header, "content-length") then
		lines[#lines + 1] = internal.format_header { ["content-length"] = #(content or "") }
	end
	lines[#lines + 1] = internal.format_header(header)
	lines[#lines + 1] = "\r\n"
	lines[#lines + 1] = content
	return table.concat(lines)
end

-- The head of the response; answers that only announce it are skipped.
---@async
local function read_head(readbytes)
	local rest = ""
	while true do
		local lines <const> = {}
		rest = internal.recvheader(readbytes, lines, rest, HEAD_BYTES_MAX)
		if rest == nil then
			error("the response's header is too long", 0)
		end
		local code <const> = tonumber(lines[1]:match "^HTTP/1%.%d (%d%d%d)")
		local header <const> = code and internal.parseheader(lines, 2, {})
		if not header then
			error("not an HTTP response", 0)
		end
		if code >= 200 or code == 101 then
			return math.tointeger(code), header, rest
		end
	end
end

-- The parts of a body: an iterator that raises for a bad one.
local function body_parts(exchange, method)
	local code <const>, readbytes <const> = exchange.code, exchange.read
	local rest = exchange.rest
	local length, bad = internal.body_length(exchange.header)
	if bad then
		error("the response's length is not known", 0)
	elseif method == "HEAD" or code == 101 or code == 204 or code == 304 then
		length = 0
	elseif length == "chunked" then
		local next_chunk <const> = internal.chunks(readbytes, rest, math.huge)
		return function()
			local chunk <const>, wrong <const> = next_chunk()
			if wrong then
				error("a bad chunk in the response", 0)
			end
			return chunk
		end
	end
	local missing = length or math.huge
	return function()
		if missing == 0 then
			return nil
		end
		local part
		if rest ~= "" then
			part = missing < #rest and rest:sub(1, length) or rest
			rest = ""
		elseif length then
			part = readbytes(math.min(missing, PART_BYTES))
		else
			part = socket.read(exchange.fd) -- the end of the connection ends the body
		end
		missing = part and missing - #part or 0
		return part or nil
	end
end

-- Raises what failed, and why when that was the time.
local function raise(exchange, message)
	if exchange.late then
		message = "timeout"
	end
	error(string.format("http %s: %s", exchange.host, tostring(message)), 0)
end

-- Sends the request and reads the head of the response: an exchange whose socket is open.
---@async
local function begin(method, hostname, url, header, content)
	local host <const>, port <const>, authority <const> = parse_host(hostname)
	local bytes <const> = format_request(method, authority, url, header, content)
	local exchange <const> = { host = authority }
	local started <const> = skynet.now()
	local timeout <const> = M.timeout
	local connected <const>, fd <const> = pcall(sockethelper.connect, host, port, timeout)
	if not connected then
		exchange.late = timeout and skynet.now() - started >= timeout
		raise(exchange, "cannot connect")
	end
	exchange.fd = fd
	if timeout then
		skynet.timeout(math.max(0, timeout - (skynet.now() - started)), function()
			if not exchange.over then
				exchange.late = true
				sockethelper.shutdown(fd)
			end
		end)
	end
	exchange.read = sockethelper.readfunc(fd)
	local ok <const>, message <const> = pcall(function()
		sockethelper.writefunc(fd)(bytes)
		exchange.code, exchange.header, exchange.rest = read_head(exchange.read)
		exchange.parts = body_parts(exchange, method)
	end)
	if not ok then
		exchange.over = true
		socket.close(fd)
		raise(exchange, message)
	end
	return exchange
end

local function read_whole(exchange)
	local parts <const> = {}
	local size = 0
	for part in exchange.parts do
		size = size + #part
		if size > M.body_bytes_max then
			error("the response is too long", 0)
		end
		parts[#parts + 1] = part
	end
	return table.concat(parts)
end

--- Sends a request and reads the response.
---@async
---@param method string
---@param hostname string "[http://]host[:port]"
---@param url string path and query
---@param recvheader? table gets the response's header, lower-case names
---@param header? table<string, any>
---@param content? string
---@return integer code, string body
function M.request(method, hostname, url, recvheader, header, content)
	local exchange <const> = begin(method, hostname, url, header, content)
	local ok <const>, body <const> = pcall(read_whole, exchange)
	exchange.over = true
	socket.close(exchange.fd)
	if not ok or exchange.late then
		raise(exchange, body)
	end
	for name, value in pairs(recvheader and exchange.header or {}) do
		recvheader[name] = value
	end
	return exchange.code, body
end

---@async
---@return integer code, string body
function M.get(hostname, url, recvheader, header, content)
	return M.request("GET", hostname, url, recvheader, header, content)
end

---@async
---@return integer code
function M.head(hostname, url, recvheader, header, content)
	return (M.request("HEAD", hostname, url, recvheader, header, content))
end

local function escape(text)
	return (tostring(text):gsub("[^%w%-._~]", function(byte)
		return string.format("%%%02X", byte:byte())
	end))
end

--- Sends a form.
---@async
---@param form table<string, any>
---@return integer code, string body
function M.post(hostname, url, form, recvheader)
	local fields <const> = {}
	for name, value in pairs(form) do
		fields[#fields + 1] = escape(name) .. "=" .. escape(value)
	end
	local header <const> = { ["content-type"] = "application/x-www-form-urlencoded" }
	return M.request("POST", hostname, url, recvheader, header, table.concat(fields, "&"))
end

---@class HttpStream
---@field status integer
---@field header table<string, string|string[]>
---@field connected boolean the body has not ended
---@field private exchange table
local stream <const> = {}
stream.__index = stream

--- Ends the connection; needed only when the body is not read to its end.
---@async
function stream:close()
	if self.connected then
		self.connected = false
		socket.close(self.exchange.fd)
	end
end

stream.__close = stream.close

--- The next part of the body and the stream; nil at the end.
---@async
function stream:__call()
	if not self.connected then
		return nil
	end
	local ok <const>, part <const> = pcall(self.exchange.parts)
	if ok and part then
		return part, self
	end
	self:close()
	if not ok then
		raise(self.exchange, part)
	end
	return nil
end

--- Sends a request; the body comes in parts: `for part, stream in httpc.request_stream(...) do`.
---@async
---@return HttpStream, nil, nil, HttpStream
function M.request_stream(method, hostname, url, recvheader, header, content)
	local exchange <const> = begin(method, hostname, url, header, content)
	exchange.over = true
	for name, value in pairs(recvheader and exchange.header or {}) do
		recvheader[name] = value
	end
	local s <const> = setmetatable({
		status = exchange.code,
		header = exchange.header,
		connected = true,
		exchange = exchange,
	}, stream)
	return s, nil, nil, s
end

return M
