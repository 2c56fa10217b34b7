-- require "skynet.sharemap" (docs/skynet-rules.md 1.5): an object of a sproto type that one service
-- writes and others read, over skynet.stm. Needs the modules "sproto" and "sprotoloader" on
-- lua_path and lua_cpath; they are not ours.
local skynet <const> = require "skynet"
local stm <const> = require "skynet.stm"
local sprotoloader <const> = require "sprotoloader"

local M <const> = {}

-- Where sprotoloader keeps the types, for the whole process.
local SLOT <const> = 0

--- Loads the types from a file, once for the process.
---@param file string
function M.register(file)
	sprotoloader.register(file, SLOT)
end

--- Takes an object over for writing: obj:commit() makes its fields of this moment visible to the
--- readers, obj:copy() is for one reader, in any service.
---@param typename string
---@param obj? table
---@return table obj
function M.writer(typename, obj)
	local types <const> = sprotoloader.load(SLOT)
	obj = obj or {}
	local cell <const> = stm.new(types:encode(typename, obj))
	local methods <const> = {}

	function methods.commit()
		cell(types:encode(typename, obj))
	end

	function methods.copy()
		return stm.copy(cell)
	end

	return setmetatable(obj, { __index = methods })
end

--- The object of a writer's copy: obj:update() takes what was committed last and returns whether
--- that is new.
---@param typename string
---@param copy lightuserdata
---@return table obj
function M.reader(typename, copy)
	local types <const> = sprotoloader.load(SLOT)
	local cell <const> = stm.newcopy(copy)
	local obj <const> = {}
	local methods <const> = {}

	function methods.update()
		local changed <const>, fields <const> = cell(function(message, size)
			return types:decode(typename, skynet.tostring(message, size))
		end)
		if changed then
			for key in pairs(obj) do
				obj[key] = nil
			end
			for key, value in pairs(fields) do
				obj[key] = value
			end
		end
		return changed
	end

	return setmetatable(obj, { __index = methods })
end

return M
