-- require "skynet.harbor": names for the whole network (docs/skynet-rules.md 1.8), which is this
-- process: there is no other harbor to connect to, or to link with.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local manager <const> = require "skynet.manager"
local unsupported <const> = require "skynet.unsupported"

local M <const> = {}

local POLL_CS <const> = 10

--- Names a service, this one when the address is left out.
---@param name string without a dot, at most 15 characters
---@param address? integer
function M.globalname(name, address)
	manager.name(name, address or skynet.self())
end

--- The address of a name; waits until there is one.
---@async
---@param name string
---@return integer address
function M.queryname(name)
	local address = core.query(name)
	while address == nil do
		skynet.sleep(POLL_CS)
		address = core.query(name)
	end
	return address
end

for _, name in ipairs { "link", "connect", "linkmaster" } do
	M[name] = unsupported("harbor." .. name, "there is no other harbor")
end

return M
