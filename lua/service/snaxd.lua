-- Runs a snax file as a service (docs/skynet-rules.md 1.9, 2.13); lua/lib/skynet/snax.lua tells the
-- messages.
--   snaxd NAME
local error_text <const> = require "skynet.error_text"
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
			skynet.error("init of " .. tostring(snax.self()) .. " failed: " .. error_text(message))
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
			skynet.error("exit of " .. tostring(snax.self()) .. " failed: " .. error_text(message))
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

local SYSTEM <const> = interface.SYSTEM

-- The function of a number: its group and name.
local function entry_of(number)
	local name <const> = SYSTEM[number]
	local entry <const> = name and { group = "system", name = name }
		or (math.type(number) == "integer" and functions.order[number - #SYSTEM])
	return entry or error("no function " .. tostring(number))
end

skynet.dispatch("snax", function(_, _, number, ...)
	local entry <const> = entry_of(number)
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
