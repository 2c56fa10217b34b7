-- require "skynet.multicast": a message for all services that subscribed to a channel
-- (docs/skynet-rules.md 1.5, 2.13). It is packed once, by the publisher, and kept once for all
-- receivers; lua/service/multicastd.lua hands it out, to the publisher as well when that has
-- subscribed. Each subscriber gets a channel's messages in the order in which they were published.
--
-- On the wire: the channel's number, u32 little-endian, then what `pack` made. The session is 0:
-- nobody answers, and the message's source is the publisher.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

-- Upvalues: a message should touch little memory of each of many receivers.
local self_address <const>, unpack <const> = skynet.self, skynet.unpack
local next <const> = next

local M <const> = {}

---@class skynet.Channel
---@field channel integer its number, by which other services join it
local Channel <const> = {}
Channel.__index = Channel

---@class skynet.ChannelOptions
---@field channel? integer join this one; a new channel otherwise
---@field dispatch? async fun(channel: skynet.Channel, source: integer, ...)
---@field pack? fun(...): string|lightuserdata, integer?
---@field unpack? fun(message: string, size: integer): any

-- Service of this VM -> channel number -> subscribed objects in the order of subscription. The
-- objects are held weakly: one that nobody else holds unsubscribes.
local subscriptions <const> = {} ---@type table<integer, table<integer, table>>
local address ---@type integer|nil

---@async
local function ask(...)
	if address == nil then
		address = skynet.uniqueservice "multicastd"
	end
	return skynet.call(address, "lua", ...)
end

local function objects_of(owner, number)
	local channels <const> = subscriptions[owner]
	return channels and channels[number]
end

-- What an object's own `unpack` gets is a string; skynet's reads the message where it lies.
local function unpacked(object, pointer, size)
	local own <const> = object.unpack
	if own == unpack then
		return unpack(pointer, size)
	end
	return own(skynet.tostring(pointer, size), size)
end

local function on_message(_, source, number, pointer, size)
	local channels <const> = subscriptions[self_address()]
	local objects <const> = channels and channels[number]
	if objects == nil then
		return
	end
	local i <const>, first <const> = next(objects)
	if i == nil then
		return
	elseif next(objects, i) == nil then
		local dispatch <const> = first.dispatch
		if dispatch then
			dispatch(first, source, unpacked(first, pointer, size))
		end
		return
	end
	for _, object in pairs(objects) do -- by pairs, since collected objects leave holes
		if object.dispatch then
			skynet.fork(object.dispatch, object, source, unpacked(object, pointer, size))
		end
	end
end

skynet.register_protocol {
	name = "multicast",
	id = skynet.PTYPE_MULTICAST,
	unpack = core.multicast_unpack,
	dispatch = on_message,
}

--- A channel: a new one, or the one whose number `options.channel` is.
---@async
---@param options? skynet.ChannelOptions
---@return skynet.Channel
function M.new(options)
	options = options or {}
	return setmetatable({
		channel = options.channel or ask "NEW",
		dispatch = options.dispatch,
		pack = options.pack or skynet.pack,
		unpack = options.unpack or skynet.unpack,
		deleted = false,
		owner = false,
	}, Channel)
end

local function check(self)
	assert(not self.deleted, "the channel was deleted")
end

--- Sends to all who have subscribed; returns when it is in their mailboxes. Nothing happens when
--- another service deleted the channel.
---@async
function Channel:publish(...)
	check(self)
	local body, size = self.pack(...)
	if type(body) == "userdata" then
		local text <const> = skynet.tostring(body, size)
		skynet.trash(body, size)
		body = text
	end
	ask("PUBLISH", self.channel, string.pack("<I4", self.channel) .. body)
end

--- From now on messages reach `dispatch`; a second time changes nothing.
---@async
function Channel:subscribe()
	check(self)
	if self.owner then
		return
	end
	local owner <const> = skynet.self()
	skynet.dispatch("multicast", on_message) -- players that share a VM have handlers of their own
	self.owner = owner
	local channels <const> = subscriptions[owner] or {}
	subscriptions[owner] = channels
	local objects <const> = channels[self.channel] or setmetatable({}, { __mode = "v" })
	channels[self.channel] = objects
	local last = 0
	for i in pairs(objects) do
		last = math.max(last, i)
	end
	objects[last + 1] = self
	ask("SUBSCRIBE", self.channel, owner)
end

-- The last object of a service takes the subscription of the service with it.
local function leave(self)
	local owner <const> = self.owner
	local objects <const> = owner and objects_of(owner, self.channel)
	self.owner = false
	if objects == nil or not owner then
		return
	end
	for i, object in pairs(objects) do
		if rawequal(object, self) then
			objects[i] = nil
		end
	end
	if next(objects) == nil then
		subscriptions[owner][self.channel] = nil
		skynet.send(address, "lua", "UNSUBSCRIBE", self.channel, owner)
	end
end

--- No more messages, not even those that are on their way.
function Channel:unsubscribe()
	check(self)
	leave(self)
end

--- Ends the channel for everybody; this object cannot be used afterwards.
---@async
function Channel:delete()
	check(self)
	leave(self)
	self.deleted = true
	ask("DELETE", self.channel)
end

function Channel:__tostring()
	return string.format("[Multicast:%x]", self.channel)
end

function Channel:__gc()
	-- When the VM closes there is nobody to send to, and no need.
	pcall(leave, self)
end

return M
