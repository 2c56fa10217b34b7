-- A partner for monitor_service.lua: gets lost in loops. They call functions of the system, so
-- that signals are delivered under thread sanitizers, too.
local skynet <const> = require "skynet"

local function spin()
	while true do
		os.time()
	end
end

local function stubborn()
	while true do
		pcall(spin)
	end
end

local main <const> = {
	main = spin,
	main_pcall = stubborn,
	main_handler = function()
		xpcall(error, stubborn)
	end,
	main_close = function()
		local closing <close> = setmetatable({}, { __close = stubborn })
		error(closing)
	end,
	main_finalizer = function()
		setmetatable({}, { __gc = stubborn })
		collectgarbage()
	end,
	main_coroutine = function()
		while true do
			pcall(coroutine.wrap(stubborn))
		end
	end,
	main_require = function()
		package.preload.endless = stubborn
		require "endless"
	end,
}

local how <const> = ...
if main[how] then
	main[how]()
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

skynet.start(function()
	if how == "init" then
		stubborn()
	end
end)
