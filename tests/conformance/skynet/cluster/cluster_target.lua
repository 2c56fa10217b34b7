-- For cluster.lua and cluster_pair.lua: a service that others call, perhaps from elsewhere.
local skynet <const> = require "skynet"

local command <const> = {}
local notes <const> = {}
local hung = 0

function command.ECHO(...)
	return ...
end

function command.RAISE()
	error "the target raises"
end

function command.EXIT()
	skynet.exit()
end

--- Remembers a value; large ones by their length.
function command.NOTE(value)
	notes[#notes + 1] = type(value) == "string" and #value or value
end

function command.NOTES()
	return table.concat(notes, " ")
end

--- Does not answer.
---@async
function command.HANG()
	hung = hung + 1
	skynet.wait {}
end

function command.HUNG()
	return hung
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if session == 0 then
			command[name](...)
		else
			skynet.retpack(command[name](...))
		end
	end)
end)
