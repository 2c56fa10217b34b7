-- One connection to a server, shared by the coroutines of a service (docs/skynet-rules.md 1.4).
-- Requests are pipelined. Without `response` in the description the server answers in order, and
-- each request brings the function that reads its answer; with it, answers carry a session, which
-- that function reads first.
--
-- What yields: connect, request, response. A request is never sent twice. When the connection
-- ends, or a function that reads raises, all who wait on that connection get an error: what was
-- raised, or M.error when the socket ended. The next request connects again.
local skynet <const> = require "skynet"
local link <const> = require "skynet.channel.link"
local socket <const> = require "skynet.socket"

local RETRY_STEP_CS <const> = 100
local RETRY_MAX_CS <const> = 1000

local M <const> = {}

local socket_error <const> = link.error

--- What is raised when the connection ends or cannot be made; "[Error: socket]".
M.error = socket_error

-- Rounds of connecting; those who want the channel wait for one.
---@class ChannelAttempt
---@field waiters ChannelWaiter[] `once`: gives up after this round
---@field pause table token of the pause between two rounds

---@class SocketChannel
---@field private host string
---@field private port? integer
---@field private link? ChannelLink
---@field private attempt? ChannelAttempt
---@field private auth_thread? thread runs auth, and may use the link meanwhile
---@field private closed boolean
---@field private epoch integer counts close and changehost
local channel <const> = {}
channel.__index = channel

---------------------------------------------------------------- connecting

-- A socket to the host or to one of its backups.
---@async
local function open_any(self)
	local fd, message = socket.open(self.host, self.port)
	if fd then
		return fd
	end
	message = string.format("%s:%s %s", self.host, self.port, message)
	for _, backup in ipairs(self.backup or {}) do
		local host <const> = type(backup) == "table" and backup.host or backup
		local port <const> = type(backup) == "table" and backup.port or self.port
		local text
		fd, text = socket.open(host, port)
		if fd then
			return fd
		end
		message = string.format("%s, %s:%s %s", message, host, port, text)
	end
	return nil, message
end

---@async
local function authenticate(self)
	if not self.auth then
		return true
	end
	self.auth_thread = coroutine.running()
	local ok <const>, message <const> = pcall(self.auth, self)
	self.auth_thread = nil
	return ok, message
end

-- Tries each address once. Returns true; or false and what to raise. auth() may have changed the
-- host, and then it is all done again.
---@async
local function try_round(self)
	while not self.closed do
		local epoch <const> = self.epoch
		local fd <const>, message <const> = open_any(self)
		if epoch ~= self.epoch then
			if fd then
				skynet.fork(socket.close, fd)
			end
		elseif not fd then
			skynet.error("socketchannel: cannot connect: " .. message)
			return false, socket_error
		else
			local new <const> = link.new(fd, self.sock_meta, self.read_response, self.overload)
			self.link = new
			local ok <const>, reason <const> = authenticate(self)
			if not ok then
				new:close(socket_error)
				return false, reason
			elseif new:usable() then
				return true
			elseif epoch == self.epoch then
				new:leave()
				return false, socket_error
			end
		end
	end
	return false, socket_error
end

-- Tells the outcome of a round to those who wait for it: to all, or to those who try once.
local function tell(attempt, all, ok, reason)
	local rest <const> = {}
	for _, waiter in ipairs(attempt.waiters) do
		if all or waiter.once then
			link.settle(waiter, ok, reason)
		else
			rest[#rest + 1] = waiter
		end
	end
	attempt.waiters = rest
end

-- Runs rounds until one works, the channel is closed, or nobody wants another one.
---@async
local function run_attempt(self, attempt)
	local delay_cs = 0
	while true do
		local fine <const>, ok, reason = pcall(try_round, self)
		if not fine then
			ok, reason = false, ok
		end
		local over <const> = ok or self.closed or not fine
		tell(attempt, over, ok, reason)
		if over or #attempt.waiters == 0 then
			self.attempt = nil
			return
		end
		if reason ~= socket_error then
			skynet.error("socketchannel:", reason)
		end
		skynet.sleep(delay_cs, attempt.pause)
		delay_cs = math.min(delay_cs + RETRY_STEP_CS, RETRY_MAX_CS)
	end
end

-- The link that the running coroutine may use now, or nil.
local function usable_link(self)
	local current <const> = self.link
	if current == nil or (self.attempt and self.auth_thread ~= coroutine.running()) then
		return nil
	elseif current:usable() then
		return current
	end
	self.link = nil
	current:leave()
	return nil
end

-- The link, made when there is none.
---@async
local function obtain(self, once)
	while true do
		local current <const> = usable_link(self)
		if current then
			return current
		elseif self.closed or self.auth_thread == coroutine.running() then
			error(socket_error, 0)
		end
		local waiter <const> = { once = once }
		if self.attempt then
			table.insert(self.attempt.waiters, waiter)
		else
			self.attempt = { waiters = { waiter }, pause = {} }
			skynet.fork(run_attempt, self, self.attempt)
		end
		link.await(waiter)
	end
end

---------------------------------------------------------------- members

--- Connects, and logs in when there is `auth`. Opens a closed channel again.
---@async
---@param once? boolean one round over all addresses, then it raises; otherwise it tries for ever
---@return true
function channel:connect(once)
	self.closed = false
	obtain(self, once)
	return true
end

--- Sends a request, and waits for its answer when there is `response`.
---@async
---@param request string|string[]
---@param response? any the session; or, in order, f(sock) -> ok, value[, more]
---@param padding? string[] sent behind the request
---@return any value a list when the answer had several parts. Raises it when it was not ok.
function channel:request(request, response, padding)
	local current <const> = obtain(self, true)
	-- The waiter comes first: no answer may find nobody.
	local waiter <const> = response ~= nil and current:add(response)
	local written = socket.write(current.fd, request)
	for _, part in ipairs(padding or {}) do
		written = written and socket.write(current.fd, part)
	end
	if not written then
		current:close(socket_error)
		error(socket_error, 0)
	end
	if waiter then
		return link.await(waiter)
	end
end

--- Waits for what the server sends unasked.
---@async
---@param response any as in request
---@return any value
function channel:response(response)
	return link.await(obtain(self, false):add(response))
end

local function drop(self)
	self.epoch = self.epoch + 1
	local current <const> = self.link
	self.link = nil
	if current then
		current:close(socket_error)
	end
	if self.attempt then
		skynet.wakeup(self.attempt.pause)
	end
end

--- Ends the connection; who waits gets M.error, and so does who asks before the next connect.
function channel:close()
	self.closed = true
	drop(self)
end

--- Ends the connection; the next one goes to another server.
---@param host string
---@param port? integer the same when left out
function channel:changehost(host, port)
	self.host = host
	self.port = port or self.port
	if not self.closed then
		drop(self)
	end
end

--- Addresses to try when the host does not answer: names, or { host=, port= }.
---@param backup? table[]|string[]
function channel:changebackup(backup)
	self.backup = backup
end

-- A reader that raises where `read` says that the socket ended.
local function raising(read)
	return function(sock, ...)
		local data <const> = read(sock[1], ...)
		if not data then
			error(socket_error, 0)
		end
		return data
	end
end

---@class SocketChannelDescription
---@field host string
---@field port? integer
---@field auth? async fun(channel: SocketChannel) logs in after each connect
---@field response? fun(sock: ChannelSocket): any, boolean, any, any session, ok, value, more
---@field nodelay? boolean taken and not needed: connections never delay
---@field backup? table[]|string[] see changebackup
---@field overload? fun(overloaded: boolean) much output waits; it has left
---@field socket_read? fun(id: integer, n?: integer): string|false instead of socket.read
---@field socket_readline? fun(id: integer, separator?: string): string|false

--- A channel, not connected yet.
---@param description SocketChannelDescription
---@return SocketChannel
function M.channel(description)
	assert(type(description.host) == "string", "a channel needs a host")
	return setmetatable({
		host = description.host,
		port = description.port,
		backup = description.backup,
		auth = description.auth,
		overload = description.overload,
		read_response = description.response,
		sock_meta = {
			__index = {
				read = raising(description.socket_read or socket.read),
				readline = raising(description.socket_readline or socket.readline),
			},
		},
		closed = false,
		epoch = 0,
	}, channel)
end

return M
