---@meta gatehouse.agent

-- What lua/service/msgagent.lua builds players on. Games do not call it: they get the same as
-- methods of gatehouse.Player. "The agent" is the one whose coroutine runs; functions that take an
-- address reach every agent of this VM and raise for any other.

---@class gatehouse.agent
local agent = {}

---@class gatehouse.AgentHandlers
---@field start async fun(uid: string, server: string, data: any) calls agent.ready(self) or exits
---@field request async fun(self: table, content: string): string|number|nil
---@field connected? async fun(self: table)
---@field disconnected? async fun(self: table)
---@field logout async fun(self: table, code: integer, reason: string) saves and exits
---@field commit async fun(self: table, reply: string) returns once the data is durable, or raises
---@field concurrent? boolean requests of a player may overlap

--- Makes this VM a host of players. Once, in the main chunk.
---@param handlers gatehouse.AgentHandlers
function agent.serve(handlers) end

---@return { module: string, save_interval_ms: integer }
function agent.settings() end

--- The player is loaded: answers the login with 200 and opens the session at the gate. Raises when
--- that fails.
---@param self table what the other handlers get
function agent.ready(self) end

--- The `self` given to ready; nil before.
---@return table|nil
function agent.self() end

---@param address integer
---@param content string
---@return true|nil, string? message
function agent.push(address, content) end

--- Starts the logout of an agent.
---@param address integer
---@param reason? string
function agent.kick(address, reason) end

--- Ends an agent without saving: its data belongs to another process.
---@param address integer
---@param reason string
function agent.abandon(address, reason) end

---@param address integer
---@return boolean
function agent.connected(address) end

---@param address integer
---@return string peer "ip:port", "" when the client is away
function agent.peer(address) end

--- Writes the agent's data to the store, unless the store has it already. Raises for what cannot
--- be stored. With the running request's reply, both become durable together.
---@async
---@param data string|table
---@param reply? string
---@return boolean saved, string? code "fenced", "unavailable", "full" ...
function agent.save(data) end

--- Says whether the agent holds data that the store has not taken so far: then its logout may
--- take longer than agent.logout_timeout_ms.
---@param flag boolean
function agent.saving(flag) end

--- In a request: its reply leaves once the commit handler returned.
function agent.commit() end

--- The agents of this VM that are ready.
---@return integer[] addresses
function agent.players() end

--- Runs f(self) as a coroutine of an agent of this VM, after the current message.
---@param address integer
---@param f async fun(self: table)
---@return true|nil # nil: no such agent
function agent.run(address, f) end

return agent
