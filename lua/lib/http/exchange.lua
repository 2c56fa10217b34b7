-- One request of http.httpc and its response, on a connection of its own.
local skynet <const> = require "skynet"
local internal <const> = require "http.internal"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"
local tlshelper <const> = require "http.tlshelper"

local M <const> = {}

local HEAD_BYTES_MAX <const> = 65536
local PART_BYTES <const> = 65536

--- Gives the address of a host, instead of the system; httpc.dns sets it.
M.resolve = nil ---@type nil|async fun(host: string): string

-- Host and port of "host", "host:port" or "[v6]:port", with or without "http://" or "https://";
-- and whether it is the latter.
local function parse_host(hostname)
	local scheme, rest <const> = hostname:match "^(%a[%w+.-]*)://(.*)$"
	scheme = scheme and scheme:lower() or "http"
	if scheme ~= "http" and scheme ~= "https" then
		error(scheme .. " is not supported, only http and https", 0)
	end
	local authority <const> = (rest or hostname):match "^[^/]*"
	local host <const>, port <const> = authority:match "^(.*):(%d+)$"
	local bare <const> = (host or authority):match "^%[(.*)%]$" or host or authority
	local number <const> = tonumber(port or scheme == "https" and 443 or 80)
	if bare == "" or bare:find "[%s%c]" or number < 1 or number > 65535 then
		error("not a host: " .. hostname, 0)
	end
	return bare, math.tointeger(number), authority, scheme == "https"
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
			part = exchange.next_part() -- the end of the connection ends the body
		end
		missing = part and missing - #part or 0
		return part or nil
	end
end

--- Raises what failed, and why when that was the time.
function M.raise(exchange, message)
	if exchange.late then
		message = "timeout"
	end
	error(string.format("http %s: %s", exchange.host, tostring(message)), 0)
end

--- Ends an exchange's connection.
---@async
function M.finish(exchange)
	exchange.over = true
	socket.close(exchange.fd)
	if exchange.tls then
		exchange.tls:close()
	end
end

-- Instead of socket.open, when hosts are looked up by skynet.dns.
---@async
local function open(host, port)
	return socket.open(host:find ":" and host or M.resolve(host), port)
end

-- Gives an exchange its functions; over TLS, when there are options for it, after the handshake.
---@async
local function open_channel(exchange, host, options)
	local fd <const> = exchange.fd
	if not options then
		exchange.read, exchange.write = sockethelper.readfunc(fd), sockethelper.writefunc(fd)
		exchange.next_part = function()
			return socket.read(fd) or nil
		end
		return
	end
	local tls <const> = tlshelper.newtls("client", tlshelper.context_for(options), host)
	exchange.tls = tls
	tlshelper.shake_hands(fd, tls)
	exchange.read, exchange.write = tlshelper.readfunc(fd, tls), tlshelper.writefunc(fd, tls)
	exchange.next_part = tlshelper.partsfunc(fd, tls)
end

--- Sends the request and reads the head of the response: an exchange whose socket is open.
--- Settings are those of httpc.
---@async
---@return table exchange { code=, header=, parts=, late= }
function M.begin(settings, method, hostname, url, header, content)
	local host <const>, port <const>, authority <const>, secure <const> = parse_host(hostname)
	local bytes <const> = format_request(method, authority, url, header, content)
	local exchange <const> = { host = authority }
	local started <const> = skynet.now()
	local timeout <const> = settings.timeout
	local connected <const>, fd <const> =
		pcall(sockethelper.connect, host, port, timeout, M.resolve and open)
	if not connected then
		exchange.late = timeout and skynet.now() - started >= timeout
		M.raise(exchange, fd == sockethelper.socket_error and "cannot connect" or fd)
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
	local ok <const>, message <const> = pcall(function()
		open_channel(exchange, host, secure and (settings.tls or {}))
		exchange.write(bytes)
		exchange.code, exchange.header, exchange.rest = read_head(exchange.read)
		exchange.parts = body_parts(exchange, method)
	end)
	if not ok then
		M.finish(exchange)
		M.raise(exchange, message)
	end
	return exchange
end

return M
