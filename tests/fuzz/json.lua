-- What decode takes can be encoded, and is the same when it is decoded again; what it refuses it
-- refuses with a text; neither takes more memory than its bytes are worth.
local json <const> = require "json"

local function same(a, b)
	if type(a) ~= "table" then
		return a == b and math.type(a) == math.type(b)
	elseif type(b) ~= "table" then
		return false
	end
	for key, value in next, a do
		if not same(value, b[key]) then
			return false
		end
	end
	for key in next, b do
		if a[key] == nil then
			return false
		end
	end
	return true
end

return function(text)
	local value <const>, why <const>, code <const> = json.decode(text)
	if value == nil then
		assert(code == "invalid" and why:find "^json: .+ at byte %d+$", why)
		assert(tonumber(why:match "%d+$") <= #text)
		return
	end
	local encoded <const> = json.encode(value)
	local again <const> = assert(json.decode(encoded) ~= nil and { json.decode(encoded) })[1]
	assert(same(value, again), encoded)
	assert(json.encode(again) == encoded)
end
