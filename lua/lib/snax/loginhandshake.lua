-- The part of snax.loginserver that talks to clients, in its slaves.
local core <const> = require "skynet.core"
local crypt <const> = require "skynet.crypt"
local deadlines <const> = require "snax.deadlines"
local error_text <const> = require "skynet.error_text"
local limited <const> = require "snax.limited"
local skynet <const> = require "skynet"
local snax <const> = require "gatehouse.snax"
local socket <const> = require "skynet.socket"

local M <const> = {}

local LINES_BYTES_MAX <const> = 8192
local TICK <const> = 100 -- centiseconds

local GONE <const> = {} -- raised when the client has gone

---@async
local function read_base64(fd)
	local line <const> = socket.readline(fd)
	if not line then
		error(GONE)
	end
	return crypt.base64decode(line)
end

local function write_base64(fd, bytes)
	socket.write(fd, crypt.base64encode(bytes) .. "\n")
end

-- Steps 1 to 5. Returns token, secret; raises.
---@async
local function read_token(fd)
	local challenge <const> = crypt.randomkey()
	write_base64(fd, challenge)
	local client_key <const> = read_base64(fd)
	assert(#client_key == 8, "a client key has 8 bytes")
	local server_private <const> = crypt.randomkey()
	write_base64(fd, crypt.dhexchange(server_private))
	assert(not snax.weak_key(client_key), "a weak client key")
	local secret <const> = crypt.dhsecret(client_key, server_private)
	assert(read_base64(fd) == crypt.hmac64(challenge, secret), "a wrong answer to the challenge")
	return crypt.desdecode(secret, read_base64(fd)), secret
end

--- The commands of a slave: auth(master, fd, address) -> true, server, uid, secret; false and why:
--- 401, or 503 when that is limited.LATE; nothing: the client is gone. answer(fd, text) tells the
--- client, and closes.
---@param auth_handler async fun(token: string): string, string
---@param time integer centiseconds for all lines of a client
---@param handler_time integer centiseconds for auth_handler
function M.new(auth_handler, time, handler_time)
	local waiting <const> = deadlines.new(time, socket.shutdown)
	local unanswered <const> = {} -- fd -> true: the master knows who it is
	local watching = false

	-- Without its master a slave is of no use, and its clients would wait for ever.
	local function watch(master)
		watching = next(unanswered) ~= nil
		if not core.alive(master) then
			skynet.exit()
		elseif watching then
			skynet.timeout(TICK, function()
				watch(master)
			end)
		end
	end

	---@async
	local function check(fd)
		local token <const>, secret <const> = read_token(fd)
		waiting.remove(fd)
		local ok <const>, server <const>, uid <const> =
			limited.call(handler_time, auth_handler, token)
		if not ok then
			error(server, 0)
		end
		assert(uid ~= nil, "no uid")
		return server, uid, secret
	end

	local self <const> = {}

	---@async
	function self.auth(master, fd, address)
		if not socket.start(fd) then
			return
		end
		socket.limit(fd, LINES_BYTES_MAX)
		waiting.add(fd)
		local ok <const>, server <const>, uid <const>, secret <const> = pcall(check, fd)
		waiting.remove(fd)
		if ok or server ~= GONE then
			unanswered[fd] = true
			if not watching then
				watch(master)
			end
		end
		if ok then
			return true, server, uid, secret
		elseif server ~= GONE then
			skynet.error(string.format("login from %s: %s", address, error_text(server)))
			return false, server == limited.LATE and server or nil
		end
		socket.close(fd)
	end

	---@async
	function self.answer(fd, text)
		unanswered[fd] = nil
		socket.write(fd, text .. "\n")
		socket.close(fd)
	end

	return self
end

return M
