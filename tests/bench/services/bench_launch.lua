-- Starts and stops the services of a row.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

--- Launches a service, on the worker with this index if one is given.
---@async
---@param name string
---@param worker? integer
---@return integer address
function M.one(name, worker)
	if worker == nil then
		return skynet.newservice(name)
	end
	local address <const> = core.launch("snlua", name, worker)
	skynet.call(address, "lua", "ready")
	return address
end

--- `count` services; placement(i) is the worker of the i-th.
---@async
---@return integer[] addresses
function M.many(name, count, placement)
	local addresses <const> = {}
	for i = 1, count do
		addresses[i] = M.one(name, placement and placement(i))
	end
	return addresses
end

--- Returns when the services of these lists are gone.
---@async
function M.stop(...)
	for _, addresses in ipairs { ... } do
		for _, address in ipairs(addresses) do
			assert(not pcall(skynet.call, address, "lua", "exit"), "the service did not exit")
		end
	end
end

return M
