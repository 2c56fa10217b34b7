-- A second service of the scripts on shared tables: holds what it queried and tells what it sees.
local skynet <const> = require "skynet"

local held
local command <const> = {}

function command.query(library, name)
	held = require("skynet." .. library).query(name)
end

--- The value at the keys of what is held, or false and the error.
function command.read(...)
	local keys <const> = table.pack(...)
	return pcall(function()
		local value = held
		for i = 1, keys.n do
			value = value[keys[i]]
		end
		return value
	end)
end

function command.update(library, name)
	require("skynet." .. library).update(name)
end

function command.forget()
	held = nil
	collectgarbage()
	collectgarbage()
	return collectgarbage "count"
end

--- Reads again and again, without a yield, and tells whether the value ever changed meanwhile.
function command.watch(key, ready)
	skynet.send(ready, "lua", "watching")
	local first <const> = held[key]
	local deadline <const> = skynet.hpc() + 50000000
	repeat
		if held[key] ~= first then
			return false
		end
	until skynet.hpc() > deadline
	return true
end

skynet.dispatch("lua", function(_, _, name, ...)
	skynet.retpack(command[name](...))
end)

skynet.start(function() end)
