-- require "skynet.memory" (docs/skynet-rules.md 1.6): what is known of the memory of the process.
-- There are no numbers for each service but those of its VM, and no reports of the allocator.
local unsupported <const> = require "skynet.unsupported"

local M <const> = {}

--- Resident bytes of the process.
---@return integer
function M.total()
	local file <close> = io.open "/proc/self/statm"
	local pages <const> = file and file:read("l"):match "^%d+ (%d+)"
	return pages and math.tointeger(tonumber(pages)) * 4096 or 0
end

--- Kibibytes that this service's VM has.
---@return number
function M.current()
	return collectgarbage "count"
end

--- Allocated blocks: not counted.
---@return integer
function M.block()
	return 0
end

--- C memory by service: not counted.
---@return table
function M.info()
	return {}
end

for _, name in ipairs { "dump", "dumpinfo", "jestat", "mallctl", "dumpheap", "profactive" } do
	M[name] = unsupported("skynet.memory." .. name, "the allocator has no such report")
end

return M
