-- A partner for the tests: does what each request says.
local skynet <const> = require "skynet"

local arguments <const> = { ... }
local late <const> = {}
local last_error = ""
local command <const> = {}

function command.echo(...)
	skynet.retpack(...)
end

function command.arguments()
	skynet.retpack(table.unpack(arguments))
end

function command.fail()
	error "as asked"
end

function command.later(value)
	late[#late + 1] = { answer = skynet.response(), value = value }
end

function command.release()
	for _, entry in ipairs(late) do
		entry.answer(true, entry.value)
	end
	skynet.retpack(#late)
end

function command.twice()
	local answer <const> = skynet.response()
	answer(true, "first")
	local _, message = pcall(answer, true, "second")
	last_error = message
end

function command.last_error()
	skynet.retpack(last_error)
end

function command.exit()
	skynet.exit()
end

function command.hang()
	skynet.wait()
end

function command.forget() end

function command.keep()
	late[#late + 1] = { answer = skynet.response() }
end

skynet.dispatch("lua", function(_, _, name, ...)
	command[name](...)
end)

skynet.start(function()
	if arguments[1] == "raise" then
		error "start fails as asked"
	elseif arguments[1] == "leave" then
		skynet.exit()
	end
end)
