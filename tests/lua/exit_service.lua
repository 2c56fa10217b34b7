-- A partner for test_exit.lua: gets into every state in which an exit can find a service.
local skynet <const> = require "skynet"

local observer <const> = tonumber((...))
local command <const> = {}

local function guard(name)
	return setmetatable({}, {
		__close = function()
			skynet.send(observer, "lua", "closed", name)
		end,
	})
end

function command.hang(name)
	local _ <close> = guard(name)
	skynet.wait()
end

function command.late()
	command.answer = skynet.response()
end

function command.sleep_with_guard(name)
	skynet.fork(function()
		local _ <close> = guard(name)
		skynet.sleep(100000)
	end)
	skynet.retpack(true)
end

-- Calls the observer, which does not answer.
function command.call_out(name)
	skynet.fork(function()
		local _ <close> = guard(name)
		skynet.call(observer, "lua", "never_answered")
	end)
	skynet.retpack(true)
end

function command.exit()
	local _ <close> = guard "running"
	skynet.fork(function()
		skynet.send(observer, "lua", "closed", "a fork that must not run")
	end)
	skynet.exit()
	skynet.send(observer, "lua", "closed", "code after exit")
end

function command.block(centiseconds)
	local stop <const> = skynet.hpc() + centiseconds * 10000000
	while skynet.hpc() < stop do
		math.sin(1)
	end
	skynet.exit()
end

skynet.dispatch("lua", function(_, _, name, ...)
	command[name](...)
end)

skynet.start(function() end)
