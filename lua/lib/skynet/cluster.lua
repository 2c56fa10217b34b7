-- require "skynet.cluster": services of other processes, of our kind or skynet's
-- (docs/skynet-rules.md 1.8, 2.1). lua/service/clusterd.lua keeps what all services of the process
-- share; lua/lib/skynet/cluster/ wire.lua tells the bytes.
--
-- A node that nobody has told of makes its callers wait until reload() tells, or fail under
-- __nowaiting. A service's messages to one node arrive in their order. A call raises
-- "call failed ..." when the other side raises or ends, when there is no connection, and when the
-- connection ends before the answer.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local wire <const> = require "skynet.cluster.wire"

local M <const> = {}

-- What this service knows of a node.
---@class cluster.Node
---@field sender? integer
---@field queue (cluster.Waiting|cluster.Push)[]|nil what waits for the sender, in order
---@field first integer of the queue
---@field opener? thread looks for the sender

---@class cluster.Waiting a coroutine; the table is its token
---@field turn? table token of who waits until the coroutine has sent its call
---@field sender? integer
---@field message? string why there is none

---@class cluster.Push
---@field address integer|string
---@field packed string

local nodes <const> = {} ---@type table<string, cluster.Node>
local clusterd ---@type integer|nil

---@async
local function ask(name, ...)
	clusterd = clusterd or skynet.uniqueservice "clusterd"
	return skynet.call(clusterd, "lua", name, ...)
end

-- The same; raises what clusterd answers instead of a result.
---@async
local function demand(...)
	local result <const>, message <const> = ask(...)
	if result == nil then
		error(message, 0)
	end
	return result, message
end

---------------------------------------------------------------- senders

local function push_to(sender, address, packed)
	return skynet.send(sender, "lua", "push", address, packed) ~= nil
end

-- The coroutine that opens a node may end with its service, of which a VM may have several: then
-- one of those who wait goes on.
local HandOver <const> = {
	__close = function(self)
		local node <const> = self.node
		node.opener = nil
		for i = node.first, node.queue and #node.queue or 0 do
			skynet.wakeup(node.queue[i])
		end
	end,
}

-- Finds the sender of a node, then lets go what waits, one after the other.
---@async
local function open(name, node)
	local _ <close> = setmetatable({ node = node }, HandOver)
	local ok <const>, sender <const>, message <const> = pcall(ask, "sender", name)
	local found <const> = ok and sender or nil
	local why <const> = not found and tostring(message or sender) or nil
	while node.queue[node.first] do -- more may come meanwhile
		local entry <const> = node.queue[node.first]
		node.first = node.first + 1
		if entry.packed == nil then
			entry.sender, entry.message, entry.turn = found, why, {}
			if skynet.wakeup(entry) then
				skynet.wait(entry.turn)
			end
		elseif found then
			push_to(found, entry.address, entry.packed)
		else
			skynet.error(string.format("a message to cluster node [%s] is lost: %s", name, why))
		end
	end
	node.queue = nil
	node.sender = found
end

local function begin(name, node)
	if node.opener == nil or coroutine.status(node.opener) == "dead" then
		node.opener = skynet.fork(open, name, node)
	end
end

-- What is known of a node: with a sender that is there, or with a queue.
local function node_of(name)
	local node = nodes[name]
	if node == nil or not (node.queue or (node.sender and core.alive(node.sender))) then
		assert(type(name) == "string", "the name of a cluster node is a string")
		node = { queue = {}, first = 1 }
		nodes[name] = node
	end
	if node.queue then
		begin(name, node)
	end
	return node
end

-- The sender of a node. The caller uses it without yielding before.
---@async
local function sender_of(name)
	local node <const> = node_of(name)
	if not node.queue then
		return node.sender
	end
	local entry <const> = {}
	table.insert(node.queue, entry)
	while entry.turn == nil do
		begin(name, node)
		skynet.wait(entry)
	end
	skynet.wakeup(entry.turn)
	if entry.sender == nil then
		error("call failed: " .. entry.message, 0)
	end
	return entry.sender
end

--- The service that sends to a node: "req" and "push" with an address and a packed message.
---@async
---@param node string
---@return integer address
function M.get_sender(node)
	return sender_of(node)
end

---------------------------------------------------------------- messages

local function pack(address, ...)
	if math.type(address) ~= "integer" or address < 0 or address > 0xffffffff then
		local named <const> = type(address) == "string" and #address > 0 and #address < 256
		assert(named, "a service of another node is a number, or a name of 1 to 255 bytes")
	end
	local message <const> = skynet.packstring(...)
	if #message > wire.MESSAGE_BYTES_MAX then
		error(string.format("a message of %d bytes is too long for a cluster", #message), 3)
	end
	return message
end

-- What a failed call raises: never without the words that scripts look for.
local function failure(text)
	if text:match "call failed$" then
		return "call failed"
	end
	return "call failed: " .. text
end

---@async
local function request(node, address, message)
	local ok <const>, result <const> =
		skynet.call(sender_of(node), "lua", "call", address, message)
	if not ok then
		error(failure(result), 0)
	end
	return core.unpack_foreign(result)
end

--- Calls a service of another node with a "lua" message.
---@async
---@param node string
---@param address integer|string a number, "@registered", ".name" or a name of that node
---@return any ...
function M.call(node, address, ...)
	return request(node, address, pack(address, ...))
end

--- Sends without an answer. What cannot be sent is lost, with a line in the log.
---@param node string
---@param address integer|string
function M.send(node, address, ...)
	local message <const> = pack(address, ...)
	local state = node_of(node)
	if not state.queue and not push_to(state.sender, address, message) then
		state = node_of(node)
	end
	if state.queue then
		table.insert(state.queue, { address = address, packed = message })
	end
end

--- The service that another node registered under a name; raises when there is none.
---@async
---@param node string
---@param name string
---@return integer address at that node
function M.query(node, name)
	return request(node, 0, skynet.packstring(name))
end

---------------------------------------------------------------- this node

--- Listens for other nodes: on a port, on the address that a node's name has, or on "host:port".
--- Raises for an address that is not loopback unless the configuration says cluster_public = true;
--- a port alone is that of 127.0.0.1 then, and of 0.0.0.0 with it.
---@async
---@param where integer|string
---@param maxclient? integer connections at a time, 1024
---@return string ip, integer port
function M.open(where, maxclient)
	return demand("listen", where, maxclient)
end

--- Takes the addresses of nodes: name = "host:port", false for one that is down; and __nowaiting.
--- Without a table it reads the file that the configuration names with `cluster`. Raises, and
--- changes nothing, when an address is malformed.
---@async
---@param config? table<string, string|boolean>
function M.reload(config)
	demand("reload", config)
end

--- Names a service, this one when the address is left out, for calls to "@name". Raises when the
--- name is taken. A service has one name, the last.
---@async
---@param name string
---@param address? integer
function M.register(name, address)
	assert(type(name) == "string", "a name is a string")
	assert(address == nil or math.type(address) == "integer", "an address is a number")
	demand("register", name, address)
end

---@async
---@param name string
function M.unregister(name)
	assert(type(name) == "string", "a name is a string")
	demand("unregister", name)
end

---------------------------------------------------------------- services of other nodes

--- A service here that stands for one of another node: it takes "lua" and "snax" messages.
---@async
---@param node string the node; or "node@name" or "node.name" alone
---@param address? integer|string as in call
---@return integer
function M.proxy(node, address)
	return (demand("proxy", node, address))
end

--- The object of a snax service of another node, which called snax.enablecluster().
---@async
---@param node string
---@param name string of its file, which has to be here, too
---@param address? integer|string left out: its unique service
---@return snax.Object
function M.snax(node, name, address)
	local snax <const> = require "skynet.snax"
	address = address or M.call(node, ".service", "QUERY", "snaxd", name)
	return snax.bind(M.proxy(node, address), name)
end

return M
