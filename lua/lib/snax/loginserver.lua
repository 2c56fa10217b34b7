-- Logins for users whose password a script checks (docs/skynet-rules.md 1.9, 4.2): the handshake of
-- skynet's login. login.listen of the configuration does the same in C++ at a fraction of the cost,
-- with accounts, admission and other suites; this is for skynet's logind scripts.
--
-- Text lines, ended by "\n":
--   1. S->C  base64(challenge), 8 random bytes
--   2. C->S  base64(client key), 8 bytes      Diffie-Hellman, see skynet.crypt
--   3. S->C  base64(server key), 8 bytes
--   4. C->S  base64(hmac64(challenge, secret))
--   5. C->S  base64(DES(secret, token))
--   6. S->C  200 base64(subid) | 401 Unauthorized | 403 Forbidden | 406 Not Acceptable
--            | 503 Service Unavailable
-- Then the server closes. 401: any of 2, 4, 5 is wrong, or auth_handler raises or knows no uid;
-- 403: login_handler raises; 406: a login of this uid is running; 503: a handler takes more than
-- 10 s, and is ended. Client keys whose secret anybody could tell are refused. A client that has
-- sent 8 KiB, or takes more than 10 s for its lines, is closed without an answer; so is one too
-- many.
--
-- The first service of the script is the master, which listens and runs login_handler and
-- command_handler; it launches `instance` slaves of the same script, which talk to the clients
-- and run auth_handler.
local skynet <const> = require "skynet"
require "skynet.manager"

local INSTANCES <const> = 8
local CONNECTIONS_MAX <const> = 4096
local HANDSHAKE_TIME <const> = 1000 -- centiseconds
local HANDLER_TIME <const> = 1000
local UNAVAILABLE <const> = "503 Service Unavailable"
local SCRIPT <const> = _G.SERVICE_NAME

---@class snax.LoginConfig
---@field host? string "0.0.0.0"
---@field port integer
---@field instance? integer 8: number of slaves
---@field multilogin? boolean logins of one uid may run at the same time
---@field name? string "login": the name of the master, without its dot
---@field maxclient? integer 4096: clients that are logging in
---@field handshake_timeout? integer 1000: centiseconds for the lines of a client
---@field handler_timeout? integer 1000: centiseconds for a call of auth_handler or login_handler
---@field auth_handler async fun(token: string): string, string server, uid
---@field login_handler async fun(server: string, uid: string, secret: string): string|nil subid
---@field command_handler async fun(command: string, ...): ...

---@async
---@param conf snax.LoginConfig
local function master(conf)
	local socket <const> = require "skynet.socket"
	local crypt <const> = require "skynet.crypt"
	local limited <const> = require "snax.limited"
	local lock <const> = require "skynet.queue"()
	local time <const> = conf.handler_timeout or HANDLER_TIME
	local slaves <const> = {}
	local running <const> = {} -- uid -> a login_handler runs
	local maxclient <const> = conf.maxclient or CONNECTIONS_MAX
	local connections, turn = 0, 0

	skynet.dispatch("lua", function(_, _, command, ...)
		skynet.retpack(conf.command_handler(command, ...))
	end)

	---@async
	local function login(server, uid, secret)
		if conf.multilogin then
			return limited.call(time, conf.login_handler, server, uid, secret)
		end
		running[uid] = true
		local ok <const>, subid <const> =
			limited.call(time, conf.login_handler, server, uid, secret)
		running[uid] = nil
		return ok, subid
	end

	---@async
	local function answer_of(known, server, uid, secret)
		if not known then
			return server == limited.LATE and UNAVAILABLE or "401 Unauthorized"
		elseif running[uid] then
			return "406 Not Acceptable"
		end
		local ok <const>, subid <const> = login(server, uid, secret)
		if ok then
			return "200 " .. crypt.base64encode(subid or "")
		end
		skynet.error(string.format("login of %s: %s", uid, subid))
		return subid == limited.LATE and UNAVAILABLE or "403 Forbidden"
	end

	---@async
	local function bury(dead)
		skynet.kill(dead) -- it may be on its way out
		for i, slave in ipairs(slaves) do
			if slave == dead then
				slaves[i] = skynet.newservice(SCRIPT)
			end
		end
	end

	-- The results of `auth`; nothing for a client that left, or whose slave died.
	---@async
	local function auth(fd, address)
		for _ = 1, #slaves do
			turn = turn % #slaves + 1
			local slave <const> = slaves[turn]
			local result <const> = table.pack(pcall(skynet.call, slave, "lua", "auth", fd, address))
			if result[1] then
				return slave, table.unpack(result, 2, result.n)
			end
			skynet.error(string.format("login slave %s: %s", skynet.address(slave), result[2]))
			if not tostring(result[2]):find("mailbox", 1, true) then -- full, but alive
				lock(bury, slave)
			end
		end
		socket.close_fd(fd)
	end

	---@async
	local function serve(fd, address)
		local slave <const>, known <const>, server <const>, uid <const>, secret <const> =
			auth(fd, address)
		if known == nil then
			return
		end
		local ok <const>, answer <const> = pcall(answer_of, known, server, uid, secret)
		if not ok then
			skynet.error(string.format("login of %s: %s", tostring(uid), answer))
		end
		skynet.send(slave, "lua", "answer", fd, ok and answer or "403 Forbidden")
	end

	for i = 1, conf.instance or INSTANCES do
		slaves[i] = skynet.newservice(SCRIPT)
	end
	local host <const> = conf.host or "0.0.0.0"
	local listener <const>, ip <const>, port <const> = socket.listen(host, conf.port)
	skynet.error(string.format("login server listen at : %s %d", ip, port))
	socket.start(listener, function(fd, address)
		if connections >= maxclient then
			socket.close_fd(fd)
			return
		end
		connections = connections + 1
		local ok <const>, message <const> = pcall(serve, fd, address)
		connections = connections - 1
		if not ok then
			skynet.error(string.format("login from %s: %s", address, message))
			socket.close_fd(fd)
		end
	end)
end

local function slave(conf)
	local handshake <const> = require "snax.loginhandshake"
	local command <const> = handshake.new(
		conf.auth_handler,
		conf.handshake_timeout or HANDSHAKE_TIME,
		conf.handler_timeout or HANDLER_TIME
	)
	skynet.dispatch("lua", function(_, source, name, ...)
		if name == "auth" then
			skynet.retpack(command.auth(source, ...))
		else
			command.answer(...)
		end
	end)
end

--- Makes this service a login server: the master, or a slave when there is a master.
---@param conf snax.LoginConfig
local function loginserver(conf)
	local name <const> = "." .. (conf.name or "login")
	skynet.start(function()
		if skynet.localname(name) then
			slave(conf)
			return
		end
		assert(conf.login_handler and conf.command_handler and conf.auth_handler)
		assert((conf.instance or INSTANCES) > 0, "a login server needs an instance")
		skynet.register(name)
		master(conf)
	end)
end

return loginserver
