-- require "skynet.datasheet.builder": makes and replaces the tables of skynet.datasheet
-- (docs/skynet-rules.md 1.5). Every service sees a change after its next yield.
local skynet <const> = require "skynet"
local tables <const> = require "gatehouse.tables"

local M <const> = {}

local COMPILED <const> = "datasheet\0"

local function publish(mode, name, value)
	if type(value) == "string" then
		assert(value:sub(1, #COMPILED) == COMPILED, "a string that compile did not make")
		value = skynet.unpack(value:sub(#COMPILED + 1))
	end
	local done <const>, message <const> = tables.publish("datasheet", name, value, mode)
	if not done then
		error(string.format("datasheet %s: %s", name, message), 3)
	end
end

--- Makes the table of a new name; raises when the name exists.
---@param name string
---@param value table|string a table, or what compile made
function M.new(name, value)
	publish("new", name, value)
end

--- Replaces the table of a name; raises when there is none.
---@param name string
---@param value table|string
function M.update(name, value)
	publish("replace", name, value)
end

--- A table as a string, to be kept or sent, and given to new or update.
---@param value table
---@return string
function M.compile(value)
	return COMPILED .. skynet.packstring(value)
end

return M
