-- skynet.cache, also require "skynet.codecache" (docs/skynet-rules.md 1.1, 7.3): every file is read
-- and compiled once for all VMs, and stays what it was until the cache is cleared.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

local M <const> = {}

--- Services that start from now on get the files as they are now; those that run keep what they
--- have. Raises, and clears nothing, when a file that is in use does not compile any more.
function M.clear()
	core.clear_code()
end

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

--- loadfile that reads and compiles a file once for all VMs.
---@return function|nil chunk, string? message
function M.loadfile(path, ...)
	if path == nil or select("#", ...) > 0 then
		return loadfile(path, ...)
	end
	return core.loadfile(path)
end

rawset(skynet, "cache", M)

return M
