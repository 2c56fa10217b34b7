-- A partner for monitor_service.lua: gets lost in loops. They call functions of the system, so
-- that signals are delivered under thread sanitizers, too.
local skynet <const> = require "skynet"

local function spin()
	while true do
		os.time()
	end
end

if (...) == "main" then
	spin()
end

local command <const> = {}

function command.loop()
	spin()
end

function command.coroutine()
	local ok <const>, message <const> = coroutine.resume(coroutine.create(spin))
	assert(not ok)
	error(message)
end

function command.wrap()
	coroutine.wrap(spin)()
end

function command.catch()
	local ok <const>, message <const> = pcall(spin)
	return ok, message
end

function command.endless()
	return skynet.endless()
end

skynet.dispatch("lua", function(_, _, name)
	skynet.retpack(command[name]())
end)

skynet.start(function() end)
