---@meta gatehouse.agent

-- What lua/service/msgagent.lua builds players on. Games do not call it: they get the same as
-- methods of gatehouse.Player. "The agent" is the one whose coroutine runs; functions that take an
-- address reach every agent of this VM and raise for any other.

---@class gatehouse.agent
local agent = {}

---@class gatehouse.AgentHandlers
---@field start async fun(uid: string, server: string, data: any) calls agent.ready(self)
---@field request async fun(self: table, content: string): string|number|nil
---@field connected? async fun(self: table)
---@field disconnected? async fun(self: table)
---@field logout? async fun(self: table, reason: string)
---@field last_save async fun(self: table) after logout, however that ended; then the agent ends
---@field commit async fun(self: table, reply: string) returns once it is durable, or raises
---@field rollback async fun(self: table) makes it what the store has; an error ends the player
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

--- Ends an agent without saving; whoever waits for an answer gets none.
---@param address integer
---@param reason string
---@param code? integer of the kick; 409 when left out: its data belongs to another process
function agent.abandon(address, reason, code) end

---@param address integer
---@return boolean
function agent.connected(address) end

---@param address integer
---@return string peer "ip:port", "" when the client is away
function agent.peer(address) end

--- Writes the agent's data to the store, unless the store has it already. For what cannot be
--- stored it tells operators, and raises where it is: "bag.items[3].on_use is a function". With the
--- running request's reply, both become durable together.
---@async
---@param data string|table
---@param reply? string
---@return boolean saved, string? code "fenced", "unavailable", "full" ...
---@return "never"|"again"|"lost"|nil outcome nothing was written, nor will be; not known or not
--- possible now, try again; not known, and trying again is of no use
function agent.save(data, reply) end

--- Reads what the store has.
---@async
---@return boolean loaded, any data or the code
---@return "never"|"again"|nil outcome
function agent.load() end

--- Whether it is not known what became of the running request's commit.
---@return boolean
function agent.undecided() end

---@return integer requests, integer saves of the agent that run now
function agent.at_work() end

--- The running task calls save() now, and has so many milliseconds for it; 0: those of its hook.
---@return integer
function agent.limit() end

--- The running task calls receive() for another player, which has the time of a request.
function agent.receiving() end

--- The running task waits for a better moment: it has no deadline until the next limit().
function agent.pause() end

--- A save failed for a reason that does not pass by itself: operators are told, and after
--- agent.save_failures_max in a row the player is logged out.
---@param why string
function agent.failed(why) end

--- There is nothing to save.
function agent.succeeded() end

--- In a request: its reply leaves once the commit handler returned.
function agent.commit() end

--- The agents of this VM that are ready.
---@return integer[] addresses
function agent.players() end

--- Runs f(self), a save, as a coroutine of an agent of this VM, after the current message.
---@param address integer
---@param f async fun(self: table)
---@return true|nil # nil: no such agent, it leaves, or the save before still runs
function agent.run(address, f) end

return agent
