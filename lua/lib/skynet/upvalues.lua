-- The upvalues of functions, by name. Yields nothing.

---@class skynet.Variable
---@field owner function
---@field index integer of the upvalue

-- Adds the upvalues of f, and of the functions in them, to `into`: name -> variable. The first
-- of a name stays. `seen`: the functions that were visited.
---@param into table<string, skynet.Variable>
---@param seen table<function, boolean>
---@param f function
local function collect(into, seen, f)
	if seen[f] then
		return
	end
	seen[f] = true
	for i = 1, math.huge do
		local name <const>, value <const> = debug.getupvalue(f, i)
		if name == nil then
			return
		end
		if name ~= "" and name ~= "_ENV" and rawget(into, name) == nil then
			into[name] = { owner = f, index = i }
		end
		if type(value) == "function" then
			collect(into, seen, value)
		end
	end
end

return collect
