-- Runs a snax file as a service (sk 1.9, 2.13); lua/lib/skynet/snax.lua tells the messages.
--   snaxd NAME
local skynet <const> = require "skynet"
local interface <const> = require "snax.interface"
local snax <const> = require "skynet.snax"

local functions <const> = interface.load((...))
local profile <const> = skynet.getenv "profile" ~= "false" and require "skynet.profile" or nil

local system <const> = {}
local statistics <const> = {} -- function name -> { count, time in seconds }
local state = "new" ---@type "new"|"running"|"ending"

---@async
function system.init(...)
	assert(state == "new", "Already init")
	state = "running"
	local init <const> = functions.system.init
	if init then
		local ok <const>, message <const> = xpcall(init, debug.traceback, ...)
		if not ok then
			skynet.error("init of " .. tostring(snax.self()) .. " failed: " .. tostring(message))
			skynet.exit() -- the caller's request fails
		end
	end
	skynet.retpack()
end

---@async
function system.exit(...)
	if state == "ending" then
		skynet.response() -- answered by the end of the service
		return
	end
	state = "ending"
	local answer <const> = skynet.response()
	local exit <const> = functions.system.exit
	local ok = true
	if exit then
		local message
		ok, message = xpcall(exit, debug.traceback, ...)
		if not ok then
			skynet.error("exit of " .. tostring(snax.self()) .. " failed: " .. tostring(message))
		end
	end
	answer(ok)
	skynet.exit()
end

---@async
function system.hotfix(...)
	skynet.retpack(pcall(require "snax.hotfix", functions, ...))
end

function system.profile()
	skynet.retpack(statistics)
end

local function count(name, ok, ...)
	local entry = statistics[name]
	if entry == nil then
		entry = { count = 0, time = 0 }
		statistics[name] = entry
	end
	entry.count = entry.count + 1
	entry.time = entry.time + profile.stop()
	if not ok then
		error((...), 0)
	end
	return ...
end

---@async
local function run(name, f, ...)
	if profile == nil then
		return f(...)
	end
	profile.start()
	return count(name, xpcall(f, debug.traceback, ...))
end

-- "req.NAME" -> group, NAME; only of functions that exist, so that it cannot grow.
local parsed <const> = {} ---@type table<string, { group: string, name: string }>
local GROUPS <const> = { post = "accept", req = "response", system = "system" }

local function parse(method)
	local prefix <const>, name <const> = tostring(method):match "^(%a+)%.(.*)$"
	local group <const> = GROUPS[prefix]
	local known <const> = group == "system" and system or functions[group]
	if known == nil or known[name] == nil then
		error("no function " .. tostring(method))
	end
	local entry <const> = { group = group, name = name }
	parsed[method] = entry
	return entry
end

skynet.dispatch("snax", function(_, _, method, ...)
	local entry <const> = parsed[method] or parse(method)
	local name <const> = entry.name
	if entry.group == "system" then
		assert(state ~= "new" or name == "init" or name == "profile", "Init first")
		system[name](...)
		return
	end
	assert(state ~= "new", "Init first")
	local f <const> = functions[entry.group][name]
	if entry.group == "response" then
		skynet.retpack(run(name, f, ...))
	else
		run(name, f, ...)
	end
end)

skynet.start(function() end)
