-- One connection of a socketchannel (docs/skynet-rules.md 1.4): who waits on it for an answer, and
-- the coroutine that reads the answers. A link that its channel has left still reads the answers
-- that came before the end, then it closes its socket.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local M <const> = {}

--- What is raised when the socket ended.
M.error = setmetatable({}, {
	__tostring = function()
		return "[Error: socket]"
	end,
})

-- What response functions read from; [1] is the socket's id.
---@class ChannelSocket
---@field read fun(self: ChannelSocket, n?: integer): string raises M.error at the end
---@field readline fun(self: ChannelSocket, separator?: string): string raises M.error at the end

-- Somebody who waits; the table is the token.
---@class ChannelWaiter
---@field read? fun(sock: ChannelSocket): boolean, any, any in order only
---@field parts? any[] of an answer in several parts
---@field done? boolean
---@field ok? boolean
---@field value? any

---@class ChannelLink
---@field fd integer
---@field private sock ChannelSocket
---@field private read_response? fun(sock: ChannelSocket): any, boolean, any, any
---@field private overload? fun(overloaded: boolean)
---@field private waiters ChannelWaiter[] in order, from first to last
---@field private first integer
---@field private last integer
---@field private sessions table<any, ChannelWaiter>
---@field private idle? boolean the reader waits for a waiter
---@field private overloaded boolean
---@field left? boolean the channel has another link, or none
---@field ended? boolean
local link <const> = {}
link.__index = link

--- Gives a waiter its result, once.
---@param waiter ChannelWaiter
function M.settle(waiter, ok, value)
	if not waiter.done then
		waiter.done, waiter.ok, waiter.value = true, ok, value
		skynet.wakeup(waiter)
	end
end

--- Waits for the result; raises it when it is not ok.
---@async
---@param waiter ChannelWaiter
function M.await(waiter)
	while not waiter.done do
		skynet.wait(waiter)
	end
	if not waiter.ok then
		error(waiter.value, 0)
	end
	return waiter.value
end

-- One part of an answer; `more` says that another follows. Returns whether it was the last.
local function deliver(waiter, ok, value, more)
	if ok and (more or waiter.parts) then
		waiter.parts = waiter.parts or {}
		table.insert(waiter.parts, value)
		value = waiter.parts
	end
	if ok and more then
		return false
	end
	M.settle(waiter, ok, value)
	return true
end

-- Reads the next answer in order; false when the link has ended.
---@async
local function read_next(self)
	local waiter <const> = self.waiters[self.first]
	local fine <const>, ok <const>, value <const>, more <const> = pcall(waiter.read, self.sock)
	if self.ended then
		return false
	elseif not fine then
		self:close(ok)
		return false
	end
	if deliver(waiter, ok, value, more) then
		self.waiters[self.first] = nil
		self.first = self.first + 1
	end
	return true
end

---@async
local function read_in_order(self)
	while not self.ended do
		if self.first <= self.last then
			read_next(self)
		elseif self.left then
			self:close(M.error)
		else
			self.idle = true
			skynet.wait(self)
			self.idle = nil
		end
	end
end

---@async
local function read_by_session(self)
	while not self.ended do
		local fine <const>, session <const>, ok <const>, value <const>, more <const> =
			pcall(self.read_response, self.sock)
		if self.ended then
			return
		elseif not fine then
			return self:close(session)
		end
		local waiter <const> = session ~= nil and self.sessions[session]
		if not waiter then
			skynet.error("socketchannel: an answer to nobody, session", session)
		elseif deliver(waiter, ok, value, more) then
			self.sessions[session] = nil
		end
	end
end

--- Takes over a connected socket.
---@param fd integer
---@param sock_meta table of the ChannelSocket
---@param read_response? function nil: answers come in order
---@param overload? fun(overloaded: boolean)
---@return ChannelLink
function M.new(fd, sock_meta, read_response, overload)
	local self <const> = setmetatable({
		fd = fd,
		sock = setmetatable({ fd }, sock_meta),
		read_response = read_response,
		overload = overload,
		waiters = {},
		first = 1,
		last = 0,
		sessions = {},
		overloaded = false,
	}, link)
	if overload then
		socket.warning(fd, function(_, kilobytes)
			self:set_overloaded(kilobytes > 0)
		end)
	end
	socket.onclose(fd, function()
		self:leave()
	end)
	skynet.fork(read_response and read_by_session or read_in_order, self)
	return self
end

function link:set_overloaded(overloaded)
	if overloaded ~= self.overloaded and self.overload then
		self.overloaded = overloaded
		skynet.fork(self.overload, overloaded)
	end
end

--- Adds who waits for an answer.
---@param response any the session; in order, the function that reads
---@return ChannelWaiter
function link:add(response)
	if not self.read_response then
		local waiter <const> = { read = response }
		self.last = self.last + 1
		self.waiters[self.last] = waiter
		if self.idle then
			skynet.wakeup(self)
		end
		return waiter
	end
	if self.sessions[response] then
		error("session " .. tostring(response) .. " waits already", 3)
	end
	local waiter <const> = {}
	self.sessions[response] = waiter
	return waiter
end

--- Whether requests may go out.
function link:usable()
	return not self.ended and not self.left and socket.disconnected(self.fd) == false
end

--- Gives the link up; those who wait already get what still comes.
function link:leave()
	self.left = true
	if self.idle then
		skynet.wakeup(self)
	end
end

--- Ends the link: whoever waits gets `reason`.
function link:close(reason)
	if self.ended then
		return
	end
	self.ended = true
	for i = self.first, self.last do
		M.settle(self.waiters[i], false, reason)
	end
	for _, waiter in pairs(self.sessions) do
		M.settle(waiter, false, reason)
	end
	self.waiters, self.first, self.last, self.sessions = {}, 1, 0, {}
	self:leave()
	self:set_overloaded(false)
	skynet.fork(socket.close, self.fd)
end

return M
