-- The rows of the benchmark. A row measures for `seconds` and reports its figures.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local bench_launch <const> = require "bench_launch"
local process <const> = require "bench_process"
local service <const> = require "bench_service"
local shared_rows <const> = require "bench_shared_rows"

local launch <const>, launch_many <const>, stop <const> =
	bench_launch.one, bench_launch.many, bench_launch.stop

local SENDS_PER_S <const> = 2000000 -- messages of a row, times its seconds
local BURST <const> = 500 -- two of them are on their way: below the mailbox length that is logged
local LAUNCHES_AT_ONCE <const> = 200
local IDLE_SERVICES <const> = 2000
local TIMERS <const> = 1000

local function even(i)
	return i % 2
end

local function odd(i)
	return (i + 1) % 2
end

---------------------------------------------------------------- rows

local rows <const> = {} -- name -> function(seconds, report)
local order <const> = {}

local function add(name, run)
	rows[name] = run
	order[#order + 1] = name
end

-- For two workers at least, and where launch() takes a worker: skynet has no placement.
local function add_placed(name, run)
	if core.launch and tonumber(skynet.getenv "thread") > 1 then
		add(name, run)
	end
end

add("service_kib", function(_, report)
	local before_kib <const> = process.resident_kib()
	local idle <const> = launch_many("bench_trivial", IDLE_SERVICES)
	report("service_kib", (process.resident_kib() - before_kib) / IDLE_SERVICES, "KiB")
	stop(idle)
end)

add("launch", function(seconds, report)
	local count, elapsed_ns = 0, 0
	repeat
		local start <const> = skynet.hpc()
		local launched <const> = launch_many("bench_trivial", LAUNCHES_AT_ONCE)
		elapsed_ns = elapsed_ns + skynet.hpc() - start
		count = count + LAUNCHES_AT_ONCE
		stop(launched)
	until elapsed_ns >= seconds * 1e9
	report("launch", count / elapsed_ns * 1e9, "services/s")
end)

-- Echo and caller are launched in turn, so that on two workers that are filled in turn each pair
-- has one on each; a placement overrides that.
local function call(name, pairs_count, echo_worker, caller_worker)
	return function(seconds, report)
		local echoes <const>, callers <const> = {}, {}
		for i = 1, pairs_count do
			echoes[i] = launch("bench_echo", echo_worker and echo_worker(i))
			callers[i] = launch("bench_caller", caller_worker and caller_worker(i))
		end
		local rates <const> = service.in_parallel(pairs_count, function(i)
			return skynet.call(callers[i], "lua", "run", echoes[i], seconds)
		end)
		local sum = 0
		for _, rate in ipairs(rates) do
			sum = sum + rate
		end
		report(name, sum, "calls/s")
		stop(callers, echoes)
	end
end

add("call_1", call("call_1", 1))
add("call_8", call("call_8", 8))
add_placed("call_1_same", call("call_1_same", 1, even, even))
add_placed("call_1_other", call("call_1_other", 1, even, odd))
add_placed("call_8_same", call("call_8_same", 8, even, even))
add_placed("call_8_other", call("call_8_other", 8, even, odd))

-- Messages counted by the sinks, over the time from the first to the last.
local function sink_rate(sinks, expected)
	local received, first_ns, last_ns = 0, math.maxinteger, 0
	for _, sink in ipairs(sinks) do
		local result <const> = skynet.call(sink, "lua", "result")
		received = received + result.received
		first_ns = math.min(first_ns, result.first_ns)
		last_ns = math.max(last_ns, result.last_ns)
	end
	assert(received == expected, "messages were lost")
	return received / (last_ns - first_ns) * 1e9
end

local function send(name, sender_count, sink_count, sender_worker, sink_worker)
	return function(seconds, report)
		local sinks <const> = launch_many("bench_sink", sink_count, sink_worker)
		local senders <const> = launch_many("bench_sender", sender_count, sender_worker)
		local burst <const> = BURST // sender_count
		local bursts <const> = math.ceil(SENDS_PER_S * seconds / sender_count / burst)
		service.in_parallel(sender_count, function(i)
			skynet.call(senders[i], "lua", "send", bursts, burst, table.unpack(sinks))
		end)
		report(name, sink_rate(sinks, bursts * sender_count * burst), "messages/s")
		stop(senders, sinks)
	end
end

add("send_1_1", send("send_1_1", 1, 1))
add("send_8_1", send("send_8_1", 8, 1))
add("send_1_8", send("send_1_8", 1, 8))
add_placed("send_1_1_same", send("send_1_1_same", 1, 1, even, even))
add_placed("send_1_1_other", send("send_1_1_other", 1, 1, even, odd))

-- CPU of the process for each time that tick() was called. begin(tick) starts TIMERS activities
-- that go on as long as tick() returns true.
local function cpu_us_per_tick(seconds, begin)
	local count, going_on = 0, true
	begin(function()
		count = count + 1
		return going_on
	end)
	skynet.sleep(10)
	local cpu_ns <const> = process.cpu_clock()
	local count_before <const>, cpu_before <const> = count, cpu_ns()
	skynet.sleep(math.ceil(seconds * 100))
	local ticks <const>, used_ns <const> = count - count_before, cpu_ns() - cpu_before
	going_on = false
	skynet.sleep(10)
	return used_ns / ticks / 1000
end

add("timeout", function(seconds, report)
	local us <const> = cpu_us_per_tick(seconds, function(tick)
		local function fire()
			if tick() then
				skynet.timeout(1, fire)
			end
		end
		for _ = 1, TIMERS do
			skynet.timeout(1, fire)
		end
	end)
	report("timeout", us, "CPU us")
end)

add("sleep", function(seconds, report)
	local us <const> = cpu_us_per_tick(seconds, function(tick)
		for _ = 1, TIMERS do
			skynet.fork(function()
				repeat
					skynet.sleep(1)
				until not tick()
			end)
		end
	end)
	report("sleep", us, "CPU us")
end)

local function player_record()
	local bag <const> = {}
	for i = 1, 2 do
		bag[i] = { item = 1000 + i, count = i, bound = i % 2 == 0 }
	end
	return {
		uid = 100000001,
		name = "a player of a game",
		level = 42,
		experience = 1234567,
		gold = 99999,
		online = true,
		position = { map = "forest", x = 12.5, y = -3.25, z = 0.0 },
		bag = bag,
		friends = { 100000002, 100000003, 100000004 },
	}
end

add("pack_unpack", function(seconds, report)
	local record <const> = player_record()
	local start <const> = skynet.hpc()
	local count = 0
	local elapsed_ns
	repeat
		for _ = 1, 100 do
			local message <const>, size <const> = skynet.pack(record)
			local copy <const> = skynet.unpack(message, size)
			skynet.trash(message, size)
			assert(copy.bag[2].item == 1002)
		end
		count = count + 100
		elapsed_ns = skynet.hpc() - start
	until elapsed_ns >= seconds * 1e9
	report("pack_unpack", count / elapsed_ns * 1e9, "tables/s")
end)

-- Round trips to a quiet service, one each 10 ms, while another one is flooded.
add("fairness", function(seconds, report)
	local sink <const>, sender <const> = launch "bench_sink", launch "bench_sender"
	local quiet <const> = launch "bench_echo"
	local flooding, round_trips_us = true, {}
	skynet.fork(function()
		skynet.call(sender, "lua", "send_for", 3 * seconds, BURST, sink)
		flooding = false
	end)
	while flooding do
		skynet.sleep(1)
		local start <const> = skynet.hpc()
		skynet.call(quiet, "lua", 1)
		round_trips_us[#round_trips_us + 1] = (skynet.hpc() - start) / 1000
	end
	table.sort(round_trips_us)
	report("quiet_call_p50", round_trips_us[math.ceil(#round_trips_us * 0.50)], "us")
	report("quiet_call_p99", round_trips_us[math.ceil(#round_trips_us * 0.99)], "us")
	stop({ sender }, { sink }, { quiet })
end)

for _, row in ipairs(shared_rows) do
	add(row.name, row.run)
end

local M <const> = {}

--- The names of all rows, in the order in which they should run in one process.
---@return string[]
function M.all()
	return order
end

---@async
---@param report fun(row: string, value: number, unit: string)
function M.run(name, seconds, report)
	local run <const> = rows[name]
	if run == nil then
		error("there is no such row here", 0)
	end
	run(seconds, report)
end

return M
