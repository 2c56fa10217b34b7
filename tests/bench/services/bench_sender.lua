-- Sends small messages to sinks, in turn. What is on its way is bounded: each of two lanes sends a
-- burst and waits until the sinks have taken it.
local skynet <const> = require "skynet"
local service <const> = require "bench_service"

local LANES <const> = 2

local function send_burst(sinks, messages)
	local count <const> = #sinks
	for i = 1, messages do
		assert(skynet.send(sinks[i % count + 1], "lua", i), "a mailbox is full")
	end
	service.in_parallel(count, function(i)
		skynet.call(sinks[i], "lua", "caught_up")
	end)
end

local function send_while(more, burst, sinks)
	service.in_parallel(LANES, function()
		while more() do
			send_burst(sinks, burst)
		end
	end)
end

local command <const> = {}

---@async
---@param bursts integer how many
---@param burst integer messages of one
---@param ... integer addresses of the sinks
function command.send(bursts, burst, ...)
	send_while(function()
		bursts = bursts - 1
		return bursts >= 0
	end, burst, { ... })
end

---@async
function command.send_for(seconds, burst, ...)
	local deadline_ns <const> = skynet.hpc() + seconds * 1e9
	send_while(function()
		return skynet.hpc() < deadline_ns
	end, burst, { ... })
end

service.serve(command)
