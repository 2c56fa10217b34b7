-- For cluster.lua, cluster_failures.lua and manager.lua: this process as a node that calls itself.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
require "skynet.manager"

local M <const> = {}

--- Starts a service that others call.
---@async
---@return integer address
function M.launch()
	return skynet.newservice "cluster_target"
end

--- What such a service was told, in order.
---@async
---@param service integer
---@return string
function M.notes_of(service)
	return skynet.call(service, "lua", "NOTES")
end

--- Opens the node `here`.
---@async
---@return string address "ip:port"
function M.open()
	local ip <const>, port <const> = cluster.open(0)
	local address <const> = ip .. ":" .. port
	cluster.reload { here = address }
	return address
end

return M
