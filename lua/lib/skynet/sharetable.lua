-- require "skynet.sharetable": tables that are read at the speed of plain ones
-- (docs/skynet-rules.md 1.5). Each is kept once in the process; a service that queries one gets
-- empty Lua tables, which are filled one by one as they are touched and are plain from then on.
--
-- Not as in skynet, whose Lua machine shares the tables themselves: a service pays for what it
-- touches; a new key is refused, but a changed value of a filled table is not (nobody else sees
-- it); functions cannot be shared; `rawget`, `rawlen` and a `next` captured from `pairs` see
-- nothing in a table that was not touched yet.
local tables <const> = require "gatehouse.tables"
local source <const> = require "skynet.tablesource"

local M <const> = {}

local FACE <const> = "sharetable"

local function publish(name, value, message)
	local done
	if value then
		done, message = tables.publish(FACE, name, value, "set")
	end
	if not done then
		error(string.format("call failed: sharetable %s: %s", name, message), 3)
	end
end

--- The table that a file returns, under the file's name. Tables that were queried before stay as
--- they are until update.
---@param file string
---@param ... any arguments of the file
function M.loadfile(file, ...)
	local chunk <const>, message <const> = loadfile(file)
	publish(file, source.result(chunk, message, ...))
end

--- The table that the source returns; "@file" reads a file.
---@param name string
---@param text string
---@param ... any arguments of the source
function M.loadstring(name, text, ...)
	local chunk, message
	if text:sub(1, 1) == "@" then
		chunk, message = loadfile(text:sub(2))
	else
		chunk, message = load(text, nil, "t") -- it may come from anywhere: no bytecode
	end
	publish(name, source.result(chunk, message, ...))
end

---@param name string
---@param value table nil, numbers, strings, booleans and tables; keys strings or integers
function M.loadtable(name, value)
	assert(type(value) == "table", "sharetable.loadtable takes a table")
	publish(name, value)
end

--- The newest table of a name, or nil; the same one until a newer is loaded.
---@param name string
---@return table|nil
function M.query(name)
	return tables.view(FACE, name)
end

--- The tables of these names, or of all, by name.
---@param names? string[]
---@return table<string, table>
function M.queryall(names)
	local all <const> = {}
	for _, name in ipairs(names or tables.names(FACE)) do
		all[name] = tables.view(FACE, name)
	end
	return all
end

--- Turns all tables of these names that this service holds into the newest ones, in place: who
--- holds one, at whatever depth, sees the new contents. One whose place is gone raises when it is
--- touched.
---@param ... string
function M.update(...)
	for i = 1, select("#", ...) do
		tables.renew(FACE, (select(i, ...)))
	end
end

return M
