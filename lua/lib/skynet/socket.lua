-- Sockets for services, with the functions of skynet's socket library (docs/skynet-rules.md 1.3,
-- 2.12). Bytes wait in C++ (skynet.socketdriver) until a reader takes them; this file makes
-- coroutines wait for them. UDP is in skynet.socket.udp.
--
-- What yields: open, read, readline, readall, block, close, start of a connection that another
-- thread still holds, resolve. Ids are those of the whole process; a socket is read by the
-- service that started it, one coroutine at a time.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local driver <const> = require "skynet.socketdriver"
local udp <const> = require "skynet.socket.udp"

local assert <const> = assert
local read <const> = driver.read
local readline <const> = driver.readline
local function wait(token) -- skynet.wait of that moment: see skynet.blocking
	return skynet.wait(token)
end
local wakeup <const> = skynet.wakeup

local M <const> = {}

-- id -> state of a socket that a service of this VM owns. The state is also the token on which
-- its reader waits.
---@class SocketState
---@field id integer
---@field connected boolean
---@field listening? boolean
---@field udp? boolean
---@field callback? fun(data: string, from: string) of UDP
---@field connecting? table token of who waits for the connection
---@field reader? boolean a coroutine reads
---@field closer? table token of who closes
---@field accept? fun(id: integer, address: string)
---@field on_close? fun(id: integer)
---@field on_closing? fun(id: integer)
---@field on_warning? fun(id: integer, kilobytes: integer)
local sockets <const> = {} ---@type table<integer, SocketState>
local waiting <const> = {} -- id -> { answer of an event } of start and resolve

---------------------------------------------------------------- events

local event <const> = {}

event[1] = function(id) -- data
	local s <const> = sockets[id]
	if s then
		wakeup(s)
	end
end

event[2] = function(id, _, address) -- connected
	local s <const> = sockets[id]
	if s and s.connecting then
		s.connected = true
		s.address = address
		wakeup(s.connecting)
	end
end

event[3] = function(id) -- ended
	local s <const> = sockets[id]
	if s == nil then
		return
	end
	s.connected = false
	wakeup(s)
	if s.closer then
		s.flushed = true
		wakeup(s.closer)
	end
	local on_close <const> = s.on_close
	if on_close and not s.closer then
		s.on_close = nil
		on_close(id)
	end
end

event[4] = function(id, new_id, address) -- accepted
	local s <const> = sockets[id]
	if s and s.accept then
		s.accept(new_id, address)
	else
		driver.close(new_id)
	end
end

local function answer(id, value, text)
	local entry <const> = waiting[id]
	if entry then
		waiting[id] = nil
		entry.value, entry.text = value, text
		wakeup(entry)
	end
end

event[5] = function(id, _, text) -- failed
	local s <const> = sockets[id]
	if s and s.connecting then
		s.failure = text
		wakeup(s.connecting)
	else
		answer(id, nil, text)
	end
end

event[7] = function(id, kilobytes) -- unsent output
	local s <const> = sockets[id]
	if s == nil then
		return
	elseif s.on_warning then
		s.on_warning(id, kilobytes)
	elseif kilobytes > 0 then
		core.log(
			string.format("WARNING: %d K bytes need to send out (fd = %d)", kilobytes, id),
			"warn"
		)
	end
end

event[8] = function(id) -- start again
	answer(id, true)
end

event[9] = function(id, _, text) -- resolved
	answer(id, true, text)
end

local function dispatch(_, _, kind, ...)
	local f <const> = event[kind]
	if f then
		f(...)
	end
end

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = driver.unpack,
	dispatch = dispatch,
}
core.dispatch_light(skynet.PTYPE_SOCKET, dispatch)

-- Waits for the event that answers `id`.
---@async
local function await_answer(id)
	local entry <const> = {}
	waiting[id] = entry
	wait(entry)
	return entry.value, entry.text
end

---------------------------------------------------------------- opening

--- Listens on a TCP port; connections wait until start(id, accept).
---@param host string "host", or "host:port" without a port
---@param port? integer 0: any
---@param backlog? integer
---@return integer id, string ip, integer port
function M.listen(host, port, backlog)
	local id <const>, ip <const>, real_port <const> = driver.listen(host, port, backlog)
	sockets[id] = { id = id, connected = false, listening = true }
	return id, ip, real_port
end

--- Begins to accept on a listener (f is called for each connection, in a coroutine of its own),
--- or to read from a connection: one that was accepted, or that another service abandoned.
---@async
---@param id integer
---@param f? fun(id: integer, address: string)
---@return integer|nil id, string? message
function M.start(id, f)
	local s <const> = sockets[id]
	if s and not s.listening then
		error("socket is not closed", 2)
	end
	if s or f then
		-- First, because connections may wait already.
		sockets[id] = { id = id, connected = false, listening = true, accept = f }
	end
	local started, message = driver.start(id, true)
	while started == false do
		await_answer(id)
		started, message = driver.start(id, true)
	end
	if not started then
		sockets[id] = s
		return nil, message
	end
	if not sockets[id] then
		sockets[id] = { id = id, connected = true }
	end
	return id
end

--- Connects.
---@async
---@param host string
---@param port? integer
---@return integer|nil id, string? message
function M.open(host, port)
	local id <const>, message <const> = driver.connect(host, port)
	if id == nil then
		return nil, message
	end
	local s <const> = { id = id, connected = false, connecting = {} }
	sockets[id] = s
	wait(s.connecting)
	s.connecting = nil
	if s.failure then
		sockets[id] = nil
		return nil, s.failure
	end
	return id
end

--- Reads from and writes to a copy of a descriptor of the process: a pipe, a terminal or a
--- socket. The descriptor itself stays open.
---@param os_fd integer
---@return integer|nil id, string? message
function M.bind(os_fd)
	local id <const>, message <const> = driver.bind(os_fd)
	if id == nil then
		return nil, message
	end
	sockets[id] = { id = id, connected = true }
	return id
end

--- The standard input of the process; nil and why when it is a file or /dev/null.
---@return integer|nil id, string? message
function M.stdin()
	return M.bind(0)
end

---------------------------------------------------------------- reading

local function owned(id)
	return assert(sockets[id], "the socket is not started here")
end

-- Waits until the driver says that a try can succeed; false when the socket was given away.
---@async
local function await_data(s)
	assert(not s.reader, "another coroutine reads this socket")
	s.reader = true
	wait(s)
	s.reader = nil
	if s.closer then
		wakeup(s.closer)
	end
	return sockets[s.id] == s
end

-- Runs `try` until it has an answer.
---@async
local function read_with(try, id, argument)
	local s <const> = owned(id)
	assert(not s.udp, "a UDP socket has a callback instead")
	assert(not s.reader, "another coroutine reads this socket")
	local data, rest = try(id, argument)
	while data == nil do
		if not await_data(s) then
			return false, ""
		end
		data, rest = try(id, argument)
	end
	if data == false then
		return false, rest
	end
	return data
end

--- Exactly n bytes, or whatever is there. At the end: false and the rest.
---@async
---@param id integer
---@param n? integer
---@return string|false data, string? rest
function M.read(id, n)
	return read_with(read, id, n)
end

--- The bytes up to a separator, without it. At the end: false and the rest.
---@async
---@param id integer
---@param separator? string "\n"
---@return string|false line, string? rest
function M.readline(id, separator)
	return read_with(readline, id, separator or "\n")
end

--- All bytes up to the end; false when it had come already and nothing was left.
---@async
---@param id integer
---@return string|false data
function M.readall(id)
	local connected <const> = owned(id).connected
	local data <const> = read_with(driver.readall, id)
	if data == "" and not connected then
		return false
	end
	return data
end

--- Waits for bytes: true, or false at the end.
---@async
---@param id integer
---@return boolean
function M.block(id)
	return (read_with(driver.block, id))
end

--- Stops reading until the next read.
---@param id integer
function M.pause(id)
	driver.pause(id)
end

--- Closes the socket when more than this is unread, unless a read of a size waits; nil: never.
---@param id integer
---@param bytes? integer
function M.limit(id, bytes)
	owned(id)
	driver.limit(id, bytes or 0)
end

---------------------------------------------------------------- writing

local function write_with(send, id, data, size)
	if type(data) == "table" then
		data = table.concat(data)
	end
	local s <const> = sockets[id]
	if s and s.udp then
		udp.check(data)
	end
	return send(id, data, size)
end

--- Queues a string, a list of strings, or a packed message (pointer, size; it is freed). On a
--- UDP socket: sends one datagram to whom it is connected to.
---@param id integer
---@return boolean written false when the socket has ended
function M.write(id, data, size)
	return write_with(driver.send, id, data, size)
end

--- The same for what may wait until all that write() queued has left.
---@param id integer
---@return boolean written
function M.lwrite(id, data, size)
	return write_with(driver.lsend, id, data, size)
end

---------------------------------------------------------------- ending

-- Whether a reader has left the socket that is being closed.
---@async
local function await_reader(s)
	wakeup(s)
	while s.reader do
		wait(s.closer)
	end
end

--- Sends what was written, waits for the coroutine that reads (it gets false and the rest), and
--- closes. Does nothing for a socket that is not owned here.
---@async
---@param id integer
function M.close(id)
	local s <const> = sockets[id]
	if s == nil or s.closer then
		return
	end
	if s.listening or s.udp then
		sockets[id] = nil
		driver.close(id)
		return
	end
	s.closer = {}
	if s.on_closing then
		s.on_closing(id)
	end
	local flushing <const> = driver.close(id)
	s.connected = false
	await_reader(s)
	while flushing and not s.flushed do
		wait(s.closer)
	end
	-- It may have been abandoned meanwhile.
	if sockets[id] == s then
		sockets[id] = nil
		driver.release(id)
	end
end

--- Closes a socket that is not owned here.
---@param id integer
function M.close_fd(id)
	assert(sockets[id] == nil, "use socket.close for a socket of this service")
	driver.close(id)
end

--- Ends the connection now; what was not sent is lost. Call close later.
---@param id integer
function M.shutdown(id)
	driver.shutdown(id)
end

--- Gives the socket up without closing it, for another service to start. Bytes that were not
--- read go with it. A coroutine that reads gets false, "".
---@param id integer
function M.abandon(id)
	local s <const> = sockets[id]
	if s == nil then
		return
	end
	sockets[id] = nil
	s.connected = false
	driver.abandon(id)
	wakeup(s)
	if s.closer then
		wakeup(s.closer)
	end
end

---------------------------------------------------------------- state

--- Calls f(id) once when the connection ends, unless this service closes it first.
---@param id integer
---@param f fun(id: integer)
function M.onclose(id, f)
	owned(id).on_close = f
end

--- Calls f(id) when this service closes the connection: what f writes is sent before. It neither
--- yields nor raises.
---@param id integer
---@param f? fun(id: integer)
function M.onclosing(id, f)
	owned(id).on_closing = f
end

--- Calls f(id, kilobytes) when unsent output passes 1 MiB and each doubling, and with 0 when it
--- has left.
---@param id integer
---@param f fun(id: integer, kilobytes: integer)
function M.warning(id, f)
	owned(id).on_warning = f
end

---@param id integer
---@return boolean
function M.invalid(id)
	return sockets[id] == nil
end

---@param id integer
---@return boolean|nil
function M.disconnected(id)
	local s <const> = sockets[id]
	if s then
		return not (s.connected or s.connecting)
	end
end

--- The integer that 1 to 4 bytes hold, the highest first.
---@type fun(bytes: string): integer
M.header = driver.header

--- The sockets of the process: id, type ("TCP", "LISTEN", "UDP", "BIND"), address (of the owner),
--- rtime, and sock and accept, or peer, read, write, wbuffer, wtime, reading, writing.
---@return skynet.SocketInfo[]
function M.netstat()
	return driver.info()
end

--- The addresses of a host; raises when it has none.
---@async
---@param host string
---@return string[]
function M.resolve(host)
	local found <const>, text <const> = await_answer(driver.resolve(host))
	if not found then
		error(text, 2)
	end
	local list <const> = {}
	for ip in text:gmatch "[^\n]+" do
		list[#list + 1] = ip
	end
	return list
end

udp.add_to(M, sockets, event)

return M
