-- skynet.multicast (docs/skynet-rules.md 1.5, 2.13).
local skynet <const> = require "skynet"
local multicast <const> = require "skynet.multicast"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

-- The subscribers: each keeps what it gets and tells it.
local function partner()
	local got = {}
	local channels <const> = {}
	local command <const> = {}

	function command.subscribe(number)
		channels[number] = channels[number]
			or multicast.new {
				channel = number,
				dispatch = function(channel, source, ...)
					got[#got + 1] = { channel.channel, source, ... }
				end,
			}
		channels[number]:subscribe()
	end

	function command.unsubscribe(number)
		channels[number]:unsubscribe()
	end

	function command.collect(number)
		channels[number] = nil
		collectgarbage()
		collectgarbage()
	end

	function command.publish(number, ...)
		multicast.new({ channel = number }):publish(...)
	end

	function command.delete(number)
		multicast.new({ channel = number }):delete()
	end

	function command.got()
		local all <const> = got
		got = {}
		return all
	end

	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	skynet.start(function() end)
end

if ... == "partner" then
	partner()
	return
end

local function subscribers(channel)
	local daemon <const> = skynet.uniqueservice "multicastd"
	return skynet.call(daemon, "lua", "COUNT", channel.channel)
end

local function start_partners(channel, n)
	local partners <const> = {}
	for i = 1, n do
		partners[i] = skynet.newservice(SERVICE_NAME, "partner")
		skynet.call(partners[i], "lua", "subscribe", channel.channel)
	end
	return partners
end

-- publish has put the message before this question into the mailbox.
local function received(address)
	return skynet.call(address, "lua", "got")
end

local function delivery()
	local channel <const> = multicast.new()
	local partners <const> = start_partners(channel, 10)
	for i = 1, 50 do
		channel:publish("number", i, { i })
	end
	for _, address in ipairs(partners) do
		local got <const> = received(address)
		same(50)(#got)
		for i, message in ipairs(got) do
			same(channel.channel, skynet.self(), "number", i)(table.unpack(message, 1, 4))
			same(i)(message[5][1])
		end
	end
	skynet.call(partners[1], "lua", "publish", channel.channel, "by another")
	local got <const> = received(partners[1])
	same(1, partners[1], "by another")(#got, got[1][2], got[1][3])
end

local function twice()
	local channel <const> = multicast.new()
	local address <const> = start_partners(channel, 1)[1]
	skynet.call(address, "lua", "subscribe", channel.channel)
	channel:publish(1)
	same(1)(#received(address))
	same(1)(subscribers(channel))
	skynet.call(address, "lua", "unsubscribe", channel.channel)
	channel:publish(2)
	same(0)(#received(address))
	skynet.call(address, "lua", "subscribe", channel.channel)
	channel:publish(3)
	same(1)(#received(address))
end

local function own_objects()
	local got <const> = {}
	local function note(name)
		return function(channel, _, value)
			got[#got + 1] = name .. tostring(channel) .. value
		end
	end
	local first <const> = multicast.new { dispatch = note "first" }
	local second <const> = multicast.new { channel = first.channel, dispatch = note "second" }
	first:subscribe()
	second:subscribe()
	first:publish "a"
	rules.await(function()
		return #got == 2
	end)
	first:unsubscribe()
	first:publish "b"
	rules.await(function()
		return #got == 3
	end)
	local name <const> = string.format("[Multicast:%x]", first.channel)
	table.sort(got)
	same("first" .. name .. "a", "second" .. name .. "a", "second" .. name .. "b")(
		table.unpack(got)
	)
	second:unsubscribe()
	same(0)(subscribers(first))
end

local function deletion()
	local channel <const> = multicast.new()
	local foreign <const> = multicast.new { channel = channel.channel }
	local address <const> = start_partners(channel, 1)[1]
	channel:delete()
	raises("deleted", channel.publish, channel, 1)
	raises("deleted", channel.subscribe, channel)
	foreign:publish "nobody hears"
	foreign:subscribe()
	foreign:unsubscribe()
	same(0)(#received(address))
end

local function collected()
	local channel <const> = multicast.new()
	local address <const> = start_partners(channel, 1)[1]
	same(1)(subscribers(channel))
	skynet.call(address, "lua", "collect", channel.channel)
	rules.await(function()
		return subscribers(channel) == 0
	end)
	channel:publish "to nobody"
	same(0)(#received(address))
end

local function deaths()
	local channel <const> = multicast.new()
	local partners <const> = start_partners(channel, 6)
	skynet.kill(partners[2])
	skynet.kill(partners[5])
	rules.await(function()
		return not pcall(received, partners[2]) and not pcall(received, partners[5])
	end)
	channel:publish "for the living"
	same(4)(subscribers(channel))
	for _, i in ipairs { 1, 3, 4, 6 } do
		same(1)(#received(partners[i]))
	end
end

-- What is in the mailboxes of the killed is freed; the others get all of it, whole.
local function killed_with_mail()
	local channel <const> = multicast.new()
	local partners <const> = start_partners(channel, 6)
	local large <const> = ("large "):rep(10000)
	for i = 1, 50 do
		channel:publish(i, large)
		if i == 25 then
			skynet.kill(partners[1])
			skynet.kill(partners[4])
		end
	end
	for _, i in ipairs { 2, 3, 5, 6 } do
		local got <const> = received(partners[i])
		same(50)(#got)
		for n, message in ipairs(got) do
			same(n, true)(message[3], message[4] == large)
		end
	end
end

-- The values stay while the handler waits and later messages come and go.
local function waiting_handlers()
	local got <const> = {}
	local begun = 0
	local channel <const> = multicast.new {
		dispatch = function(_, _, i, value)
			begun = begun + 1
			rules.await(function()
				return begun == 20
			end)
			got[i] = value.text
		end,
	}
	channel:subscribe()
	for i = 1, 20 do
		channel:publish(i, { text = "text " .. i })
	end
	rules.await(function()
		return #got == 20
	end)
	for i = 1, 20 do
		same("text " .. i)(got[i])
	end
	channel:unsubscribe()
end

-- Several publishers at a time: the messages of each stay in order.
local function concurrent()
	local channel <const> = multicast.new()
	local partners <const> = start_partners(channel, 4)
	local left = 3
	for publisher = 1, 3 do
		skynet.fork(function()
			for i = 1, 30 do
				skynet.call(partners[publisher], "lua", "publish", channel.channel, i)
			end
			left = left - 1
		end)
	end
	rules.await(function()
		return left == 0
	end)
	local last <const> = {}
	local got <const> = received(partners[4])
	same(90)(#got)
	for _, message in ipairs(got) do
		same((last[message[2]] or 0) + 1)(message[3])
		last[message[2]] = message[3]
	end
end

local function own_format()
	local got
	local channel <const> = multicast.new {
		pack = function(...)
			return table.concat({ ... }, ",")
		end,
		unpack = function(text)
			return "unpacked", text
		end,
		dispatch = function(_, source, ...)
			got = table.pack(source, ...)
		end,
	}
	channel:subscribe()
	channel:publish(1, 2, 3)
	rules.await(function()
		return got
	end)
	same(skynet.self(), "unpacked", "1,2,3")(table.unpack(got, 1, got.n))
	channel:unsubscribe()
end

rules.run("multicast", function()
	rule("1.5 every subscriber gets all messages in order", delivery)
	rule("2.13 subscribing twice is once", twice)
	rule("2.13 objects of one channel in one service", own_objects)
	rule("2.13 a deleted channel is silent for others", deletion)
	rule("1.5 a collected object unsubscribes", collected)
	rule("2.13 subscribers that end are forgotten", deaths)
	rule("2.13 messages of killed subscribers hurt nobody", killed_with_mail)
	rule("1.5 a handler may wait", waiting_handlers)
	rule("1.5 the messages of each publisher stay in order", concurrent)
	rule("1.5 pack and unpack can be given", own_format)
	rule("2.13 numbers leave 8 bits for the harbor", function()
		same(0)(multicast.new().channel & 0xff)
	end)
end)
