-- An input is a replacement and a pattern, a line each, and a subject. Long ones, whose time grows
-- with a power of their length, are left out.
local ours <const> = require "string"
local stock <const> = stock

-- What a call gives, or its error without the place.
local function outcome(f, ...)
	local result <const> = table.pack(pcall(f, ...))
	for i = 1, result.n do
		result[i] = math.type(result[i]) or type(result[i]) .. " " .. tostring(result[i])
	end
	if not result[1] then
		result[2] = tostring(result[2])
	end
	return table.concat(result, ",")
end

local function all(library, subject, pattern)
	local found <const> = {}
	for a, b in library.gmatch(subject, pattern) do
		found[#found + 1] = tostring(a) .. tostring(b)
		if #found > 100 then
			break
		end
	end
	return table.concat(found, ";")
end

return function(input)
	local replacement <const>, pattern <const>, subject <const> =
		stock.match(input, "^([^\n]*)\n([^\n]*)\n(.*)$")
	if not subject or #pattern > 24 or #subject > 40 then
		return
	end
	for _, name in ipairs { "find", "match" } do
		local a <const> = outcome(ours[name], subject, pattern)
		assert(a == outcome(stock[name], subject, pattern), a)
	end
	local a <const> = outcome(ours.gsub, subject, pattern, replacement)
	assert(a == outcome(stock.gsub, subject, pattern, replacement), a)
	local b <const> = outcome(all, ours, subject, pattern)
	assert(b == outcome(all, stock, subject, pattern), b)
end
