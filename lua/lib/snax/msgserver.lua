-- A gate for logged-in users (docs/skynet-rules.md 4.3 to 4.6): handshake by the secret of their
-- login, requests and responses numbered by the client, and answers kept for the next connection.
-- The mechanism; a script of the game plugs its handlers in.
--
-- Frames are those of snax.gateserver.
--   1. C->S  base64(uid)@base64(server)#base64(subid):index:base64(mac)
--   2. S->C  200 OK | 400 Bad Request | 401 Unauthorized | 403 Index Expired | 404 User Not Found
--            Everything but 200 closes. index grows with each connection; the newer connection
--            ends the older. A client has 10 s for its handshake.
--   3. C->S  content | session u32            requests, in any number
--   4. S->C  content | ok u8 | session u32    in the order in which they are done; ok 0: failed
--
-- What a script of skynet may see: everything above except that skynet leaves the older
-- connection open and never ends a silent one; and which replies are kept
-- (server/protocol/reply_window.hpp).
local crypt <const> = require "skynet.crypt"
local deadlines <const> = require "snax.deadlines"
local driver <const> = require "skynet.socketdriver"
local error_text <const> = require "skynet.error_text"
local gateserver <const> = require "snax.gateserver"
local netpack <const> = require "skynet.netpack"
local snax <const> = require "gatehouse.snax"
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local b64encode <const>, b64decode <const> = crypt.base64encode, crypt.base64decode

local M <const> = {}

local function with_traceback(message)
	return debug.traceback(error_text(message), 2)
end

local HANDSHAKE_TIME <const> = 1000 -- centiseconds

-- By this type request_handler gives a message to an agent: skynet.rawcall(agent, "client", ...).
skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

---@class snax.MsgHandler
---@field login_handler fun(uid: string, secret: string): any command login
---@field logout_handler fun(uid: string, subid: any) command logout
---@field kick_handler fun(uid: string, subid: any) command kick
---@field request_handler async fun(username: string, message: string): string|nil
---@field register_handler fun(server: string): ... answers the open command
---@field disconnect_handler? fun(username: string)
---@field expired_number? integer 128: answers that are kept at least
---@field handshake_timeout? integer 1000: centiseconds

---@class snax.User
---@field name string
---@field secret string
---@field version number index of the last handshake
---@field fd? integer
---@field address? string
---@field connection integer number of the last connection, from 1 up
---@field replies gatehouse.snax.Replies

local users <const> = {} ---@type table<string, snax.User>
local connections <const> = {} ---@type table<integer, snax.User>
local handshakes <const> = {} -- fd -> address
local expired_number = 128

---------------------------------------------------------------- users

---@param uid string
---@param subid any
---@param server string
---@return string
function M.username(uid, subid, server)
	return string.format(
		"%s@%s#%s",
		b64encode(uid),
		b64encode(server),
		b64encode(tostring(subid))
	)
end

---@param username string
---@return string uid, string subid, string server
function M.userid(username)
	local uid <const>, server <const>, subid <const> = username:match "([^@]*)@([^#]*)#(.*)"
	return b64decode(uid), b64decode(subid), b64decode(server)
end

--- Lets a user connect.
---@param username string
---@param secret string
function M.login(username, secret)
	assert(users[username] == nil, "the user is logged in already")
	users[username] = {
		name = username,
		secret = secret,
		version = 0,
		connection = 0,
		replies = snax.replies(expired_number),
	}
end

--- Forgets a user and ends the connection; disconnect_handler is not called.
---@param username string
function M.logout(username)
	local user <const> = users[username]
	users[username] = nil
	if user and user.fd then
		connections[user.fd] = nil
		gateserver.closeclient(user.fd)
	end
end

--- The address of a user, nil while there is no connection.
---@param username string
---@return string|nil
function M.ip(username)
	local user <const> = users[username]
	return user and user.fd and user.address
end

---------------------------------------------------------------- handshake

local function send(fd, text)
	driver.send(fd, string.pack(">s2", text))
end

-- Returns the answer, and the user when it is 200.
local function check_handshake(text)
	local name <const>, index_text <const>, mac_text <const> =
		text:match "([^:]*):([^:]*):([^:]*)"
	local user <const> = name and users[name]
	if not user then
		return "404 User Not Found"
	end
	local index <const> = tonumber(index_text)
	local is_base64 <const>, mac <const> = pcall(b64decode, mac_text)
	if index == nil or not is_base64 then
		return "400 Bad Request"
	elseif index <= user.version then
		return "403 Index Expired"
	end
	if crypt.hmac_hash(user.secret, name .. ":" .. index_text) ~= mac then
		return "401 Unauthorized"
	end
	user.version = index
	return "200 OK", user
end

local function handshake(fd, address, text)
	local answer <const>, user <const> = check_handshake(text)
	send(fd, answer)
	if user == nil then
		gateserver.closeclient(fd)
		return
	end
	local older <const> = user.fd
	if older then
		connections[older] = nil
		gateserver.closeclient(older)
	end
	user.fd, user.address = fd, address
	user.connection = user.connection + 1
	connections[fd] = user
end

---------------------------------------------------------------- start

-- Calls of kick_handler that are on their way, by coroutine -> the kick called a dead service.
local kicks <const> = {}
local call <const> = skynet.call

-- The agent of a kick is the service that kick_handler calls.
---@async
function skynet.call(address, ...)
	local co <const> = coroutine.running()
	if kicks[co] == false and math.type(address) == "integer" and not core.alive(address) then
		kicks[co] = true
	end
	return call(address, ...)
end

--- Makes this service a gate. Its commands besides gateserver's are login, logout and kick.
---@param conf snax.MsgHandler
function M.start(conf)
	expired_number = conf.expired_number or expired_number
	local server
	local waiting <const> = deadlines.new(conf.handshake_timeout or HANDSHAKE_TIME, function(fd)
		handshakes[fd] = nil
		driver.shutdown(fd)
	end)

	local command <const> = {
		login = assert(conf.login_handler),
		logout = assert(conf.logout_handler),
	}
	local kick_handler <const> = assert(conf.kick_handler)
	local request_handler <const> = assert(conf.request_handler)

	-- An agent that was killed cannot log its user out; without that nobody could log in again.
	---@async
	function command.kick(uid, subid)
		local co <const> = coroutine.running()
		kicks[co] = false
		local result <const> = table.pack(pcall(kick_handler, uid, subid))
		local dead <const> = kicks[co]
		kicks[co] = nil
		if dead and server and users[M.username(uid, subid, server)] then
			skynet.error(string.format("The agent of user %s is gone: logout", uid))
			conf.logout_handler(uid, subid)
		end
		if not result[1] then
			error(result[2], 0)
		end
		return table.unpack(result, 2, result.n)
	end

	local handler <const> = {}

	---@async
	function handler.command(name, _, ...)
		local f <const> = assert(command[name], "unknown command")
		return f(...)
	end

	---@async
	function handler.open(_, gate_conf)
		server = assert(gate_conf.servername, "servername is missing")
		return conf.register_handler(server)
	end

	function handler.connect(fd, address)
		handshakes[fd] = address
		waiting.add(fd)
		gateserver.openclient(fd)
	end

	---@async
	function handler.disconnect(fd)
		handshakes[fd] = nil
		waiting.remove(fd)
		local user <const> = connections[fd]
		if user then
			connections[fd] = nil
			user.fd = nil
			if conf.disconnect_handler then
				conf.disconnect_handler(user.name)
			end
		end
	end

	handler.error = handler.disconnect

	---@async
	local function request(fd, user, text)
		if #text < 4 then
			skynet.error(string.format("Invalid package from fd (%d) : %d bytes", fd, #text))
			gateserver.closeclient(fd)
			return
		end
		local session <const> = string.unpack(">I4", text, -4)
		local kept <const> = user.replies
		local verdict <const>, frame = kept:ask(session, user.connection)
		if verdict == "run" then
			-- It yields here: the connection and the user may go.
			local ok <const>, result <const> =
				xpcall(request_handler, with_traceback, user.name, text:sub(1, -5))
			local why
			local version <const> = connections[user.fd] == user and user.connection or 0
			frame, why = kept:done(session, ok, result, version)
			if why then
				skynet.error(string.format("Request of %s: %s", user.name, why))
			end
		elseif verdict == "conflict" then
			skynet.error(string.format("Conflict session %d of %s", session, user.name))
			gateserver.closeclient(fd)
			return
		end
		if frame and connections[user.fd] == user then
			driver.send(user.fd, frame)
		end
	end

	---@async
	function handler.message(fd, message, size)
		local text <const> = netpack.tostring(message, size)
		local user <const> = connections[fd]
		if user then
			request(fd, user, text)
			return
		end
		local address <const> = handshakes[fd]
		if address then
			handshakes[fd] = nil
			waiting.remove(fd)
			handshake(fd, address, text)
		end
	end

	gateserver.start(handler)
end

return M
