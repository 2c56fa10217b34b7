---@meta json

-- JSON (RFC 8259). Integers stay integers, null is json.null, keys are written in order; at most
-- 128 levels.

---@class json
---@field null lightuserdata
local json = {}

--- Raises for what JSON cannot hold: functions, NaN, invalid UTF-8, a table that is neither an
--- array without holes nor an object, a cycle. An empty table is {}.
---@param value any
---@return string
function json.encode(value) end

--- An array is marked as one (see json.array).
---@param text string
---@return any value, string? message, string? code nil, what at which byte, and "invalid"
function json.decode(text) end

--- Marks a table as an array, so that it is one when it is empty too. The mark, like json.null,
--- goes with the value: into saved data, calls, shared tables, stm.
---@generic T: table
---@param list T
---@return T
function json.array(list) end

return json
