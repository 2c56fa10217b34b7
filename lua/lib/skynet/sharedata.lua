-- require "skynet.sharedata": tables that all services read without a copy of their own
-- (docs/skynet-rules.md 1.5, 2.13). A table is kept once in the process; what query gives is a
-- read-only proxy that looks into it. Values: numbers, strings, booleans, tables; keys: strings,
-- integers. Nothing here waits for another service; an update is seen by others after they next
-- yield.
local tables <const> = require "gatehouse.tables"
local source <const> = require "skynet.tablesource"

local M <const> = {}

local FACE <const> = "sharedata"

local function failed(name, message)
	error(string.format("call failed: sharedata %s: %s", name, message), 3)
end

-- `value`: a table; nil for an empty one; Lua source whose globals, or result, are the table; or
-- "@file" with such source.
local function to_table(name, value, ...)
	if value == nil then
		return {}
	elseif type(value) == "table" then
		return value
	elseif type(value) ~= "string" then
		failed(name, "Unknown data type " .. type(value))
	end
	local result <const>, message <const> = source.globals(name, value, ...)
	return result or failed(name, message)
end

local function publish(mode, name, value, ...)
	local done <const>, message <const> =
		tables.publish(FACE, name, to_table(name, value, ...), mode)
	if not done then
		failed(name, message)
	end
end

--- Makes the table of a new name; raises when the name exists.
---@param name string
---@param value table|string|nil a table, Lua source, or "@file"
---@param ... any arguments of the source
function M.new(name, value, ...)
	publish("new", name, value, ...)
end

--- Replaces the table of a name, or makes it. Proxies follow: those of this service at once, all
--- others after the next yield of their service.
---@param name string
---@param value table|string|nil
function M.update(name, value, ...)
	publish("set", name, value, ...)
	tables.refresh()
end

--- Ends a name; who holds a proxy may read on.
---@param name string
function M.delete(name)
	if not tables.remove(FACE, name) then
		failed(name, "there is no such name")
	end
	tables.refresh()
end

--- The proxy of a name, the same one as long as it is held; raises when there is no such name.
---@param name string
---@return table
function M.query(name)
	return tables.view(FACE, name) or failed(name, "there is no such name")
end

--- Shows the newest versions at once and collects garbage.
function M.flush()
	tables.refresh()
	collectgarbage()
end

--- A plain copy of the table, or of what is below the keys, or nil.
---@param name string
---@param ... string|integer
---@return any
function M.deepcopy(name, ...)
	local exists <const>, value <const> = tables.copy(FACE, name, ...)
	if not exists then
		failed(name, "there is no such name")
	end
	return value
end

return M
