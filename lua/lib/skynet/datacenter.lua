-- require "skynet.datacenter": a tree of values that all services share; a message each
-- (docs/skynet-rules.md 1.5, 2.13). lua/service/datacenterd.lua keeps it.
local skynet <const> = require "skynet"

local M <const> = {}
local address ---@type integer|nil

---@async
local function ask(...)
	if address == nil then
		address = skynet.uniqueservice "datacenterd"
	end
	return skynet.call(address, "lua", ...)
end

--- The value at a path; nil when there is none. Raises when the path leads through a value that
--- is not a table.
---@async
---@param key any
---@return any
function M.get(key, ...)
	return ask("QUERY", key, ...)
end

--- Sets the value at a path: set(key, ..., value). Nil removes it.
---@async
---@param key any
---@return any # what was there before
function M.set(key, ...)
	return ask("UPDATE", key, ...)
end

--- The value at a path, once there is one. Raises when a value is set below the path first, or
--- the path leads through a value.
---@async
---@param key any
---@return any
function M.wait(key, ...)
	return ask("WAIT", key, ...)
end

return M
