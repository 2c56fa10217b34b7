-- The channels of skynet.multicast and who has subscribed to them. A service that ended is
-- forgotten, at the latest with the next message; a deleted channel swallows everything
-- (docs/skynet-rules.md 2.13).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

---@class MulticastChannel
---@field subscribers table<integer, true>
---@field count integer
---@field limit integer count at which services that have ended are looked for

local channels <const> = {} ---@type table<integer, MulticastChannel>
local last_number = 0

local SUBSCRIBERS_MIN <const> = 64

local command <const> = {}

local function drop(channel, address)
	if channel.subscribers[address] then
		channel.subscribers[address] = nil
		channel.count = channel.count - 1
	end
end

--- The low 8 bits of a channel's number are those of its harbor, which is this one.
function command.NEW()
	last_number = last_number + 1
	local number <const> = last_number << 8
	channels[number] = { subscribers = {}, count = 0, limit = SUBSCRIBERS_MIN }
	return number
end

function command.DELETE(number)
	channels[number] = nil
end

function command.SUBSCRIBE(number, address)
	local channel <const> = channels[number]
	if channel == nil or channel.subscribers[address] then
		return
	end
	if channel.count >= channel.limit then
		for subscriber in pairs(channel.subscribers) do
			if not core.alive(subscriber) then
				drop(channel, subscriber)
			end
		end
		channel.limit = math.max(SUBSCRIBERS_MIN, 2 * channel.count)
	end
	channel.subscribers[address] = true
	channel.count = channel.count + 1
end

function command.UNSUBSCRIBE(number, address)
	local channel <const> = channels[number]
	if channel then
		drop(channel, address)
	end
end

--- How many subscribers the channel has; nil when there is no such channel.
function command.COUNT(number)
	local channel <const> = channels[number]
	return channel and channel.count
end

function command.PUBLISH(number, message, source)
	local channel <const> = channels[number]
	if channel == nil then
		return
	end
	local full <const>, dead <const> =
		core.multicast(channel.subscribers, source, skynet.PTYPE_MULTICAST, message)
	for _, address in ipairs(dead) do
		drop(channel, address)
	end
	if full > 0 then
		core.log(
			string.format("[Multicast:%x] message lost for %d full mailboxes", number, full),
			"warn"
		)
	end
end

skynet.dispatch("lua", function(session, source, name, number, argument)
	local f <const> = assert(command[name], "multicastd has no such command")
	local result <const> = f(number, argument, source)
	if session ~= 0 then
		skynet.retpack(result)
	end
end)

skynet.start(function() end)
