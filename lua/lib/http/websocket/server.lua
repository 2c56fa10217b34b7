-- The server's side of http.websocket: one coroutine runs a connection from the handshake to its
-- end and calls the handle's functions.
local connection <const> = require "http.websocket.connection"
local frame <const> = require "http.websocket.frame"
local handshake <const> = require "http.websocket.handshake"
local socket <const> = require "skynet.socket"
local tlshelper <const> = require "http.tlshelper"

local M <const> = {}

local finish <const> = connection.finish
local send <const> = connection.send
local send_close <const> = connection.send_close

--- Bytes of a message from a client, however many frames it has.
M.MESSAGE_BYTES_MAX = 256 * 1024

local function call(ws, name, ...)
	local f <const> = ws.handle[name]
	if f then
		return f(ws.id, ...)
	end
end

---@async
local function shake_hands(ws, options)
	if ws.tls and not ws.tls:finished() then
		tlshelper.shake_hands(ws.id, ws.tls)
	end
	local write <const> = connection.writer(ws)
	local request, status = options.upgrade, nil
	if request == nil then
		request, status = handshake.read_request(connection.reader(ws))
	end
	if request == nil then
		handshake.write_refusal(write, status, "not a request")
		error("websocket: a request that is none, " .. status, 0)
	end
	local ok <const>, why <const> = handshake.answer(write, request, options.protocols)
	if not ok then
		error("websocket: " .. why, 0)
	end
	ws.header = request.header
	ws.next = frame.reader(
		connection.reader(ws, request.rest),
		true,
		options.message_bytes_max or M.MESSAGE_BYTES_MAX
	)
	return request.url
end

-- Reads until the closing handshake is over. Returns the peer's code and reason.
---@async
local function run(ws)
	while true do
		local name <const>, payload <const> = ws.next()
		if name == "close" then
			local code <const>, reason <const> = frame.decode_close(payload)
			send_close(ws, payload)
			return code, reason
		elseif not ws.closing then
			if name == "ping" then
				send(ws, "pong", payload)
				call(ws, "ping")
			elseif name == "pong" then
				call(ws, "pong")
			else
				call(ws, "message", payload, name)
			end
		end
	end
end

-- What ended a connection: the peer's errors as they are, our own with a traceback.
local function describer(ws)
	return function(message)
		if connection.is_broken(ws, message) or frame.is_violation(message) then
			return message
		end
		return debug.traceback(message)
	end
end

-- Runs the handshake; returns the url, or nil and why there is no connection.
---@async
local function try_handshake(ws, options)
	local limit <const> = options.handshake_timeout or connection.HANDSHAKE_CS
	local ok <const>, url <const> =
		pcall(connection.within, limit, ws.id, shake_hands, ws, options)
	if ok then
		return url
	end
	return nil, tostring(url)
end

-- Calls the last handler of a connection; when it raises, returns that.
---@async
local function conclude(ws, name, ...)
	local ok <const>, message <const> = xpcall(call, debug.traceback, ws, name, ...)
	finish(ws)
	return ok and true or false, not ok and message or nil
end

local function new_session(options)
	if options.tls then
		return options.tls
	end
	local ctx <const> = tlshelper.server_context(options.certfile, options.keyfile)
	return tlshelper.newtls("server", ctx)
end

-- Closes a socket that was or was not started here.
---@async
local function refuse(id)
	if socket.invalid(id) then
		socket.close_fd(id)
	else
		socket.close(id)
	end
end

-- From connect to the last message. Returns how the connection ended.
---@async
local function live(ws, options)
	call(ws, "connect")
	local url <const>, why <const> = try_handshake(ws, options)
	if url == nil then
		return "error", why
	end
	call(ws, "handshake", ws.header, url)
	return "close", run(ws)
end

---@class WebSocketOptions
---@field upgrade? { method: string, url: string, header: table } the request that httpd has read
---@field protocols? string[] sub-protocols; without them the first that a client offers is taken
---@field message_bytes_max? integer MESSAGE_BYTES_MAX
---@field handshake_timeout? integer centiseconds, 1000; with wss that of TLS within it
---@field certfile? string of wss, PEM; see tlshelper.server_context
---@field keyfile? string
---@field tls? gatehouse.tls.session of wss: one that httpd has read the request from

--- Runs the connection of a client to its end. The handle's functions are all optional:
--- connect(id), handshake(id, header, url), message(id, data, "text"|"binary"), ping(id),
--- pong(id), warning(id, kilobytes); and, once, close(id, code, reason) or error(id, message).
---@async
---@param id integer an accepted socket, not started unless there is an upgrade
---@param handle table<string, function>
---@param protocol? "ws"|"wss"
---@param addr? string for addrinfo
---@param options? WebSocketOptions
---@return boolean ok, string? message false: the handle raised, the socket could not start, or the
--- certificate cannot be used
function M.accept(id, handle, protocol, addr, options)
	protocol = protocol or "ws"
	if protocol ~= "ws" and protocol ~= "wss" then
		error(protocol .. " is not supported, only ws and wss", 2)
	end
	options = options or {}
	local tls = nil
	if protocol == "wss" then
		local ready <const>, made <const> = pcall(new_session, options)
		if not ready then
			refuse(id)
			return false, made
		end
		tls = made
	end
	if not options.upgrade then
		local started <const>, why <const> = socket.start(id)
		if not started then
			return false, why
		end
	end
	local ws <const> =
		{ id = id, server = true, tls = tls, handle = handle, addr = addr, reading = true }
	connection.pool[id] = ws
	if handle.warning then
		socket.warning(id, handle.warning)
	end
	local ok <const>, how <const>, a <const>, b <const> = xpcall(live, describer(ws), ws, options)
	if ok then
		return conclude(ws, how, a, b)
	elseif connection.is_broken(ws, how) then
		if ws.closing then
			return conclude(ws, "close")
		end
		return conclude(ws, "error", tostring(how))
	elseif frame.is_violation(how) then
		send_close(ws, frame.encode_close(how.code, how.text))
		return conclude(ws, "error", tostring(how))
	end
	send_close(ws, frame.encode_close(1011))
	conclude(ws, "error", how)
	return false, how
end

return M
