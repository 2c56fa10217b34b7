-- The names of skynet.service: a service is started once, however many ask at the same time; who
-- asks for one that is not there waits until it is; a failed start is remembered until the next
-- one (docs/skynet-rules.md 1.5).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

---@class ProvidedService
---@field state "wanted"|"starting"|"running"|"failed"
---@field waiting function[] the answers to those who wait for its start
---@field address? integer

local services <const> = {} ---@type table<string, ProvidedService>
local starts <const> = {} -- ticket -> packed values for the new service
local last_ticket = 0

local command <const> = {}

-- The entry of a name; a service that ended has none.
local function entry_of(name)
	local entry <const> = services[name]
	if entry and entry.state == "running" and not core.alive(entry.address) then
		services[name] = nil
		return nil
	end
	return entry
end

local function settle(entry)
	local waiting <const> = entry.waiting
	entry.waiting = {}
	for _, answer in ipairs(waiting) do
		answer(entry.state == "running", entry.address)
	end
end

-- Answers now, or when the start is over.
local function answer_with(entry)
	if entry.state == "running" then
		skynet.retpack(entry.address)
	elseif entry.state == "failed" then
		error "the start of this service failed"
	else
		table.insert(entry.waiting, skynet.response())
	end
end

---@async
function command.launch(name, ...)
	local entry = entry_of(name)
	if entry and (entry.state == "starting" or entry.state == "running") then
		answer_with(entry)
		return
	end
	entry = { state = "starting", waiting = entry and entry.waiting or {} }
	services[name] = entry
	answer_with(entry)
	last_ticket = last_ticket + 1
	local ticket <const> = last_ticket
	starts[ticket] = table.pack(name, ...)
	local fine <const>, address <const> =
		pcall(skynet.newservice, "service_cell", skynet.self(), ticket)
	starts[ticket] = nil
	entry.address = fine and address or nil
	entry.state = entry.address and "running" or "failed"
	settle(entry)
end

function command.query(name)
	local entry = entry_of(name)
	if entry == nil then
		entry = { state = "wanted", waiting = {} }
		services[name] = entry
	end
	answer_with(entry)
end

function command.close(name)
	local entry <const> = entry_of(name)
	if entry == nil or entry.state ~= "running" then
		skynet.retpack(false)
		return
	end
	services[name] = nil
	skynet.kill(entry.address)
	skynet.retpack(true)
end

-- What the new service consists of: its name, its code and its arguments.
function command.content(ticket)
	local content <const> = assert(starts[ticket], "no such start")
	skynet.retpack(table.unpack(content, 1, content.n))
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f <const> = assert(command[name], "service_provider has no such command")
	f(...)
end)

skynet.start(function() end)
