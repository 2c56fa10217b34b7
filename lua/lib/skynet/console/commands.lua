-- The commands of the debug console (docs/skynet-rules.md 2.16). Each gets its words as strings and
-- returns a text, a table to print, or nothing; it raises what is to be shown as an error.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local socket <const> = require "skynet.socket"
local message_log <const> = require "skynet.message_log"

---@type table<string, async fun(...: string): string|table|nil>
local command <const> = {}

-- Commands that get the rest of the line as one text after their first word.
local raw <const> = { call = true }

-- Centiseconds to wait for answers of all services when the command does not say.
local PATIENCE <const> = 300

-- "9" and ":00000009" are hexadecimal addresses, ".launcher" is a name.
local function to_address(text)
	assert(text, "need an address")
	if text:sub(1, 1) == "." then
		return assert(skynet.localname(text), "Not a valid name")
	end
	return assert(tonumber(text:match "^:?(%x+)$", 16), "Not a valid address")
end

local function to_centiseconds(text)
	return text and math.tointeger(tonumber(text)) or PATIENCE
end

---@async
local function debug_call(address, ...)
	return skynet.call(to_address(address), "debug", ...)
end

---@async
local function ask_launcher(...)
	return skynet.call(".launcher", "lua", ...)
end

function command.list()
	return ask_launcher "LIST"
end

function command.stat(centiseconds)
	return ask_launcher("STAT", to_centiseconds(centiseconds))
end

function command.mem(centiseconds)
	return ask_launcher("MEM", to_centiseconds(centiseconds))
end

function command.gc(centiseconds)
	return ask_launcher("GC", to_centiseconds(centiseconds))
end

function command.service()
	return skynet.call(".service", "lua", "LIST")
end

-- { address text = description } of a service that `launch` starts.
---@async
local function started(launch, ...)
	local ok <const>, address <const> = pcall(launch, ...)
	if not ok then
		return "Failed"
	elseif address == nil then
		return "Exit"
	end
	return { [skynet.address(address)] = table.concat({ ... }, " ") }
end

function command.start(...)
	return started(skynet.newservice, ...)
end

function command.log(...)
	return started(function(...)
		return ask_launcher("LOGLAUNCH", "snlua", ...)
	end, ...)
end

function command.snax(...)
	return started(require("skynet.snax").rawnewservice, ...)
end

function command.kill(address)
	return ask_launcher("KILL", to_address(address))
end

function command.exit(address)
	skynet.send(to_address(address), "debug", "EXIT")
end

function command.ping(address)
	local start <const> = skynet.now()
	debug_call(address, "PING")
	return tostring(skynet.now() - start)
end

function command.info(address, ...)
	return debug_call(address, "INFO", ...)
end

function command.task(address)
	return debug_call(address, "TASK")
end

function command.uniqtask(address)
	return debug_call(address, "UNIQTASK")
end

function command.killtask(address, thread)
	assert(thread, "need the name of a thread")
	return debug_call(address, "KILLTASK", thread)
end

function command.inject(address, file, ...)
	local target <const> = to_address(address)
	local source <close> = assert(io.open(assert(file, "need a file"), "rb"))
	local ok <const>, output <const> =
		skynet.call(target, "debug", "RUN", source:read "a", "@" .. file, ...)
	if not ok then
		error(output, 0)
	end
	return output
end

function command.dbgcmd(address, name, ...)
	return debug_call(address, assert(name, "need a debug command"), ...)
end

function command.trace(address, kind, flag)
	if kind == "on" or kind == "off" then
		kind, flag = "lua", kind
	end
	local on
	if flag == "on" then
		on = true
	elseif flag == "off" then
		on = false
	end
	debug_call(address, "TRACELOG", kind, on)
end

function command.call(line)
	local address <const>, text <const> = (line or ""):match "^(%S+)%s+(.+)$"
	assert(address, "need arguments")
	local arguments <const> = load("return " .. text, "debug console", "t", {})
	assert(arguments, "Invalid arguments")
	return table.pack(skynet.call(to_address(address), "lua", arguments()))
end

function command.getenv(key)
	return { [assert(key, "need a key")] = tostring((skynet.getenv(key))) }
end

function command.setenv(key, value)
	skynet.setenv(assert(key, "need a key"), assert(value, "need a value"))
end

function command.netstat()
	local list <const> = {}
	for i, info in ipairs(socket.netstat()) do
		local row <const> = {}
		for key, value in pairs(info) do
			row[key] = key == "address" and skynet.address(value) or value
		end
		list[i] = row
	end
	return list
end

function command.cmem(centiseconds)
	local list <const> = ask_launcher("MEM", to_centiseconds(centiseconds))
	list.total = string.format("%.2f Kb (resident)", require("skynet.memory").total() / 1024)
	return list
end

function command.signal(address, number)
	if not core.signal(to_address(address), math.tointeger(tonumber(number or "0")) or 0) then
		return "nothing runs there"
	end
end

function command.logon(address)
	return assert(message_log.start(to_address(address)))
end

function command.logoff(address)
	assert(message_log.stop(to_address(address)))
end

function command.clearcache()
	skynet.cache.clear()
end

for _, name in ipairs { "jmem", "dumpheap", "profactive" } do
	command[name] = function()
		error(name .. " is not supported: the allocator has no such report", 0)
	end
end

local HELP <const> = {
	help = "this list",
	list = "services",
	stat = "[centiseconds]: messages, queue and CPU seconds of services",
	mem = "[centiseconds]: Lua memory of services",
	gc = "[centiseconds]: collect garbage in all services",
	service = "unique services",
	start = "NAME ARGUMENTS: launch a service",
	log = "NAME ARGUMENTS: launch a service and log its messages",
	snax = "NAME ARGUMENTS: launch a snax service",
	kill = "ADDRESS: end a service at once",
	exit = "ADDRESS: ask a service to end",
	ping = "ADDRESS: centiseconds that an answer takes",
	info = "ADDRESS ARGUMENTS: what its skynet.info_func says",
	task = "ADDRESS: its waiting coroutines",
	uniqtask = "ADDRESS: the same, equal ones together",
	killtask = "ADDRESS THREAD: end a coroutine",
	inject = "ADDRESS FILE ARGUMENTS: run a file in a service",
	debug = "ADDRESS: look into a service while it runs",
	dbgcmd = "ADDRESS COMMAND: send a debug message",
	trace = "ADDRESS [TYPE] [on|off]: nothing; traces are not kept",
	call = 'ADDRESS "COMMAND",ARGUMENTS: call a service',
	getenv = "KEY: of the environment",
	setenv = "KEY VALUE: once for each key",
	netstat = "sockets",
	cmem = "[centiseconds]: memory of services and of the process",
	jmem = "not supported",
	dumpheap = "not supported",
	profactive = "not supported",
	signal = "ADDRESS [0|1]: 0 breaks the handler that runs, 1 logs the memory",
	logon = "ADDRESS: log its messages to a file in logpath",
	logoff = "ADDRESS: no longer",
	clearcache = "services that start from now on get changed files",
}

function command.help()
	return HELP
end

return { commands = command, raw = raw }
