-- A gate on skynet.netpack and skynet.socketdriver alone, as programs for skynet have them. It
-- sends frames back and notes what it was told.
local driver <const> = require "skynet.socketdriver"
local netpack <const> = require "skynet.netpack"
local skynet <const> = require "skynet"

local queue
local listener, listening
local notes <const> = {}
local behaviour -- what happens to connections and frames: "refuse", "keep", or a service

local function note(...)
	notes[#notes + 1] = table.concat({ ... }, " ")
end

local function take(fd, message, size)
	if math.type(behaviour) == "integer" then
		assert(skynet.redirect(behaviour, 77, "client", fd, message, size) == fd)
		return
	end
	assert(#skynet.tostring(message, size) == size)
	local text <const> = netpack.tostring(message, size)
	note("data", #text > 40 and #text or text)
	driver.send(fd, netpack.pack(text))
end

local on <const> = { data = take }

function on.more()
	note "more"
	for fd, message, size in netpack.pop, queue do
		take(fd, message, size)
	end
end

function on.open(fd, address)
	note("open", (address:match "^127%.0%.0%.1:%d+$" and "client"))
	if behaviour == "refuse" then
		driver.shutdown(fd)
	elseif behaviour ~= "keep" then
		driver.nodelay(fd)
		driver.start(fd)
	end
end

function on.close(fd)
	note("close", fd == listener and "listener" or "client")
end

function on.error(_, text)
	note("error", text)
end

function on.init(id, address, port)
	if listening and id == listener then
		listening.address, listening.port = address, port
		skynet.wakeup(listening)
	else
		note("init", address)
		driver.send(id, netpack.pack "from the gate")
	end
end

function on.warning() end

skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = function(message, size)
		return netpack.filter(queue, message, size)
	end,
	dispatch = function(_, _, q, kind, ...)
		queue = q
		if kind then
			on[kind](...)
		end
	end,
}

local command <const> = {}

function command.open(how)
	behaviour = how
	listening = {}
	listener = driver.listen("127.0.0.1", 0)
	skynet.wait(listening)
	driver.start(listener)
	return listening.address, listening.port
end

function command.behave(how)
	behaviour = how
end

function command.close()
	driver.close(listener)
end

function command.notes()
	local list <const> = notes
	return table.concat(list, "|")
end

function command.clear()
	netpack.clear(queue)
	for i = #notes, 1, -1 do
		notes[i] = nil
	end
end

-- Connects to a port; a frame is sent when it has.
function command.connect(port)
	assert(driver.connect("127.0.0.1", port))
end

-- Reads a connection that was another service's.
function command.adopt(fd)
	driver.start(fd)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
