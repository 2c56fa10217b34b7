-- require "skynet.service": unique services whose code is a function of the program instead of a
-- file (docs/skynet-rules.md 1.5). lua/service/service_provider.lua keeps their names.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}
local known <const> = {} -- name -> address
local provider ---@type integer|nil

---@async
local function ask(...)
	if provider == nil then
		provider = skynet.uniqueservice "service_provider"
	end
	return skynet.call(provider, "lua", ...)
end

-- The function's byte-code. It runs in another VM, where its upvalues would be missing.
local function code_of(f)
	assert(type(f) == "function", "a service is made of a function")
	local i = 1
	while true do
		local name <const> = debug.getupvalue(f, i)
		if name == nil then
			return string.dump(f)
		elseif name ~= "_ENV" then
			error("the function of a service has no upvalues, but this has " .. name, 3)
		end
		i = i + 1
	end
end

--- Starts the service `name` that consists of main(...), and waits until main has returned. When
--- it is there already, or being started, that one. Raises when main does.
---@async
---@param name string
---@param main async fun(...)
---@return integer address
function M.new(name, main, ...)
	local address <const> = ask("launch", name, code_of(main), ...)
	known[name] = address
	return address
end

--- The service's address; waits until it has been started. Raises when its start failed.
---@async
---@param name string
---@return integer address
function M.query(name)
	local address = known[name]
	if address == nil or not core.alive(address) then
		address = ask("query", name)
		known[name] = address
	end
	return address
end

--- Kills the service.
---@async
---@param name string
---@return boolean # false: there is none
function M.close(name)
	known[name] = nil
	return ask("close", name)
end

return M
