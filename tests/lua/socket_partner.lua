-- A partner for test_socket.lua: a second service, on another worker when there is one, that
-- does with sockets what each request says.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local waiting <const> = require "waiting"

local command <const> = {}

-- Listens, and serves each connection by `how`.
function command.serve(how)
	local id <const>, ip <const>, port <const> = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd, address)
		assert(address:find "^127%.0%.0%.1:%d+$")
		assert(socket.start(fd) == fd)
		command["serve_" .. how](fd)
	end)
	return port, ip, id
end

function command.serve_echo(fd)
	while true do
		local line <const>, rest <const> = socket.readline(fd)
		if not line then
			socket.write(fd, "rest:" .. rest)
			break
		end
		socket.write(fd, line .. "\n")
	end
	socket.close(fd)
end

-- Sends what the first line asks for, and closes at once.
function command.serve_bytes(fd)
	local count <const> = math.tointeger(socket.readline(fd))
	socket.write(fd, { ("x"):rep(count - 3), "end" })
	socket.close(fd)
end

-- Reads one line and gives the connection away.
function command.serve_abandon(fd)
	command.given = { fd = fd, line = socket.readline(fd) }
	socket.abandon(fd)
end

function command.given_away()
	local given <const> = waiting.wait_until(function()
		return command.given
	end)
	command.given = nil
	return given.fd, given.line
end

-- Counts bytes to the end.
function command.serve_sink(fd)
	local count = 0
	while true do
		local data <const> = socket.read(fd)
		if not data then
			break
		end
		count = count + #data
	end
	command.sunk = count
	socket.close(fd)
end

function command.sunk_bytes()
	local count <const> = waiting.wait_until(function()
		return command.sunk
	end)
	command.sunk = nil
	return count
end

-- Keeps a connection, reading nothing.
function command.serve_hold(fd)
	command.held = fd
end

function command.held_socket()
	return waiting.wait_until(function()
		return command.held
	end)
end

-- Does one call of the library in this service.
function command.socket(name, ...)
	return socket[name](...)
end

function command.exit()
	skynet.exit()
end

skynet.dispatch("lua", function(_, _, name, ...)
	skynet.retpack(command[name](...))
end)

skynet.start(function() end)
