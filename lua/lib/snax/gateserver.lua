-- A listener whose clients send frames of a 2-byte big-endian length (docs/skynet-rules.md 1.9,
-- 4.6): the mechanism below snax.msgserver and the service gate. It takes PTYPE_SOCKET for itself,
-- so that skynet.socket cannot be required in the same service.
--
-- Lua commands: open{address=, port=, maxclient=, backlog=} and close; the others go to the
-- handler. `open` puts the real address and port into the handler's configuration. `close` ends
-- the listener, not the clients.
--
-- Exactly `maxclient` clients are admitted; the handler never hears of others. A client with
-- BUSY_MAX frames in work is not read until half of them are done.
local driver <const> = require "skynet.socketdriver"
local netpack <const> = require "skynet.netpack"
local skynet <const> = require "skynet"

local M <const> = {}

local BUSY_MAX <const> = 1024

---@class snax.GateConfig
---@field address? string "0.0.0.0"
---@field port? integer 0: any; may be left out when the address has it
---@field maxclient? integer 1024
---@field backlog? integer
---@field nodelay? boolean connections never delay what is sent

---@class snax.GateHandler
---@field connect fun(fd: integer, address: string) it is not read before openclient(fd)
---@field message fun(fd: integer, message: lightuserdata, size: integer) takes the frame
---@field disconnect? fun(fd: integer) for each that was admitted, at its end
---@field error? fun(fd: integer, message: string)
---@field warning? fun(fd: integer, kilobytes: integer) unsent output; 0: it has left
---@field open? fun(source: integer, conf: snax.GateConfig): ... answers the open command
---@field command? fun(command: string, source: integer, ...): ...
---@field embed? boolean the service has been started already

---@class snax.GateClient
---@field fd integer
---@field open boolean its frames go to the handler
---@field busy integer frames in work
---@field paused boolean

local clients <const> = {} ---@type table<integer, snax.GateClient>
local count = 0
local maxclient = 0
local listener ---@type integer|nil
local queue
local handler ---@type snax.GateHandler

--- Begins to read a client.
---@param fd integer
function M.openclient(fd)
	local client <const> = clients[fd]
	if client and client.open then
		driver.start(fd)
	end
end

--- Sends what was written, and ends the client. Its frames are dropped from now on; disconnect
--- follows.
---@param fd integer
function M.closeclient(fd)
	local client <const> = clients[fd]
	if client and client.open then
		client.open = false
		driver.close(fd)
	end
end

---------------------------------------------------------------- frames

---@async
local function dispatch(fd, message, size)
	local client <const> = clients[fd]
	if not (client and client.open) then
		skynet.trash(message, size)
		skynet.error(string.format("Drop message from fd (%d) : %d bytes", fd, size))
		return
	end
	client.busy = client.busy + 1
	if client.busy == BUSY_MAX then
		client.paused = true
		driver.pause(fd)
	end
	local ok <const>, text <const> = xpcall(handler.message, debug.traceback, fd, message, size)
	client.busy = client.busy - 1
	if client.paused and client.busy <= BUSY_MAX // 2 then
		client.paused = false
		if client.open and clients[fd] == client then
			driver.start(fd)
		end
	end
	if not ok then
		skynet.error(text)
	end
end

-- Frames start in their order; one that waits does not hold up the next.
---@async
local function dispatch_queue()
	local fd, message, size = netpack.pop(queue)
	if fd == nil then
		return
	end
	skynet.fork(dispatch_queue)
	repeat
		dispatch(fd, message, size)
		fd, message, size = netpack.pop(queue)
	until fd == nil
end

---------------------------------------------------------------- events

local on <const> = { data = dispatch, more = dispatch_queue }

---@async
function on.open(fd, address)
	if count >= maxclient then
		driver.shutdown(fd)
		return
	end
	count = count + 1
	clients[fd] = { fd = fd, open = true, busy = 0, paused = false }
	local ok <const>, text <const> = xpcall(handler.connect, debug.traceback, fd, address)
	if not ok then
		skynet.error(text)
		M.closeclient(fd)
	end
end

---@async
function on.close(fd)
	local client <const> = clients[fd]
	if client == nil then
		return
	end
	clients[fd] = nil
	client.open = false
	count = count - 1
	if handler.disconnect then
		handler.disconnect(fd)
	end
end

---@async
function on.error(fd, text)
	local client <const> = clients[fd]
	if client == nil then
		return
	end
	driver.shutdown(fd)
	if handler.error then
		handler.error(fd, text)
	end
	on.close(fd)
end

---@async
function on.warning(fd, kilobytes)
	if clients[fd] and handler.warning then
		handler.warning(fd, kilobytes)
	end
end

---------------------------------------------------------------- commands

local command <const> = {}

---@async
---@param conf snax.GateConfig
function command.open(source, conf)
	assert(listener == nil, "the gate is open already")
	local address <const> = conf.address or "0.0.0.0"
	maxclient = conf.maxclient or 1024
	local id <const>, ip <const>, port <const> = driver.listen(address, conf.port, conf.backlog)
	listener = id
	conf.address, conf.port = ip, port
	skynet.error(string.format("Listen on %s:%d", ip, port))
	driver.start(id)
	if handler.open then
		return handler.open(source, conf)
	end
end

function command.close()
	local id <const> = assert(listener, "the gate is not open")
	listener = nil
	driver.close(id)
end

--- Makes this service a gate.
---@param gate_handler snax.GateHandler
function M.start(gate_handler)
	handler = gate_handler
	assert(handler.connect and handler.message, "a gate needs connect and message")
	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = function(message, size)
			return netpack.filter(queue, message, size)
		end,
		dispatch = function(_, _, q, kind, ...)
			queue = q
			local f <const> = on[kind]
			if f then
				f(...)
			end
		end,
	}
	local function take_commands()
		skynet.dispatch("lua", function(_, source, name, ...)
			local f <const> = command[name]
			if f then
				skynet.retpack(f(source, ...))
			else
				skynet.retpack(handler.command(name, source, ...))
			end
		end)
	end
	if handler.embed then
		take_commands()
	else
		skynet.start(take_commands)
	end
end

return M
