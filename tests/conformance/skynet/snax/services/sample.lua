-- The snax service that snax.lua uses.
local skynet <const> = require "skynet"
local snax <const> = require "skynet.snax"
local queue <const> = require "skynet.queue"

local lock
local observer
local i = 0
local step = 1

local function advance()
	i = i + step
	return i
end

function response.echo(...)
	return ...
end

function response.later(...)
	skynet.yield()
	return ...
end

function response.count()
	return i
end

function response.fails()
	error "as asked"
end

function response.never()
	skynet.wait()
end

function response.identity()
	return snax.self().handle, tostring(snax.self()), SERVICE_NAME
end

function accept.add(n)
	lock(function()
		i = i + n
	end)
end

function accept.advance()
	advance()
end

function accept.leave(...)
	snax.exit(...)
end

function accept.fails()
	error "posted failure"
end

function init(first, watcher, what)
	lock = queue()
	i = first or 0
	observer = watcher
	if what == "raise" then
		error "init fails"
	end
	snax.enablecluster()
end

function exit(...)
	if observer then
		skynet.send(observer, "lua", ...)
	end
end
