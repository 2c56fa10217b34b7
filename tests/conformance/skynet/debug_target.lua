-- What debug.lua, request.lua and console tests look into.
local skynet <const> = require "skynet"

local command <const> = {}
local held ---@type function|nil

function command.echo(...)
	skynet.retpack(...)
end

function command.fail()
	error "as told"
end

--- Is answered with its arguments once "release" comes.
function command.hold(...)
	local answer <const>, arguments <const> = skynet.response(), table.pack(...)
	function held()
		answer(true, table.unpack(arguments, 1, arguments.n))
	end
end

function command.release()
	held()
end

--- Never answers.
function command.hang()
	skynet.wait()
end

--- Calls `address` and says whether that failed.
function command.ask(address, ...)
	skynet.retpack(pcall(skynet.call, address, "lua", ...))
end

--- For a debugger: three lines.
function command.add(a, b)
	local sum = a
	sum = sum + b
	skynet.retpack(sum)
end

--- Runs until it is interrupted.
function command.loop()
	while true do end
end

function command.count()
	skynet.retpack(skynet.task())
end

function command.exit()
	skynet.exit()
end

skynet.info_func(function(...)
	return "info", select("#", ...), ...
end)

local secret = "an upvalue"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		assert(command[name], secret)(...)
	end)
end)
