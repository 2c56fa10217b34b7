-- TLS on the sockets of a service (docs/skynet-rules.md 1.10), with the functions that skynet's
-- has; the engine is gatehouse.tls. A client verifies its server, by default with the system's
-- certificates; see context_for and ctx:set_verify.
--
-- What yields: the functions that init_requestfunc, init_responsefunc, readfunc and readallfunc
-- return. One coroutine reads a connection; any may write.
local skynet <const> = require "skynet"
local core <const> = require "gatehouse.tls"
local internal <const> = require "http.internal"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"

local M <const> = {}

--- Centiseconds for a handshake of init_requestfunc and init_responsefunc.
M.HANDSHAKE_CS = 1000

--- A context: certificates, whom to trust, what to offer.
---@return gatehouse.tls.context
M.newctx = core.newctx

--- A session of one connection.
---@param method "client"|"server"
---@param ctx gatehouse.tls.context
---@param hostname? string whom a client expects, a name or an IP address
---@return gatehouse.tls.session
M.newtls = core.newtls

---------------------------------------------------------------- contexts by options

---@class TlsClientOptions
---@field ca_file? string PEM file of the certificates to trust, instead of the system's
---@field verify? boolean false: any certificate will do
---@field ciphers? string as ctx:set_ciphers takes them
---@field context? gatehouse.tls.context instead of all the others

local client_contexts <const> = {} -- key of the options -> context
local server_contexts <const> = {} -- certificate and key -> context

--- The context of a client. Equal options share one: a CA file is read once by a service.
---@param options? TlsClientOptions
---@return gatehouse.tls.context
function M.context_for(options)
	options = options or {}
	if options.context then
		return options.context
	end
	local verify <const> = options.verify ~= false
	local key <const> =
		string.format("%s\n%s\n%s", verify, options.ca_file or "", options.ciphers or "")
	local ctx = client_contexts[key]
	if ctx == nil then
		ctx = core.newctx()
		ctx:set_verify(verify)
		if options.ca_file then
			ctx:trust(options.ca_file)
		end
		if options.ciphers then
			ctx:set_ciphers(options.ciphers)
		end
		client_contexts[key] = ctx
	end
	return ctx
end

--- The context of a server. Left out: what the configuration calls certfile and keyfile, or
--- ./server-cert.pem and ./server-key.pem. The files are read once by a service.
---@param certfile? string
---@param keyfile? string
---@return gatehouse.tls.context
function M.server_context(certfile, keyfile)
	certfile = certfile or skynet.getenv "certfile" or "./server-cert.pem"
	keyfile = keyfile or skynet.getenv "keyfile" or "./server-key.pem"
	local key <const> = certfile .. "\n" .. keyfile
	local ctx = server_contexts[key]
	if ctx == nil then
		ctx = core.newctx()
		ctx:set_cert(certfile, keyfile)
		server_contexts[key] = ctx
	end
	return ctx
end

---------------------------------------------------------------- handshake

local function send(fd, bytes)
	return bytes == nil or socket.write(fd, bytes)
end

-- The bytes that tell the peer that nothing more comes; socket.close sends them.
local function say_farewell_at_close(fd, tls)
	socket.onclosing(fd, function()
		local ok <const>, bytes <const> = pcall(tls.farewell, tls)
		if ok then
			send(fd, bytes) -- otherwise the script closed the session already
		end
	end)
end

--- The handshake alone, without a time limit; raises. The peer gets an alert, and the socket
--- stays open.
---@async
---@param fd integer
---@param tls gatehouse.tls.session
function M.shake_hands(fd, tls)
	local data = ""
	while true do
		local ok <const>, out <const> = pcall(tls.handshake, tls, data)
		if not ok then
			send(fd, tls:output())
			error(out, 0)
		elseif not send(fd, out) then
			error(sockethelper.socket_error, 0)
		elseif tls:finished() then
			return say_farewell_at_close(fd, tls)
		end
		data = socket.read(fd)
		if not data then
			error("tls: the connection ends in the handshake", 0)
		end
	end
end

-- shake_hands within a time; a socket whose handshake fails is closed.
local function init(fd, tls)
	return function()
		local over, late = false, false
		skynet.timeout(M.HANDSHAKE_CS, function()
			if not over then
				late = true
				socket.shutdown(fd)
			end
		end)
		local ok <const>, message <const> = pcall(M.shake_hands, fd, tls)
		over = true
		if not ok then
			skynet.fork(socket.close, fd)
			error(late and "tls: the handshake takes too long" or message, 0)
		end
	end
end

--- A function that does a client's handshake; it raises.
---@param fd integer
---@param tls gatehouse.tls.session
---@return async fun()
function M.init_requestfunc(fd, tls)
	return init(fd, tls)
end

--- A function that does a server's handshake; it raises.
---@param fd integer
---@param tls gatehouse.tls.session
---@return async fun()
function M.init_responsefunc(fd, tls)
	return init(fd, tls)
end

---------------------------------------------------------------- reading and writing

--- Waits for more from the peer: true; or false at the end, and why that end is bad. Raises for
--- what is no TLS.
---@async
---@param fd integer
---@param tls gatehouse.tls.session
---@return boolean more, string? why
function M.receive(fd, tls)
	if tls:ended() then
		return false
	end
	local data <const> = socket.read(fd)
	if not data then
		return false, select(2, tls:ended(true))
	end
	local ok <const>, out <const> = pcall(tls.handshake, tls, data)
	if not ok then
		pcall(function()
			send(fd, tls:output())
		end)
		error(out, 0)
	end
	send(fd, out)
	return true
end

--- A reader: f(n) gives n bytes, f() what there is. Raises socket_error at the end.
---@param fd integer
---@param tls gatehouse.tls.session
---@param unread? string comes before what the connection has
---@return async fun(n?: integer): string
function M.readfunc(fd, tls, unread)
	local receive <const> = M.receive
	local function read(n)
		while true do
			local data <const> = tls:take(n)
			if data then
				return data
			elseif not receive(fd, tls) then
				error(sockethelper.socket_error, 0)
			end
		end
	end
	return internal.reader(read, unread)
end

--- A writer; raises socket_error when the connection has ended.
---@param fd integer
---@param tls gatehouse.tls.session
---@return fun(data: string|string[])
function M.writefunc(fd, tls)
	return function(data)
		if type(data) == "table" then
			data = table.concat(data)
		end
		if not socket.write(fd, tls:write(data)) then
			error(sockethelper.socket_error, 0)
		end
	end
end

--- A function that gives what has come, and nil at the end; it raises when the connection is
--- cut off.
---@param fd integer
---@param tls gatehouse.tls.session
---@return async fun(): string|nil
function M.partsfunc(fd, tls)
	return function()
		while true do
			local data <const> = tls:take()
			if data then
				return data
			end
			local more <const>, why <const> = M.receive(fd, tls)
			if why then
				error(why, 0)
			elseif not more then
				return nil
			end
		end
	end
end

--- A function that reads all bytes up to the end; it raises when the connection is cut off.
---@param fd integer
---@param tls gatehouse.tls.session
---@return async fun(): string
function M.readallfunc(fd, tls)
	local next_part <const> = M.partsfunc(fd, tls)
	return function()
		local parts <const> = {}
		for part in next_part do
			parts[#parts + 1] = part
		end
		return table.concat(parts)
	end
end

--- A function that gives the session's memory back; call it when the socket is closed.
---@param tls gatehouse.tls.session
---@return fun()
function M.closefunc(tls)
	return function()
		tls:close()
	end
end

return M
