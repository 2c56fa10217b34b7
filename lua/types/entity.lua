---@meta entity

-- EntityMgr: which service represents which thing, e.g. ("player", "test1"). One table for the
-- process, read without a message; an entry vanishes when its service ends.

---@class entity
local entity = {}

--- An id is registered once: otherwise nil, a message and "exists".
---@param kind string
---@param id string|number
---@param actor? integer|string an address; this service when left out
---@return true|nil, string? message, string? code "exists", "not_found"
function entity.register(kind, id, actor) end

---@param kind string
---@param id string|number
---@return true|nil, string? message, string? code "not_found"
function entity.unregister(kind, id) end

---@param kind string
---@param id string|number
---@return integer|nil address
function entity.find(kind, id) end

--- find("player", uid): players are registered by their agents.
---@param uid string
---@return integer|nil address
function entity.online(uid) end

---@param kind string
---@return integer
function entity.count(kind) end

--- for id, address in entity.each(kind): the entries of this moment.
---@param kind string
---@return fun(): string, integer
function entity.each(kind) end

return entity
