-- The file of a snax service (docs/skynet-rules.md 1.9): where it is, and which functions it has.
--
-- It is looked for in the patterns of the configuration's `snax`, then of its `luaservice`. A
-- pattern with `?` in a folder's name (`x/?/main.lua`) adds `x/NAME/?.lua` to package.path.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

local SYSTEM <const> = { init = true, exit = true, hotfix = true }

---@class snax.Interface
---@field name string
---@field accept table<string, integer> functions without a reply -> the number that messages have
---@field response table<string, integer> functions with a reply
---@field system table<string, integer> what every service has

---@class snax.Functions
---@field accept table<string, function>
---@field response table<string, function>
---@field system table<string, function>
---@field order { group: string, name: string }[] of accept and response, as they were declared

---@param name string
---@return string file, string pattern the one that it matches
local function find(name)
	local tried <const> = {}
	for _, key in ipairs { "snax", "luaservice" } do
		for pattern in (skynet.getenv(key) or ""):gmatch "[^;]+" do
			local file <const>, message <const> = package.searchpath(name, pattern, "")
			if file then
				return file, pattern
			end
			tried[#tried + 1] = message
		end
	end
	error(string.format("cannot open snax service %s: %s", name, table.concat(tried)), 0)
end

local function load_file(file)
	local chunk <const>, message <const> = core.loadfile(file)
	return chunk or error(message, 0)
end

-- A table that puts the functions which it is given into a group.
local function collector(found, group)
	local functions <const> = found[group]
	return setmetatable({}, {
		__index = functions,
		__newindex = function(_, key, f)
			if type(key) ~= "string" or type(f) ~= "function" then
				error(string.format("%s is not a function with a name", tostring(key)), 2)
			end
			if functions[key] == nil then
				table.insert(found.order, { group = group, name = key })
			end
			functions[key] = f
		end,
	})
end

--- An environment that collects what a snax file, or a patch of one, declares. Other names are
--- those of `globals`.
---@param globals table
---@return table environment for use while the file's chunk runs
---@return snax.Functions
function M.environment(globals)
	local found <const> = { accept = {}, response = {}, system = {}, order = {} }
	local own <const> = {
		accept = collector(found, "accept"),
		response = collector(found, "response"),
	}
	local environment <const> = setmetatable({}, {
		__index = function(_, key)
			if SYSTEM[key] then
				return found.system[key]
			end
			local value <const> = own[key]
			if value ~= nil then
				return value
			end
			return globals[key]
		end,
		__newindex = function(_, key, value)
			if SYSTEM[key] then
				assert(type(value) == "function", key .. " is not a function")
				found.system[key] = value
			else
				globals[key] = value
			end
		end,
	})
	return environment, found
end

-- What modules are for somebody who only reads an interface: everything in them is there, and
-- nothing that is called does anything.
local nothing <const> = setmetatable({}, {
	__index = function(self)
		return self
	end,
	__newindex = function() end,
	__call = function() end,
})

local function reader_globals()
	local globals <const> = {
		require = function()
			return nothing
		end,
		print = function() end,
	}
	for _, name in ipairs {
		"assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "rawequal",
		"rawget", "rawlen", "rawset", "select", "setmetatable", "string", "table", "tonumber",
		"tostring", "type", "utf8", "xpcall",
	} do
		globals[name] = _ENV[name]
	end
	return globals
end

--- The functions that every service has, by their numbers.
M.SYSTEM = { "init", "exit", "hotfix", "profile" }

-- The system's functions have the first numbers, those of the file follow in its order.
local function numbered(found)
	local numbers <const> = { accept = {}, response = {}, system = {} }
	for number, name in ipairs(M.SYSTEM) do
		numbers.system[name] = number
	end
	for i, entry in ipairs(found.order) do
		numbers[entry.group][entry.name] = #M.SYSTEM + i
	end
	return numbers
end

local interfaces <const> = {} ---@type table<string, snax.Interface>

--- The functions of a snax service, without starting it. Its file runs in an environment where
--- modules do nothing. Raises when there is no such file, or it is faulty.
---@param name string
---@return snax.Interface
function M.interface(name)
	local interface = interfaces[name]
	if interface == nil then
		local chunk <const> = load_file(find(name))
		local environment <const>, found <const> = M.environment(reader_globals())
		debug.setupvalue(chunk, 1, environment)
		chunk()
		interface = numbered(found)
		interface.name = name
		interfaces[name] = interface
	end
	return interface
end

--- Runs the file in this VM, which becomes that service. Its globals are those of the VM.
---@param name string
---@return snax.Functions
function M.load(name)
	local file <const>, pattern <const> = find(name)
	local folder <const> = pattern:match "^(.*[/\\])[^/\\]*$"
	if folder and folder:find("?", 1, true) then
		package.path = folder:gsub("%?", name) .. "?.lua;" .. package.path
	end
	rawset(_ENV, "SERVICE_NAME", name)
	rawset(_ENV, "SERVICE_PATH", file:match "^.*[/\\]" or "")
	local chunk <const> = load_file(file)
	local environment <const>, found <const> = M.environment(_ENV)
	debug.setupvalue(chunk, 1, environment)
	chunk()
	rawset(_ENV, "accept", found.accept)
	rawset(_ENV, "response", found.response)
	debug.setupvalue(chunk, 1, _ENV) -- also that of its functions
	return found
end

return M
