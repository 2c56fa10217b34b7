-- What servers and clients of http.websocket share: the open connections, their bytes, plain or
-- over TLS, and how they end.
local skynet <const> = require "skynet"
local frame <const> = require "http.websocket.frame"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"
local tlshelper <const> = require "http.tlshelper"

local M <const> = {}

local CLOSE_CS <const> = 1000 -- for the peer to answer our close frame

--- Centiseconds for a handshake, when the caller names none.
M.HANDSHAKE_CS = 1000

---@class WebSocket
---@field id integer
---@field server boolean
---@field tls? gatehouse.tls.session
---@field handle? table<string, function>
---@field header? table<string, string|string[]> of the handshake
---@field addr? string
---@field next? async fun(): string, string the next message or control frame
---@field reading? boolean a coroutine reads, or will
---@field closing? boolean our close frame is sent
---@field ended? boolean

--- The connections of this service by the ids of their sockets.
M.pool = {} ---@type table<integer, WebSocket>

--- A reader of the connection.
---@param ws WebSocket
---@param unread? string comes first
---@return async fun(n?: integer): string
function M.reader(ws, unread)
	if ws.tls then
		return tlshelper.readfunc(ws.id, ws.tls, unread)
	end
	return sockethelper.readfunc(ws.id, unread)
end

--- A writer of the connection.
---@param ws WebSocket
---@return fun(data: string)
function M.writer(ws)
	if ws.tls then
		return tlshelper.writefunc(ws.id, ws.tls)
	end
	return sockethelper.writefunc(ws.id)
end

--- Whether an error is that of the connection, and not of a script.
---@param ws WebSocket
function M.is_broken(ws, message)
	return message == sockethelper.socket_error or ws.tls ~= nil and ws.tls:failed()
end

--- Sends one message or control frame.
---@return boolean written
function M.send(ws, name, payload, mask)
	if not ws.server then
		mask = mask or frame.random_mask()
	else
		mask = nil
	end
	local bytes = frame.encode(name, payload, mask)
	if ws.tls then
		local ok <const>, sealed <const> = pcall(ws.tls.write, ws.tls, bytes)
		if not ok then
			return false -- the session has failed, as its reader knows
		end
		bytes = sealed
	end
	return socket.write(ws.id, bytes)
end

--- Sends a close frame, once, and gives the peer time to answer it.
function M.send_close(ws, payload)
	if ws.closing or ws.ended then
		return
	end
	ws.closing = true
	M.send(ws, "close", payload)
	skynet.timeout(CLOSE_CS, function()
		if not ws.ended then
			socket.shutdown(ws.id)
		end
	end)
end

--- Forgets the connection; what was written still leaves.
function M.finish(ws)
	if not ws.ended then
		ws.ended = true
		M.pool[ws.id] = nil
		skynet.fork(function()
			socket.close(ws.id)
			if ws.tls then
				ws.tls:close()
			end
		end)
	end
end

--- Shuts the socket down when f takes too long. What f raises is raised.
---@async
function M.within(cs, id, f, ...)
	local over = false
	skynet.timeout(cs, function()
		if not over then
			over = true
			socket.shutdown(id)
		end
	end)
	local result <const> = table.pack(pcall(f, ...))
	if over then
		error("websocket: the handshake takes too long", 0)
	end
	over = true
	if not result[1] then
		error(result[2], 0)
	end
	return table.unpack(result, 2, result.n)
end

return M
