-- Parts of a URL's path and query (docs/skynet-rules.md 1.10; RFC 3986 section 2.1, and the form
-- encoding of the URL standard, where + is a blank).
local M <const> = {}

local function decode(text)
	return (text:gsub("%+", " "):gsub("%%(%x%x)", function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

--- Takes "path?query" apart.
---@param url string
---@return string path decoded
---@return string query as it is, for parse_query
function M.parse(url)
	local path <const>, query <const> = url:match "^([^?]*)%??(.*)$"
	return decode(path), query
end

--- The names and values of a query. A name that comes again has the list of its values; a name
--- without = has "".
---@param query string
---@return table<string, string|string[]>
function M.parse_query(query)
	local values <const> = {}
	for part in query:gmatch "[^&]+" do
		local name, value = part:match "^([^=]*)=(.*)$"
		name, value = decode(name or part), decode(value or "")
		local before <const> = values[name]
		if before == nil then
			values[name] = value
		elseif type(before) == "table" then
			before[#before + 1] = value
		else
			values[name] = { before, value }
		end
	end
	return values
end

return M
