-- Clients with frames, whose messages go to a watchdog, or to an agent (docs/skynet-rules.md 1.9,
-- 4.6). `gated` of a configuration without scripts is C++ and does not use this.
--
-- Commands: open{address=, port=, maxclient=, watchdog=} -> address, port; the watchdog is the
-- caller unless it is named. forward(fd[, client[, agent]]): frames go to the agent, the caller
-- if it is not named, as PTYPE_CLIENT with session fd and source `client`, the gate without one.
-- accept(fd): frames go to the watchdog. kick(fd), close.
--
-- The watchdog gets ("lua", "socket", what, fd, ...): open with the address, data with the
-- frame, close, error with a text, warning with KiB. A client whose agent is gone, or takes no
-- more messages, is closed.
local gateserver <const> = require "snax.gateserver"
local skynet <const> = require "skynet"

local watchdog ---@type integer

---@class GateConnection
---@field agent? integer
---@field client? integer

local connections <const> = {} ---@type table<integer, GateConnection>

skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

local function tell(what, fd, ...)
	skynet.send(watchdog, "lua", "socket", what, fd, ...)
end

local handler <const> = {}

function handler.open(source, conf)
	watchdog = conf.watchdog or source
	return conf.address, conf.port
end

function handler.connect(fd, address)
	connections[fd] = {}
	tell("open", fd, address)
end

function handler.message(fd, message, size)
	local connection <const> = connections[fd]
	local agent <const> = connection.agent
	if agent == nil then
		tell("data", fd, skynet.tostring(message, size))
		skynet.trash(message, size)
	elseif not skynet.redirect(agent, connection.client, "client", fd, message, size) then
		skynet.error(string.format("Close fd (%d): %s takes no frames", fd, skynet.address(agent)))
		gateserver.closeclient(fd)
	end
end

function handler.disconnect(fd)
	connections[fd] = nil
	tell("close", fd)
end

function handler.error(fd, text)
	tell("error", fd, text)
end

function handler.warning(fd, kilobytes)
	tell("warning", fd, kilobytes)
end

local command <const> = {}

local function connection_of(fd)
	return assert(connections[fd], "no such client")
end

function command.forward(source, fd, client, agent)
	local connection <const> = connection_of(fd)
	connection.agent = agent or source
	connection.client = client or 0
	gateserver.openclient(fd)
end

function command.accept(_, fd)
	local connection <const> = connection_of(fd)
	connection.agent, connection.client = nil, nil
	gateserver.openclient(fd)
end

function command.kick(_, fd)
	gateserver.closeclient(fd)
end

function handler.command(name, source, ...)
	local f <const> = assert(command[name], "unknown command")
	return f(source, ...)
end

gateserver.start(handler)
