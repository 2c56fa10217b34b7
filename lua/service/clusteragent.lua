-- Serves the other nodes of the cluster (docs/skynet-rules.md 1.8, 4.7) on one address: each
-- request of a connection becomes a message to the service that it names. clusterd starts it and
-- tells it the names that services registered.
--
-- A connection that breaks the rules of the wire is closed with a line in the log, and with it go
-- its unfinished messages. One that does not read its answers is not read either.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local socket <const> = require "skynet.socket"
local wire <const> = require "skynet.cluster.wire"

local RUNNING_MAX <const> = 10000 -- requests of one connection that are not answered yet
local UNSENT_KB_STOP <const> = 8192 -- unread answers at which requests wait
local UNSENT_KB_MAX <const> = 1 << 20 -- and at which the connection ends
local REPORT_CS <const> = 100

---@class cluster.Connection
---@field fd integer
---@field peer string "ip:port"
---@field parts cluster.Assembler
---@field running integer
---@field full boolean too many answers are unread

local command <const> = {}
local names = {} ---@type table<string, integer>
local connections = 0
local connections_max = 0
local lost <const> = { count = 0 } -- pushes since the last report

---------------------------------------------------------------- requests

local function answer(connection, session, ok, data)
	if ok and #data > wire.MESSAGE_BYTES_MAX then
		ok, data = false, string.format("an answer of %d bytes is too long", #data)
	end
	socket.write(connection.fd, wire.answer(session, ok, data))
end

-- Where a request goes: an address, or a name that skynet.call knows; nil and why.
local function target_of(address)
	if type(address) == "number" or address:byte() ~= string.byte "@" then
		return address
	end
	local registered <const> = names[address:sub(2)]
	if registered == nil then
		return nil, "Invalid name " .. address
	end
	return registered
end

-- A request to the address 0: which service a name stands for.
local function look_up(message)
	local ok <const>, name <const> = pcall(core.unpack_foreign, message)
	local address <const> = ok and names[name]
	if not address then
		return false, "name not found"
	end
	return true, skynet.packstring(address)
end

---@async
local function call(address, message)
	if address == 0 then
		return look_up(message)
	end
	local target <const>, why <const> = target_of(address)
	if target == nil then
		return false, why
	end
	local ok <const>, reply <const>, size <const> =
		pcall(skynet.rawcall, target, skynet.PTYPE_LUA, message)
	if not ok then
		return false, tostring(reply)
	end
	return true, skynet.tostring(reply, size)
end

local function report_lost()
	skynet.error(string.format("%d pushes lost, the last one to %s", lost.count, lost.address))
	lost.count = 0
end

local function push(_, request)
	local target <const> = request.address ~= 0 and target_of(request.address) or nil
	local ok <const>, queued <const> = pcall(skynet.rawsend, target, skynet.PTYPE_LUA, request.data)
	if not ok or not queued then
		lost.address = tostring(request.address)
		lost.count = lost.count + 1
		if lost.count == 1 then
			skynet.timeout(REPORT_CS, report_lost)
		end
	end
end

---@async
local function serve_request(connection, request)
	local ok <const>, data <const> = call(request.address, request.data)
	connection.running = connection.running - 1
	answer(connection, request.session, ok, data)
end

-- Takes a frame. Nil and why when the connection has to be closed.
local function take(connection, body)
	local frame <const>, message <const> = wire.parse_request(body)
	if frame == nil then
		return nil, message
	end
	local request <const>, why <const> = connection.parts:take(frame)
	if request == nil then
		return nil, why
	elseif not request or request.kind == "trace" then
		return true
	elseif request.push then
		-- Forked like requests, to stay in their order.
		skynet.fork(push, connection, request)
	elseif connection.running >= RUNNING_MAX then
		answer(connection, request.session, false, "too many requests wait for their answers")
	else
		connection.running = connection.running + 1
		skynet.fork(serve_request, connection, request)
	end
	return true
end

---------------------------------------------------------------- connections

local function watch_output(connection)
	socket.warning(connection.fd, function(fd, kilobytes)
		if kilobytes >= UNSENT_KB_MAX then
			skynet.error(string.format("cluster: %s does not read its answers", connection.peer))
			socket.shutdown(fd)
		end
		connection.full = kilobytes >= UNSENT_KB_STOP
		if not connection.full then
			skynet.wakeup(connection)
		end
	end)
	socket.onclose(connection.fd, function()
		connection.full = false
		skynet.wakeup(connection)
	end)
end

-- Reads until the end. Returns nil, or why it has to be closed.
---@async
local function read_frames(connection)
	while true do
		while connection.full do
			skynet.wait(connection)
		end
		local header <const> = socket.read(connection.fd, 2)
		local body <const> = header and socket.read(connection.fd, string.unpack(">I2", header))
		if not body then
			return nil
		end
		local ok <const>, why <const> = take(connection, body)
		if not ok then
			return why
		end
	end
end

---@async
local function serve(fd, peer)
	if connections >= connections_max then
		skynet.error(string.format("cluster: refused %s, there are %d", peer, connections))
		socket.close_fd(fd)
		return
	end
	connections = connections + 1
	if socket.start(fd) then
		local connection <const> =
			{ fd = fd, peer = peer, parts = wire.assembler(), running = 0, full = false }
		watch_output(connection)
		local _, why <const> = pcall(read_frames, connection)
		if why then
			skynet.error(string.format("cluster: closed %s: it sent %s", peer, tostring(why)))
		end
		socket.close(fd)
	end
	connections = connections - 1
end

--- From clusterd: listens. Returns ip and port; or nil and why.
---@async
---@param host string
---@param port integer
---@param maxclient integer
---@param registered table<string, integer>
function command.open(host, port, maxclient, registered)
	names = registered
	connections_max = maxclient
	local ok <const>, id <const>, ip <const>, real_port <const> = pcall(socket.listen, host, port)
	if not ok then
		return nil, tostring(id)
	end
	socket.start(id, serve)
	return ip, real_port
end

--- From clusterd: the names that services registered have changed.
---@param registered table<string, integer>
function command.names(registered)
	names = registered
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f <const> = assert(command[name], "clusteragent has no such command")
	skynet.retpack(f(...))
end)

skynet.start(function() end)
