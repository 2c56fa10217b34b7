-- An HTTP/1.1 client (docs/skynet-rules.md 1.10; RFC 9112), also over TLS: one connection for each
-- request, no redirects. Every function yields, and raises when there is no answer or a bad one.
local exchanges <const> = require "http.exchange"

local M <const> = {}

--- Centiseconds for a whole exchange; nil: as long as it takes. Of a stream: until its header.
M.timeout = nil ---@type integer|nil

--- Bytes of the body of a response.
M.body_bytes_max = 64 << 20

--- For requests to https://. Servers are verified, with the certificates that the system trusts
--- unless there is a ca_file. It is looked at when a request begins.
M.tls = {} ---@type TlsClientOptions

--- Looks hosts up with skynet.dns from now on, by this name server; without one, by the system's.
--- Otherwise the system looks them up, beside the service.
---@param server? string
---@param port? integer
function M.dns(server, port)
	local dns <const> = require "skynet.dns"
	dns.server(server, port)
	exchanges.resolve = dns.resolve
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
---@param hostname string "[http[s]://]host[:port]"
---@param url string path and query
---@param recvheader? table gets the response's header, lower-case names
---@param header? table<string, any>
---@param content? string
---@return integer code, string body
function M.request(method, hostname, url, recvheader, header, content)
	local exchange <const> = exchanges.begin(M, method, hostname, url, header, content)
	local ok <const>, body <const> = pcall(read_whole, exchange)
	exchanges.finish(exchange)
	if not ok or exchange.late then
		exchanges.raise(exchange, body)
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
		exchanges.finish(self.exchange)
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
		exchanges.raise(self.exchange, part)
	end
	return nil
end

--- Sends a request; the body comes in parts: `for part, stream in httpc.request_stream(...) do`.
---@async
---@return HttpStream, nil, nil, HttpStream
function M.request_stream(method, hostname, url, recvheader, header, content)
	local exchange <const> = exchanges.begin(M, method, hostname, url, header, content)
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
