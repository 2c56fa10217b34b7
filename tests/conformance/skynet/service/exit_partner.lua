-- The service that exits in exit.lua: gets into every state in which an exit can find it, and
-- tells the observer what runs.
local skynet <const> = require "skynet"

local observer <const> = math.tointeger((...))
local answers <const> = {}
local M <const> = {}

local function tell(what)
	skynet.send(observer, "lua", "tell", what)
end

local function guard(name)
	return setmetatable({}, {
		__close = function()
			tell(name)
		end,
	})
end

function M.wait(name)
	local _ <close> = guard(name)
	skynet.wait()
end

function M.sleep(name)
	local _ <close> = guard(name)
	skynet.sleep(100000)
end

function M.call(name)
	local _ <close> = guard(name)
	skynet.call(observer, "lua", "keep")
end

-- Two variables: the later one is closed first.
function M.nested(name)
	local _ <close> = guard(name .. ".outer")
	local _ <close> = guard(name .. ".inner")
	skynet.wait()
end

function M.failing_close()
	local _ <close> = setmetatable({}, {
		__close = function()
			error "as asked, from __close"
		end,
	})
	skynet.wait()
end

function M.raise(name)
	local _ <close> = guard(name)
	error "as asked"
end

function M.keep()
	answers[#answers + 1] = skynet.response()
end

function M.echo(...)
	skynet.retpack(...)
end

function M.exit(name)
	local _ <close> = guard(name)
	skynet.fork(tell, "a fork before exit")
	skynet.timeout(0, function()
		tell "a timer before exit"
	end)
	skynet.exit()
	tell "code after exit"
end

skynet.dispatch("lua", function(_, _, name, ...)
	M[name](...)
end)

skynet.start(function() end)
