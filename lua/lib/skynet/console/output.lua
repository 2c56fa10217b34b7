-- How the debug console prints (docs/skynet-rules.md 2.16): tables sorted by key, a line each.
local M <const> = {}

local function sorted_keys(t)
	local keys <const> = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		if math.type(a) and math.type(b) then
			return a < b
		end
		return tostring(a) < tostring(b)
	end)
	return keys
end

-- "k:v<TAB>k:v"
local function row(t)
	local parts <const> = {}
	for i, key in ipairs(sorted_keys(t)) do
		parts[i] = string.format("%s:%s", key, t[key])
	end
	return table.concat(parts, "\t")
end

--- The text of what a command returned; nil when there is nothing to print.
---@param value string|table|nil
---@return string|nil
function M.text(value)
	if type(value) ~= "table" then
		return value ~= nil and value ~= "" and tostring(value) or nil
	end
	local lines <const> = {}
	for i, key in ipairs(sorted_keys(value)) do
		local entry <const> = value[key]
		lines[i] = string.format("%s\t%s", key, type(entry) == "table" and row(entry) or entry)
	end
	return #lines > 0 and table.concat(lines, "\n") or nil
end

return M
