-- Unique services: launched once, however many ask at the same time; a failure is remembered
-- and raised to everybody who asks later (docs/skynet-rules.md 2.10).
local error_text <const> = require "skynet.error_text"
local skynet <const> = require "skynet"

local services <const> = {} -- name -> address | { error = text } | { waiting answers }
local command <const> = {}

-- Services of skynet.snax: one for each file; "@snaxd" is the one for the whole network.
local SNAX <const> = { snaxd = true, ["@snaxd"] = true }

local function key_of(name, file)
	return SNAX[name] and string.format("%s.%s", name, file) or name
end

---@async
local function start(name, ...)
	if SNAX[name] then
		return require("skynet.snax").rawnewservice(...)
	end
	return skynet.newservice(name, ...)
end

local function wait_for(name)
	local waiting = services[name]
	if waiting == nil then
		waiting = {}
		services[name] = waiting
	end
	waiting[#waiting + 1] = skynet.response()
end

local function settle(name, result)
	local waiting <const> = services[name]
	services[name] = result
	for _, answer in ipairs(waiting) do
		if type(result) == "number" then
			answer(true, result)
		else
			answer(false)
		end
	end
end

local function known(name)
	local entry <const> = services[name]
	if type(entry) == "number" then
		return entry
	elseif type(entry) == "table" and entry.error then
		error(entry.error)
	end
end

---@async
function command.LAUNCH(name, ...)
	local key <const> = key_of(name, (...))
	local address <const> = known(key)
	if address then
		skynet.retpack(address)
		return
	end
	local entry = services[key]
	local launching <const> = entry ~= nil and entry.launching
	wait_for(key)
	if launching then
		return
	end
	entry = services[key]
	entry.launching = true
	local ok <const>, result <const> = pcall(start, name, ...)
	if ok and result then
		settle(key, result)
	else
		settle(key, { error = ok and "the service exited while it started" or error_text(result) })
	end
end

function command.QUERY(name, ...)
	local key <const> = key_of(name, (...))
	local address <const> = known(key)
	if address then
		skynet.retpack(address)
	else
		wait_for(key)
	end
end

function command.LIST()
	local list <const> = {}
	for name, entry in pairs(services) do
		if type(entry) == "number" then
			list[name] = skynet.address(entry)
		else
			list[name] = entry.error and ("Error: " .. entry.error) or "Querying"
		end
	end
	skynet.retpack(list)
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f <const> = assert(command[name], "service_mgr has no such command")
	f(...)
end)

skynet.start(function() end)
