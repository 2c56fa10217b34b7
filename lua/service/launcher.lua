-- Launches Lua services and answers their creators once they have started
-- (docs/skynet-rules.md 2.10, 7.2).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

local services <const> = {} -- address -> how it was launched
local starting <const> = {} -- address -> answer to its creator
local monitor ---@type integer|nil service that is told of every end

-- Centiseconds that services have to answer questions about themselves.
local PATIENCE <const> = 300

local command <const> = {}

local function launch(module, ...)
	local words <const> = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	local arguments <const> = table.concat(words, " ")
	local answer <const> = skynet.response()
	local address <const> = core.launch(module, arguments)
	if address == nil then
		core.log(string.format("FAILED launch %s %s", module, arguments), "error")
		answer(false)
		return
	end
	services[address] = module .. " " .. arguments
	starting[address] = answer
	return address
end

--- Launches a service; answers with its address once it has started.
function command.LAUNCH(...)
	launch(...)
end

--- The same, and its messages are logged to a file from the beginning.
function command.LOGLAUNCH(...)
	local address <const> = launch(...)
	if address then
		require("skynet.message_log").start(address)
	end
end

--- Running services: { [":0000000a"] = "snlua name args" }.
function command.LIST()
	local list <const> = {}
	for address, how in pairs(services) do
		list[skynet.address(address)] = how
	end
	return list
end

--- Kills a service; returns what it was.
function command.KILL(address)
	local handle <const> = type(address) == "string" and core.query(address) or address
	local killed <const> = { [skynet.address(handle)] = services[handle] }
	skynet.kill(handle)
	return killed
end

-- Asks all services a debug question at once: { address text = format(answer, address) }, where
-- the answer is "ERROR" from those that fail and "TIMEOUT" from those that are late.
---@async
local function ask_all(centiseconds, format, ...)
	local requests <const>, late <const> = skynet.request(), {}
	for address in pairs(services) do
		requests:add { address, "debug", ... }
		late[address] = true
	end
	local list <const> = {}
	for request, answer in requests:select(centiseconds or PATIENCE) do
		late[request[1]] = nil
		list[skynet.address(request[1])] = format(answer and answer[1] or "ERROR", request[1])
	end
	for address in pairs(late) do
		list[skynet.address(address)] = format("TIMEOUT", address)
	end
	return list
end

---@async
function command.STAT(centiseconds)
	return ask_all(centiseconds, function(stat)
		return stat
	end, "STAT")
end

---@async
function command.MEM(centiseconds)
	return ask_all(centiseconds, function(kilobytes, address)
		local how <const> = services[address] or "ended"
		if type(kilobytes) == "string" then
			return string.format("%s (%s)", kilobytes, how)
		end
		return string.format("%.2f Kb (%s)", kilobytes, how)
	end, "MEM")
end

---@async
function command.GC(centiseconds)
	for address in pairs(services) do
		skynet.send(address, "debug", "GC")
	end
	return command.MEM(centiseconds)
end

--- A service gets a message of type client, from whom ended, for every end from now on.
function command.MONITOR(address)
	monitor = address
end

--- Whether the address is running and was launched here.
function command.QUERY(address)
	return services[address] ~= nil and starting[address] == nil
end

--- A service says that it leaves; the system tells us anyway.
function command.REMOVE() end

local function settle(address, ...)
	local answer <const> = starting[address]
	starting[address] = nil
	if answer then
		answer(...)
	end
end

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, address, text)
		if text == "" then
			settle(address, true, address)
		elseif text == "ERROR" then
			settle(address, false)
		else
			core.log("Invalid text command " .. text, "error")
		end
	end,
}

-- A service ended: whoever waits for its start gets nothing, as from skynet.
skynet.dispatch("error", function(_, address)
	services[address] = nil
	settle(address, true)
	if monitor then
		skynet.redirect(monitor, address, skynet.PTYPE_CLIENT, 0, "")
	end
end)
core.watch_exits()

skynet.dispatch("lua", function(session, _, name, ...)
	local f <const> = command[name]
	if f == nil then
		error("launcher has no command " .. tostring(name))
	elseif name == "LAUNCH" or name == "LOGLAUNCH" or session == 0 then
		f(...)
	else
		skynet.retpack(f(...))
	end
end)

skynet.start(function() end)
