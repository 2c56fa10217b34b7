-- Hosts players: requires the game's actor module (agent.module) and runs one light service a
-- player on it. The life of a player: start -> ready -> requests, afk and resume -> logout, save,
-- exit. The agent service takes the steps; each has a deadline, and the next one follows however
-- it ends.
--
-- Many players share this VM, so module-level variables are shared by those players and no
-- others: keep a player's state in `self`.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local agent <const> = require "gatehouse.agent"
local entity <const> = require "entity"
local text_of <const> = require "skynet.error_text"

local settings <const> = agent.settings()

---@class gatehouse.ActorModule
---@field codec? "raw"|"json" what request() and push() speak; raw: strings
---@field concurrent? boolean requests of a player may overlap at yields
---@field load? fun(self: gatehouse.Player, data: any) data: what save() returned, nil at first
---@field request fun(self: gatehouse.Player, msg: any): any the reply
---@field receive? fun(self: gatehouse.Player, from: string, ...): ... send() and call() of others
---@field afk? fun(self: gatehouse.Player) the client is gone
---@field resume? fun(self: gatehouse.Player, resumed: boolean) the client is there; resumed: again
---@field save? fun(self: gatehouse.Player): any a string, or a table of plain values
---@field logout? fun(self: gatehouse.Player, reason: string)
---@field rollback? fun(self: gatehouse.Player) takes back what a failed commit changed; else: load

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

local function with_traceback(value)
	return debug.traceback(text_of(value), 2)
end

local FENCED <const> = "another process took the session over"

-- true, or false, a code of the store and what that means (agent.save). Raises why there is nothing
-- to store: save() failed, or its value cannot be stored. Operators are told of what does not pass
-- by itself.
---@async
---@param reply? string becomes durable with the data
local function save(self, reply)
	if module.save == nil then
		return true
	end
	agent.limit()
	local fine <const>, data <const> = xpcall(module.save, with_traceback, self)
	if not fine then
		local why <const> = "save() raises: " .. data
		agent.failed(why)
		error(why, 0)
	elseif data == nil then
		agent.succeeded()
		return true
	end
	return agent.save(data, reply)
end

-- A code of the store with the database's own words, for operators.
local function in_words(code)
	local words <const> = agent.why()
	return words == "" and code or code .. ": " .. words
end

-- Calls f(self, reply), which is `save` or agent.load, again and again while its outcome is not
-- known: not known is not "no". Its results. The time that passes is the store's, not the game's.
---@async
local function until_certain(self, f, reply)
	local pause = 20 -- centiseconds
	while true do
		local done <const>, code <const>, outcome <const> = f(self, reply)
		if done or outcome ~= "again" then
			return done, code, outcome
		end
		if pause == 20 then
			local text <const> = "%s@%s: the store does not answer yet: %s"
			core.log(text:format(self.uid, self.server, in_words(code)), "warn")
		end
		agent.pause()
		skynet.sleep(pause)
		pause = math.min(pause * 2, 500)
	end
end

-- The save before the agent ends. Tries again until the store has it (what it never takes goes to a
-- file, and ends the agent from outside); what save() itself does wrong, for agent.save_timeout_ms.
---@async
local function last_save(self)
	local pause = 20 -- centiseconds
	local give_up ---@type integer|nil
	while true do
		local limit <const> = agent.limit()
		local fine <const>, saved <const>, code <const> = pcall(save, self)
		agent.pause()
		if fine and saved then
			break
		elseif code == "fenced" then
			core.log(string.format("%s@%s is not saved: %s", self.uid, self.server, FENCED), "error")
			break
		elseif fine then
			give_up = nil
		else
			give_up = give_up or skynet.now() + limit // 10
			if skynet.now() + pause > give_up then
				break
			end
		end
		skynet.sleep(pause)
		pause = math.min(pause * 2, 500)
	end
	skynet.error(string.format("%s@%s is logout", self.uid, self.server))
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

--- Returns when what save() returns is durable, however long the store is away; raises when the
--- store refuses it for good.
---@async
function Player:flush()
	local fine <const>, saved <const>, code <const> = pcall(until_certain, self, save)
	if not (fine and saved) then
		error("flush failed: " .. (fine and in_words(code) or text_of(saved)), 2)
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
	if module.load then
		module.load(self, data)
	end
	agent.ready(self)
	skynet.error(uid .. " is login")
end

-- Returns when data and reply are durable, however long that takes. Raises when it is certain that
-- nothing was written, nor will be: what the request did is taken back then.
---@async
local function commit(self, reply)
	local fine <const>, saved <const>, code <const> = pcall(until_certain, self, save, reply)
	if fine and saved then
		return
	end
	local why <const> = fine and code or text_of(saved)
	if why == "fenced" then
		agent.abandon(self.address, FENCED)
	elseif agent.undecided() then
		agent.abandon(self.address, "it is not known what became of a commit: " .. why, 500)
	end
	error("commit failed: " .. (fine and in_words(why) or why), 0)
end

-- Makes `self` what the store has. An error ends the player without a save.
---@async
local function rollback(self)
	if module.rollback then
		module.rollback(self)
		return
	end
	assert(module.load, "neither rollback(self) nor load(self, data) is there")
	-- What other requests have changed meanwhile would be lost, and theirs be acknowledged.
	assert(agent.at_work() == 1, "other requests of the player run, and there is no rollback(self)")
	while select(2, agent.at_work()) > 0 do
		skynet.sleep(1)
	end
	local loaded <const>, data <const> = until_certain(self, agent.load)
	assert(loaded, data)
	module.load(self, data)
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
	logout = module.logout,
	last_save = last_save,
	commit = commit,
	rollback = rollback,
	concurrent = module.concurrent,
}

core.dispatch_light(skynet.PTYPE_LUA, function(session, _, command, ...)
	local self <const> = agent.self()
	if command ~= "receive" or module.receive == nil or self == nil then
		error("this player takes no message " .. text_of(command))
	end
	agent.receiving()
	if session == 0 then
		module.receive(self, ...)
	else
		skynet.retpack(module.receive(self, ...))
	end
end)

---------------------------------------------------------------- saving now and then

---@async
local function save_periodically(self)
	local fine <const>, saved <const>, code <const> = pcall(save, self)
	if not fine or saved then
		return -- operators know
	elseif code == "fenced" then
		core.log(string.format("%s@%s is fenced: %s", self.uid, self.server, FENCED), "error")
		agent.abandon(self.address, FENCED)
	end
end

local AT_ONCE <const> = 20 -- players whose saves start together

---@async
local function save_all()
	for i, address in ipairs(agent.players()) do
		agent.run(address, save_periodically)
		if i % AT_ONCE == 0 then
			skynet.sleep(1)
		end
	end
end

skynet.start(function()
	if settings.save_interval_ms == 0 or module.save == nil then
		return
	end
	local interval <const> = math.max(settings.save_interval_ms // 10, 1)
	skynet.fork(function()
		while true do
			skynet.sleep(interval)
			local fine <const>, message <const> = pcall(save_all)
			if not fine then -- memory is short; the next round comes all the same
				core.log("players are not saved in time: " .. text_of(message), "error")
			end
		end
	end)
end)
