-- Stands for sproto's module of this name: types of any fields.
local skynet <const> = require "skynet"

local M <const> = {}

function M.register(file, slot)
	skynet.setenv("sproto" .. slot, file)
end

function M.load(slot)
	assert(skynet.getenv("sproto" .. slot), "no types there")
	return {
		encode = function(_, typename, fields)
			return skynet.packstring(typename, fields)
		end,
		decode = function(_, typename, bytes)
			local packed <const>, fields <const> = skynet.unpack(bytes)
			assert(packed == typename, "another type")
			return fields
		end,
	}
end

return M
