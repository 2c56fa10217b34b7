-- A gateserver that sends frames back, and counts what its handler is told.
local driver <const> = require "skynet.socketdriver"
local gateserver <const> = require "snax.gateserver"
local netpack <const> = require "skynet.netpack"
local skynet <const> = require "skynet"

local counts <const> = { connect = 0, disconnect = 0, message = 0, warning = 0, refused = 0 }
local clients <const> = {}
local waiting <const> = {}
local handler <const> = { embed = (...) == "embed" }

function handler.open(source, conf)
	return conf.address, conf.port, source
end

function handler.connect(fd)
	counts.connect = counts.connect + 1
	clients[#clients + 1] = fd
	if counts.fail then
		counts.fail = nil
		error "no such luck"
	end
	gateserver.openclient(fd)
end

function handler.disconnect(fd)
	counts.disconnect = counts.disconnect + 1
	counts.last = fd
end

function handler.warning(_, kilobytes)
	counts.warning = kilobytes == 0 and 0 or counts.warning + 1
end

---@async
function handler.message(fd, message, size)
	counts.message = counts.message + 1
	local text <const> = netpack.tostring(message, size)
	if text == "raise" then
		error "as you wish"
	elseif text == "wait" then
		waiting[#waiting + 1] = {}
		skynet.wait(waiting[#waiting])
	elseif text == "close" then
		gateserver.closeclient(fd)
		gateserver.closeclient(fd)
	end
	driver.send(fd, netpack.pack(text))
end

local command <const> = {}

function command.counts()
	return counts
end

function command.wake()
	local list <const> = table.move(waiting, 1, #waiting, 1, {})
	for i = 1, #list do
		waiting[i] = nil
	end
	for _, token in ipairs(list) do
		skynet.wakeup(token)
	end
end

function command.fail()
	counts.fail = true
end

function command.flood(bytes)
	local fd <const> = clients[#clients]
	for _ = 1, bytes // 65536 do
		driver.send(fd, ("x"):rep(65536))
	end
end

function command.close_last()
	gateserver.closeclient(clients[#clients])
	gateserver.closeclient(123456)
	gateserver.openclient(123456)
end

function handler.command(name, _, ...)
	local f <const> = assert(command[name], "unknown command")
	return f(...)
end

if handler.embed then
	skynet.start(function()
		gateserver.start(handler)
	end)
else
	gateserver.start(handler)
end
