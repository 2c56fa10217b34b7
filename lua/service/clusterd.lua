-- Knows the cluster (docs/skynet-rules.md 1.8): where nodes are, which services here have names for
-- other nodes, who sends to a node (clustersender, one for each), who listens (clusteragent, one
-- for each address), and who stands for services elsewhere (clusterproxy). skynet.cluster asks it;
-- what fails is answered with nil and why.
--
-- The wire has no authentication: whoever connects may send anything to any service. Without
-- `cluster_public = true` in the configuration it listens on loopback addresses only.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local queue <const> = require "skynet.queue"
local socket <const> = require "skynet.socket"
require "skynet.manager"

local MAXCLIENT <const> = 1024
local PUBLIC <const> = skynet.getenv "cluster_public" == "true"

local nodes <const> = {} ---@type table<string, string|false>
local nowaiting = false
local names = {} ---@type table<string, integer>
local senders <const> = {} ---@type table<string, integer>
local proxies <const> = {} ---@type table<string, integer>
local agents <const> = {} ---@type integer[]
-- One launch at a time; proxies ask for senders while they start.
local launching <const> = { [senders] = queue(), [proxies] = queue() }

local command <const> = {}

-- The address of a service that is there; launches it first.
---@async
local function obtain(list, key, ...)
	return launching[list](function(...)
		local address <const> = list[key]
		if address and core.alive(address) then
			return address
		end
		list[key] = nil
		local new <const> = skynet.newservice(...)
		list[key] = new
		return new, true
	end, ...)
end

---------------------------------------------------------------- nodes

-- "host:port" -> host, port
local function split(address)
	local host <const>, port <const> = address:match "^(.+):(%d+)$"
	local number <const> = math.tointeger(tonumber(port))
	if number == nil or number > 65535 then
		return nil
	end
	return host:match "^%[(.*)%]$" or host, number
end

local function read_file(path)
	local file <close>, message <const> = io.open(path)
	if file == nil then
		error(message, 0)
	end
	local config <const> = {}
	assert(load(file:read "a", "@" .. path, "t", config))()
	return config
end

local function check(config)
	for name, address in pairs(config) do
		if type(name) ~= "string" then
			error("the name of a cluster node is a string", 0)
		elseif name:sub(1, 2) ~= "__" and address ~= false then
			if not name:match "^%S+$" then
				error("the name of a cluster node has no blanks: " .. name, 0)
			elseif type(address) ~= "string" or split(address) == nil then
				error(string.format('cluster node [%s] needs "host:port" or false', name), 0)
			end
		end
	end
end

local function tell_sender(node)
	skynet.send(senders[node], "lua", "node", nodes[node], nowaiting)
end

--- Takes nodes from a table, or from the file that the configuration names; those that it does
--- not have stay.
---@param config? table<string, string|boolean>
function command.reload(_, config)
	if config == nil then
		local path <const> = skynet.getenv "cluster"
		config = path and read_file(path) or {}
	end
	check(config)
	for name, address in pairs(config) do
		if name == "__nowaiting" then
			nowaiting = address and true or false
		elseif name:sub(1, 2) ~= "__" then
			nodes[name] = address
		end
	end
	for node in pairs(senders) do
		tell_sender(node)
	end
	return true
end

--- The service that sends to a node.
---@async
---@param node string
function command.sender(_, node)
	if type(node) ~= "string" or not node:match "^%S+$" then
		return nil, "the name of a cluster node is a string without blanks"
	end
	local address <const>, new <const> = obtain(senders, node, "clustersender", node)
	if new then
		tell_sender(node)
	end
	return address
end

function command.senders()
	return senders
end

--- The service that stands for one of another node.
---@async
function command.proxy(_, node, name)
	if name == nil then
		node, name = tostring(node):match "^([^@.]+)([@.].+)$"
	end
	if type(node) ~= "string" or not tostring(name):match "^%S+$" then
		return nil, "a proxy needs a node and a name"
	end
	return (obtain(proxies, node .. " " .. name, "clusterproxy", node, name))
end

---------------------------------------------------------------- names

-- Tells the names to those who listen; returns when they know.
---@async
local function publish()
	for _, agent in ipairs(agents) do
		pcall(skynet.call, agent, "lua", "names", names)
	end
end

--- Names a service for other nodes. It loses the name that it had.
---@async
function command.register(source, name, address)
	local owner <const> = names[name]
	if owner and core.alive(owner) then
		return nil, string.format("the name %s is taken", name)
	end
	address = address or source
	local changed <const> = { [name] = address }
	for other, registered in pairs(names) do
		if registered ~= address and other ~= name then
			changed[other] = registered
		end
	end
	names = changed
	publish()
	return true
end

---@async
function command.unregister(_, name)
	if names[name] then
		names[name] = nil
		publish()
	end
	return true
end

function command.queryname(_, name)
	return names[name]
end

---------------------------------------------------------------- listening

local function is_loopback(ip)
	return ip:match "^127%." ~= nil or ip == "::1"
end

-- The address of `host` to listen on; nil and why.
---@async
local function checked(host)
	if host == nil then
		return PUBLIC and "0.0.0.0" or "127.0.0.1"
	end
	local found <const>, list <const> = pcall(socket.resolve, host)
	if not found then
		return nil, tostring(list)
	end
	local ip <const> = list[1]
	if not PUBLIC and not is_loopback(ip) then
		return nil, string.format(
			"%s is not a loopback address: a cluster has no authentication, and listens there "
				.. "only with cluster_public = true in the configuration",
			host
		)
	end
	return ip
end

--- Listens for other nodes. Returns ip and port.
---@async
---@param where integer|string a port, the name of a node, or "host:port"
---@param maxclient? integer
function command.listen(_, where, maxclient)
	local host, port = nil, math.tointeger(where)
	if type(where) == "string" then
		local address <const> = nodes[where]
		if address == false then
			return nil, string.format("cluster node [%s] is down", where)
		end
		host, port = split(address or where)
		if host == nil then
			return nil, string.format("cluster node [%s] is absent", where)
		end
	end
	local ip <const>, why <const> = checked(host)
	if ip == nil then
		return nil, why
	end
	local agent <const> = skynet.newservice "clusteragent"
	agents[#agents + 1] = agent
	local bound <const>, real_port <const> =
		skynet.call(agent, "lua", "open", ip, port, maxclient or MAXCLIENT, names)
	if bound == nil then
		for i = #agents, 1, -1 do
			if agents[i] == agent then
				table.remove(agents, i)
			end
		end
		skynet.kill(agent)
	end
	return bound, real_port
end

---------------------------------------------------------------- start

local function answer(ok, ...)
	if ok then
		skynet.retpack(...)
	else
		skynet.retpack(nil, (...))
	end
end

skynet.dispatch("lua", function(_, source, name, ...)
	local f <const> = assert(command[name], "clusterd has no such command")
	answer(pcall(f, source, ...))
end)

skynet.start(function()
	command.reload()
end)
