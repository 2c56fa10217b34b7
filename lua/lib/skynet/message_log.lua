-- Logs of the messages to a service (docs/skynet-rules.md 2.16, logon): a file HEXADDRESS.log in
-- the folder of the configuration's `logpath`.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

--- Begins to append the messages to a service to its file.
---@param address integer
---@return string|nil file, string? message
function M.start(address)
	local folder <const> = skynet.getenv "logpath"
	if folder == nil then
		return nil, "the configuration has no logpath"
	end
	local file <const> = string.format("%s/%08x.log", folder, address)
	local ok <const>, message <const> = core.log_messages(address, file)
	if not ok then
		return nil, message
	end
	return file
end

--- Ends it.
---@param address integer
---@return boolean|nil ok, string? message
function M.stop(address)
	return core.log_messages(address)
end

return M
