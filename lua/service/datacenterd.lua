-- The tree of skynet.datacenter. A table that is set becomes a branch of it
-- (docs/skynet-rules.md 2.13).
local skynet <const> = require "skynet"

local tree <const> = {}
-- First key of a path -> those who wait below it. `limit` is the length at which those are
-- dropped whose service has ended.
local waiting <const> = {} ---@type table<any, { limit: integer, [integer]: table }>

local WAITING_MIN <const> = 64

local command <const> = {}

-- The value at the path, nil when it does not exist.
local function read(path, length)
	local node = tree
	for i = 1, length do
		if node == nil then
			return nil
		elseif type(node) ~= "table" then
			error "the path leads through a value"
		end
		node = node[path[i]]
	end
	return node
end

-- Answers who waits below the key and need not any more, after a value was set at a path of
-- `length` keys. A shorter path has become a branch: nobody set its value.
local function settle(key, length)
	local list <const> = waiting[key]
	if list == nil then
		return
	end
	local kept <const> = { limit = list.limit }
	for _, waiter in ipairs(list) do
		local fine <const>, value <const> = pcall(read, waiter.path, waiter.path.n)
		if fine and value == nil then
			kept[#kept + 1] = waiter
		else
			waiter.answer(fine and waiter.path.n >= length, value)
		end
	end
	waiting[key] = kept[1] and kept or nil
end

local function forget_ended(key)
	local list <const> = waiting[key]
	local kept <const> = {}
	for _, waiter in ipairs(list) do
		if waiter.answer "TEST" then
			kept[#kept + 1] = waiter
		end
	end
	kept.limit = math.max(WAITING_MIN, 2 * #kept)
	waiting[key] = kept
end

function command.QUERY(...)
	skynet.retpack(read({ ... }, select("#", ...)))
end

function command.UPDATE(...)
	local path <const> = { ... }
	local length <const> = select("#", ...) - 1
	assert(length > 0, "a value needs a key")
	local node = tree
	for i = 1, length - 1 do
		local below = node[path[i]]
		if below == nil then
			below = {}
			node[path[i]] = below
		elseif type(below) ~= "table" then
			error "the path leads through a value"
		end
		node = below
	end
	local before <const> = node[path[length]]
	node[path[length]] = path[length + 1]
	skynet.retpack(before)
	settle(path[1], length)
end

function command.WAIT(...)
	local path <const> = table.pack(...)
	local value <const> = read(path, path.n)
	if value ~= nil then
		skynet.retpack(value)
		return
	end
	local list = waiting[path[1]]
	if list == nil then
		list = { limit = WAITING_MIN }
		waiting[path[1]] = list
	elseif #list >= list.limit then
		forget_ended(path[1])
		list = waiting[path[1]]
	end
	list[#list + 1] = { path = path, answer = skynet.response() }
end

--- How many wait for something below a first key.
function command.WAITING(key)
	skynet.retpack(waiting[key] and #waiting[key] or 0)
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f <const> = assert(command[name], "datacenterd has no such command")
	f(...)
end)

skynet.start(function() end)
