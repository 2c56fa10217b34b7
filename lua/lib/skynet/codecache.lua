-- skynet.cache, also require "skynet.codecache" (sk 1.1, 7.3): every file is compiled once for
-- all VMs and again when it has changed, so there is nothing to clear and nothing to switch.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

--- Does nothing.
function M.clear() end

local MODES <const> = { ON = true, OFF = true, EXIST = true }
local mode = "ON"

--- Returns the mode, after it was set; the mode changes nothing.
---@param new? "ON"|"OFF"|"EXIST"
---@return string
function M.mode(new)
	if new ~= nil then
		mode = assert(MODES[new] and new, "a mode is ON, OFF or EXIST")
	end
	return mode
end

--- loadfile that compiles a file once for all VMs.
---@return function|nil chunk, string? message
function M.loadfile(path, ...)
	if path == nil or select("#", ...) > 0 then
		return loadfile(path, ...)
	end
	return core.loadfile(path)
end

rawset(skynet, "cache", M)

return M
