-- Launches Lua services and answers their creators once they have started (sk 2.10, 7.2).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

local services <const> = {} -- address -> how it was launched
local starting <const> = {} -- address -> answer to its creator
local monitor ---@type integer|nil

local command <const> = {}

function command.LAUNCH(module, ...)
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

--- Whether the address is running and was launched here.
function command.QUERY(address)
	return services[address] ~= nil and starting[address] == nil
end

--- Tells this service of the end of each other one (skynet.monitor).
function command.MONITOR(address)
	monitor = address
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
	elseif name == "LAUNCH" then
		f(...)
	elseif session == 0 then
		f(...)
	else
		skynet.retpack(f(...))
	end
end)

skynet.start(function() end)
