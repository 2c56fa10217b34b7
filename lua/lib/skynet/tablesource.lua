-- Tables written as Lua source, for skynet.sharedata and skynet.sharetable
-- (docs/skynet-rules.md 1.5).
local M <const> = {}

local function chunk_of(name, text, environment)
	if text:sub(1, 1) == "@" then
		return loadfile(text:sub(2), "bt", environment)
	end
	return load(text, "=" .. name, "t", environment)
end

--- The globals that the source sets, or the table that it returns; nil and a message when it does
--- not compile or fails.
---@param name string of the chunk
---@param text string source, or "@file"
---@param ... any arguments of the chunk
---@return table|nil, string|nil
function M.globals(name, text, ...)
	local environment <const> = setmetatable({}, { __index = _ENV })
	local chunk <const>, message <const> = chunk_of(name, text, environment)
	if chunk == nil then
		return nil, message
	end
	local ok <const>, result <const> = pcall(chunk, ...)
	if not ok then
		return nil, tostring(result)
	end
	return type(result) == "table" and result or setmetatable(environment, nil)
end

--- The table that the chunk returns; nil and a message otherwise.
---@param chunk function|nil
---@param message string|nil why there is no chunk
---@return table|nil, string|nil
function M.result(chunk, message, ...)
	if chunk == nil then
		return nil, message
	end
	local ok <const>, result <const> = pcall(chunk, ...)
	if not ok then
		return nil, tostring(result)
	elseif type(result) ~= "table" then
		return nil, string.format("Not a table, it's a %s.", type(result))
	end
	return result
end

return M
