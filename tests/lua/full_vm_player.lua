-- A player that does what players do, for the sweep over failing allocations
-- (tests/regress/full_vm_test.cpp): each request is a command.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local sharedata <const> = require "skynet.sharedata"

local command <const> = {}

function command.echo(_, text)
	return text
end

function command.call(_, text)
	return skynet.call(".full_vm_partner", "lua", "repeat", text, { 1, 2, key = { text } })
end

function command.sleep()
	return skynet.sleep(1) or "slept"
end

-- A fork that has no memory wakes nobody: the wait has an end of its own.
function command.fork(_, text)
	local token <const> = {}
	local heard
	local fine <const>, failure <const> = pcall(skynet.fork, function()
		heard = text
		skynet.wakeup(token)
	end)
	if not fine then
		error(failure, 0)
	end
	skynet.sleep(20, token)
	return heard or "unheard"
end

function command.timeout(_, text)
	local token <const> = {}
	local heard
	skynet.timeout(1, function()
		heard = text
		skynet.wakeup(token)
	end)
	skynet.sleep(20, token)
	return heard or "unheard"
end

function command.socket(_, text)
	local id <const> = assert(socket.open("127.0.0.1", tonumber(skynet.getenv("full_vm_port"))))
	local _ <close> = setmetatable({}, {
		__close = function()
			socket.close(id)
		end,
	})
	socket.write(id, text .. "\n")
	return socket.readline(id)
end

function command.shared()
	return sharedata.query("full_vm").name
end

function command.service(_, text)
	local address <const> = skynet.newservice("full_vm_service")
	local answer <const> = skynet.call(address, "lua", text)
	skynet.send(address, "lua", "exit")
	return answer
end

local M <const> = { concurrent = true }

function M.load(self, data)
	self.count = data and data.count or 0
end

function M.request(self, msg)
	self.count = self.count + 1
	local name <const>, text <const> = msg:match("^(%w+) (.*)$")
	return command[name](self, text)
end

function M.afk(self)
	skynet.sleep(0)
	self.away = true
end

function M.resume(self)
	self.away = nil
end

function M.save(self)
	return { count = self.count, list = { 1, 2, 3 }, text = string.rep("x", 100) }
end

function M.logout(self, reason)
	skynet.sleep(0)
	self.reason = reason
end

return M
