-- Hosts players: requires the game's actor module (agent.module) and runs one light service a
-- player on it. The life of a player (DESIGN section 1): start -> ready -> requests, afk and
-- resume -> logout, save, exit.
--
-- Many players share this VM, so module-level variables are shared by those players and no
-- others: keep a player's state in `self`.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local agent <const> = require "gatehouse.agent"
local entity <const> = require "entity"

local settings <const> = agent.settings()

---@class gatehouse.ActorModule
---@field codec? "raw"|"json" what request() and push() speak; raw: strings
---@field concurrent? boolean requests of a player may overlap at yields
---@field load? fun(self: gatehouse.Player, data: any) data: what save() returned, nil at first
---@field request fun(self: gatehouse.Player, msg: any): any the reply
---@field receive? fun(self: gatehouse.Player, from: string, ...): ... send() and call() of others
---@field afk? fun(self: gatehouse.Player) the client is gone
---@field resume? fun(self: gatehouse.Player) the client is back, or there for the first time
---@field save? fun(self: gatehouse.Player): any a string, or a table of plain values
---@field logout? fun(self: gatehouse.Player, reason: string)

---@return gatehouse.ActorModule
local function load_module(name)
	if name:sub(-4) == ".lua" then
		return assert(core.loadfile(name))()
	end
	return require(name)
end

local module <const> = load_module(settings.module)
assert(type(module) == "table", settings.module .. " must return a table")
assert(type(module.request) == "function", settings.module .. " has no function request(self, msg)")
local codec <const> = module.codec or "raw"
assert(codec == "raw" or codec == "json", settings.module .. ": codec is raw or json")
local json <const> = codec == "json" and require "json" or nil

---------------------------------------------------------------- saving

-- true, or false and a code. Yields.
---@async
---@param reply? string becomes durable with the data
local function save(self, reply)
	local data <const> = module.save and module.save(self)
	if data == nil then
		return true
	end
	return agent.save(data, reply)
end

local FENCED <const> = "another process took the session over"

-- Saves, and tries again as long as the store is away; false when the data is not ours any more
-- or save() fails.
---@async
local function save_for_good(self)
	local pause = 20 -- centiseconds
	while true do
		agent.saving(true)
		local fine <const>, saved <const>, code <const> = pcall(save, self)
		if not fine or saved or code == "fenced" or code == "invalid" then
			agent.saving(false)
			if not fine then
				core.log(string.format("%s@%s is not saved: %s", self.uid, self.server, saved), "error")
			elseif not saved then
				core.log(string.format("%s@%s is not saved: %s", self.uid, self.server, code), "error")
			end
			return fine and saved
		end
		core.log(string.format("%s@%s is not saved yet: %s", self.uid, self.server, code), "warn")
		skynet.sleep(pause)
		pause = math.min(pause * 2, 500)
	end
end

---------------------------------------------------------------- self

---@class gatehouse.Player
---@field uid string
---@field server string
---@field address integer of the agent
local Player <const> = {}
Player.__index = Player

--- Sends a push to the client; kept for its return when it is away. true, or nil and why.
function Player:push(msg)
	return agent.push(self.address, json and json.encode(msg) or msg)
end

--- Ends this player's session: the client is told the reason.
---@param reason? string
function Player:kick(reason)
	agent.kick(self.address, reason)
end

---@return boolean
function Player:connected()
	return agent.connected(self.address)
end

--- "ip:port" of the client, "" when it is away.
---@return string
function Player:peer()
	return agent.peer(self.address)
end

--- Runs receive(other, self.uid, ...) at another player; false when that one is not online.
---@param uid string
---@return boolean
function Player:send(uid, ...)
	local address <const> = entity.online(uid)
	return address ~= nil and skynet.send(address, "lua", "receive", self.uid, ...) == 0
end

--- The same with an answer: receive's results, or nil and "offline". Raises when receive does.
---@async
---@param uid string
function Player:call(uid, ...)
	local address <const> = entity.online(uid)
	if address == nil then
		return nil, "offline"
	end
	return skynet.call(address, "lua", "receive", self.uid, ...)
end

--- Returns when what save() returns is durable; raises when that fails.
---@async
function Player:flush()
	local saved <const>, code <const> = save(self)
	if not saved then
		error("flush failed: " .. code)
	end
end

--- In a request: its reply leaves only once data and reply are durable, together. A client that
--- asks again, even after a crash of the server, gets this reply and the work is not done twice
--- (extended handshake with a conversation).
function Player.commit()
	assert(module.save, "commit needs a function save(self)")
	agent.commit()
end

---------------------------------------------------------------- the life of a player

---@async
local function start(uid, server, data)
	local self <const> = setmetatable({ uid = uid, server = server, address = skynet.self() }, Player)
	local ok <const>, message <const> = xpcall(function()
		if module.load then
			module.load(self, data)
		end
		agent.ready(self)
	end, debug.traceback)
	if ok then
		skynet.error(uid .. " is login")
	else
		core.log(string.format("%s@%s cannot start: %s", uid, server, message), "error")
		skynet.exit()
	end
end

---@async
local function logout(self, _, reason)
	if module.logout then
		local ok <const>, message <const> = xpcall(module.logout, debug.traceback, self, reason)
		if not ok then
			core.log(string.format("logout of %s failed: %s", self.uid, message), "error")
		end
	end
	save_for_good(self)
	skynet.error(string.format("%s@%s is logout", self.uid, self.server))
	skynet.exit()
end

---@async
local function commit(self, reply)
	local saved <const>, code <const> = save(self, reply)
	if not saved then
		error("commit failed: " .. code)
	end
end

local request = module.request
if json then
	request = function(self, content)
		local msg <const>, message <const> = json.decode(content)
		if msg == nil and message then
			error(message, 0)
		end
		return json.encode(module.request(self, msg))
	end
end

agent.serve {
	start = start,
	request = request,
	connected = module.resume,
	disconnected = module.afk,
	logout = logout,
	commit = commit,
	concurrent = module.concurrent,
}

core.dispatch_light(skynet.PTYPE_LUA, function(session, _, command, ...)
	local self <const> = agent.self()
	if command ~= "receive" or module.receive == nil or self == nil then
		error("this player takes no message " .. tostring(command))
	elseif session == 0 then
		module.receive(self, ...)
	else
		skynet.retpack(module.receive(self, ...))
	end
end)

---------------------------------------------------------------- saving now and then

---@async
local function save_periodically(self)
	local fine <const>, saved <const>, code <const> = pcall(save, self)
	if not fine then
		core.log(string.format("save of %s failed: %s", self.uid, saved), "error")
	elseif not saved and code == "fenced" then
		core.log(string.format("%s@%s is fenced: %s", self.uid, self.server, FENCED), "error")
		agent.abandon(self.address, FENCED)
	elseif not saved then
		core.log(string.format("%s@%s is not saved yet: %s", self.uid, self.server, code), "warn")
	end
end

skynet.start(function()
	if settings.save_interval_ms == 0 or module.save == nil then
		return
	end
	local interval <const> = math.max(settings.save_interval_ms // 10, 1)
	local AT_ONCE <const> = 20 -- players whose saves start together
	skynet.fork(function()
		while true do
			skynet.sleep(interval)
			for i, address in ipairs(agent.players()) do
				agent.run(address, save_periodically)
				if i % AT_ONCE == 0 then
					skynet.sleep(1)
				end
			end
		end
	end)
end)
