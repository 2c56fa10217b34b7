-- Rows on what services share: messages to many, and tables.
local skynet <const> = require "skynet"
local bench_launch <const> = require "bench_launch"
local multicast <const> = require "skynet.multicast"
local service <const> = require "bench_service"

local SUBSCRIBERS <const> = 1000
local PUBLISHED_AT_ONCE <const> = 50
local READERS <const> = 4

-- `at_once` messages are published, then all subscribers are asked whether they have them.
local function multicast_row(name, at_once)
	return function(seconds, report)
		local channel <const> = multicast.new()
		local subscribers <const> = bench_launch.many("bench_subscriber", SUBSCRIBERS)
		for _, address in ipairs(subscribers) do
			skynet.call(address, "lua", "subscribe", channel.channel)
		end
		local start <const>, published = skynet.hpc(), 0
		local elapsed_ns
		repeat
			at_once(PUBLISHED_AT_ONCE, function(i)
				channel:publish(published + i, "news of the world")
			end)
			published = published + PUBLISHED_AT_ONCE
			service.in_parallel(SUBSCRIBERS, function(i)
				local received <const> = skynet.call(subscribers[i], "lua", "received")
				assert(received == published, "messages were lost")
			end)
			elapsed_ns = skynet.hpc() - start
		until elapsed_ns >= seconds * 1e9
		report(name, published * SUBSCRIBERS / elapsed_ns * 1e9, "deliveries/s")
		bench_launch.stop(subscribers)
	end
end

local function in_turn(count, f)
	for i = 1, count do
		f(i)
	end
end

-- Fields that READERS services read at the same time, and what one of them holds for it.
local function shared_reads(name)
	return function(seconds, report)
		skynet.call(bench_launch.one "bench_records", "lua", "share", name)
		local readers <const> = bench_launch.many("bench_reader", READERS)
		local rates <const> = service.in_parallel(READERS, function(i)
			return skynet.call(readers[i], "lua", "read", name, seconds)
		end)
		local sum = 0
		for _, rate in ipairs(rates) do
			sum = sum + rate
		end
		report(name, sum, "reads/s")
		report(name .. "_kib", skynet.call(readers[1], "lua", "touch_all", name), "KiB")
		bench_launch.stop(readers)
	end
end

---@type { name: string, run: async fun(seconds: number, report: function) }[]
return {
	{ name = "multicast", run = multicast_row("multicast", service.in_parallel) },
	-- Here each message runs through the memory of all subscribers before the next one does.
	{ name = "multicast_1", run = multicast_row("multicast_1", in_turn) },
	{ name = "sharedata", run = shared_reads "sharedata" },
	{ name = "sharetable", run = shared_reads "sharetable" },
}
