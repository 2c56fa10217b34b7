-- Replaces functions of a running snax service (docs/skynet-rules.md 2.13).
--
-- A patch is the text of a file like the service's own. Its functions replace the service's of
-- the same name, which must exist. A local of the patch without a value is the service's local
-- of that name; one with a value is the patch's own. A function `hotfix` of the patch runs once,
-- afterwards. A patch that does not fit changes nothing.
local collect <const> = require "skynet.upvalues"
local interface <const> = require "snax.interface"

local GROUPS <const> = { "accept", "response", "system" }

-- The variables of all functions.
---@return table<string, skynet.Variable>
local function variables_of(functions)
	local variables <const>, seen <const> = {}, {}
	for _, group in ipairs(GROUPS) do
		for _, f in pairs(functions[group]) do
			collect(variables, seen, f)
		end
	end
	return variables
end

-- Joins the empty upvalues of f, and of the functions of the patch among its upvalues.
local function join(f, variables, seen)
	if seen[f] then
		return
	end
	seen[f] = true
	for i = 1, math.huge do
		local name <const>, value <const> = debug.getupvalue(f, i)
		if name == nil then
			return
		end
		local variable <const> = variables[name]
		if value == nil and variable then
			debug.upvaluejoin(f, i, variable.owner, variable.index)
		elseif type(value) == "function" then
			join(value, variables, seen)
		end
	end
end

--- Applies a patch. Raises when it is faulty or does not fit.
---@async
---@param functions snax.Functions those of the service
---@param source string
---@param ... any for the patch's hotfix function
---@return any ... its results
return function(functions, source, ...)
	local environment <const>, patch <const> = interface.environment(_ENV)
	local chunk <const>, message <const> = load(source, "=patch", "t", environment)
	if chunk == nil then
		error(message, 0)
	end
	chunk()
	local hotfix <const> = patch.system.hotfix
	patch.system.hotfix = nil
	for _, group in ipairs(GROUPS) do
		for name in pairs(patch[group]) do
			if functions[group][name] == nil then
				error(string.format("Patch mismatch %s.%s", group, name), 0)
			end
		end
	end

	debug.setupvalue(chunk, 1, _ENV) -- also that of its functions
	local variables <const>, seen <const> = variables_of(functions), {}
	for _, group in ipairs(GROUPS) do
		for name, f in pairs(patch[group]) do
			-- The variables of the function that it replaces come first.
			local own <const> = setmetatable({}, { __index = variables })
			collect(own, {}, functions[group][name])
			join(f, own, seen)
		end
	end
	if hotfix then
		join(hotfix, variables, seen)
	end
	for _, group in ipairs(GROUPS) do
		for name, f in pairs(patch[group]) do
			functions[group][name] = f
		end
	end
	if hotfix then
		return hotfix(...)
	end
end
