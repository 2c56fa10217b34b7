-- Counts what is published on a channel.
local multicast <const> = require "skynet.multicast"
local service <const> = require "bench_service"

local received = 0
local channel -- held: a collected one unsubscribes

local command <const> = {}

---@async
function command.subscribe(number)
	channel = multicast.new {
		channel = number,
		dispatch = function()
			received = received + 1
		end,
	}
	channel:subscribe()
end

---@return integer
function command.received()
	return received
end

service.serve(command)
