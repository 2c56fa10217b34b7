-- require "skynet.datasheet": tables that are filled as they are touched, plain from then on, and
-- follow every update in place (docs/skynet-rules.md 1.5, 2.13): the same tables, with new contents
-- after the next yield. What a service wrote into one is lost then. Integers and floats are exact.
-- Tables are made by skynet.datasheet.builder.
local tables <const> = require "gatehouse.tables"

local M <const> = {}

--- The table of a name; raises when there is none.
---@param name string
---@return table
function M.query(name)
	local sheet <const> = tables.view("datasheet", name)
	if sheet == nil then
		error(string.format("call failed: datasheet %s: create data first", name), 2)
	end
	return sheet
end

return M
