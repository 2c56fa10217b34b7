-- WebSocket for servers and clients (docs/skynet-rules.md 1.10; RFC 6455), also over TLS. A
-- connection is named by the id of its socket.
--
-- What yields: accept, which runs a connection to its end; connect and read. One coroutine reads
-- a client's connection at a time; any may write.
local skynet <const> = require "skynet"
local connection <const> = require "http.websocket.connection"
local frame <const> = require "http.websocket.frame"
local handshake <const> = require "http.websocket.handshake"
local server <const> = require "http.websocket.server"
local sockethelper <const> = require "http.sockethelper"
local tlshelper <const> = require "http.tlshelper"

local CLIENT_MESSAGE_BYTES_MAX <const> = 16 << 20

local M <const> = {}

local finish <const> = connection.finish
local pool <const> = connection.pool
local send <const> = connection.send
local send_close <const> = connection.send_close

M.MESSAGE_BYTES_MAX = server.MESSAGE_BYTES_MAX
M.accept = server.accept

--- For connect to wss://, as httpc.tls: servers are verified.
M.tls = {} ---@type TlsClientOptions

---------------------------------------------------------------- client

-- "ws[s]://host[:port][/path]" taken apart.
local function parse_url(url)
	local scheme, authority <const>, path <const> = url:match "^(%a+)://([^/?#]+)([^#%s%c]*)$"
	if scheme == nil or authority:find "[%s%c@]" then
		error("websocket: not a url: " .. url, 3)
	end
	scheme = scheme:lower()
	if scheme ~= "ws" and scheme ~= "wss" then
		error(scheme .. " is not supported, only ws and wss", 3)
	end
	local host <const>, port <const> = authority:match "^(.*):(%d+)$"
	local number <const> = math.tointeger(tonumber(port or scheme == "wss" and 443 or 80))
	if number < 1 or number > 65535 then
		error("websocket: not a port: " .. port, 3)
	end
	local bare <const> = (host or authority):match "^%[(.*)%]$" or host or authority
	local target <const> = path:sub(1, 1) == "/" and path or "/" .. path
	return bare, number, authority, target, scheme == "wss"
end

--- Connects; raises.
---@async
---@param url string ws://host[:port][/path], or wss://
---@param header? table<string, any> more fields of the request
---@param timeout? integer centiseconds
---@return integer id
function M.connect(url, header, timeout)
	local host <const>, port <const>, authority <const>, path <const>, secure <const> = parse_url(url)
	local tls <const> = secure
		and tlshelper.newtls("client", tlshelper.context_for(M.tls), host) or nil
	local fd <const> = sockethelper.connect(host, port, timeout)
	local ws <const> = { id = fd, server = false, tls = tls }
	local limit <const> = timeout or connection.HANDSHAKE_CS
	local ok <const>, rest <const>, answer <const> = pcall(connection.within, limit, fd, function()
		if tls then
			tlshelper.shake_hands(fd, tls)
		end
		return handshake.open(
			connection.reader(ws), connection.writer(ws), authority, path, header)
	end)
	if not ok then
		finish(ws)
		error(rest, 0)
	end
	ws.header = answer
	ws.next = frame.reader(connection.reader(ws, rest), false, CLIENT_MESSAGE_BYTES_MAX)
	pool[fd] = ws
	return fd
end

-- The next message; or false and the payload of the close frame. Pings are answered.
---@async
local function read_message(ws)
	while true do
		local name <const>, payload <const> = ws.next()
		if name == "close" then
			frame.decode_close(payload)
			send_close(ws, payload)
			return false, payload
		elseif name == "ping" and not ws.closing then
			send(ws, "pong", payload)
		elseif (name == "text" or name == "binary") and not ws.closing then
			return payload, name
		end
	end
end

---@async
local function read_and_end(ws)
	assert(not ws.reading, "another coroutine reads this websocket")
	ws.reading = true
	local ok <const>, data <const>, kind <const> = pcall(read_message, ws)
	ws.reading = false
	if ok and data then
		return data, kind
	elseif ok or ws.closing then
		finish(ws)
		return false, ok and kind or ""
	elseif frame.is_violation(data) then
		send_close(ws, frame.encode_close(data.code, data.text))
	end
	finish(ws)
	error(data, 0)
end

--- Waits for a message, on a client's connection. Raises when the connection breaks.
---@async
---@param id integer
---@return string|false data false: it was closed
---@return string kind "text" or "binary"; of the close frame its payload: a code in two bytes, and
--- a reason; "" without one
function M.read(id)
	local ws <const> = pool[id]
	if ws == nil then
		return false, ""
	end
	return read_and_end(ws)
end

---------------------------------------------------------------- members of both

--- Sends a message.
---@param id integer
---@param data string
---@param kind? "text"|"binary" text
---@param mask? string 4 bytes, of a client; random when left out
---@return boolean written false when the connection has ended or is closing
function M.write(id, data, kind, mask)
	kind = kind or "text"
	assert(kind == "text" or kind == "binary", "a message is text or binary")
	assert(mask == nil or #mask == 4, "a mask has 4 bytes")
	local ws <const> = pool[id]
	return ws ~= nil and not ws.closing and send(ws, kind, data, mask)
end

--- Sends a ping; the other side answers with a pong.
---@param id integer
---@return boolean written
function M.ping(id)
	local ws <const> = pool[id]
	return ws ~= nil and not ws.closing and send(ws, "ping", "")
end

--- Begins to close: the connection ends when the peer has answered, or after 10 s.
---@param id integer
---@param code? integer
---@param reason? string at most 123 bytes
function M.close(id, code, reason)
	local ws <const> = pool[id]
	assert(code == nil or code >= 1000 and code < 5000, "a close code is from 1000 to 4999")
	assert(reason == nil or #reason <= 123, "a reason has at most 123 bytes")
	if ws == nil or ws.closing then
		return
	end
	send_close(ws, frame.encode_close(code, reason))
	if not ws.reading then
		skynet.fork(pcall, read_and_end, ws)
	end
end

--- What accept was told.
---@param id integer
---@return string|nil
function M.addrinfo(id)
	local ws <const> = pool[id]
	return ws and ws.addr
end

--- The field X-Real-IP of the handshake, which a proxy in front may have set.
---@param id integer
---@return string|nil
function M.real_ip(id)
	local ws <const> = pool[id]
	return ws and ws.header and ws.header["x-real-ip"]
end

--- Whether the connection has ended or is closing.
---@param id integer
---@return boolean
function M.is_close(id)
	local ws <const> = pool[id]
	return ws == nil or ws.closing == true
end

return M
