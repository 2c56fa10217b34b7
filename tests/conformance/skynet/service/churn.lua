-- Memory and addresses after many launches and ends are where they began. `churn_cycles` of the
-- configuration says how many; `churn_warm` how many go before the first measure; `churn_slack`
-- how many bytes the allocator may keep.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local rules <const> = require "rules"
require "skynet.manager"

local cycles <const> = math.tointeger(skynet.getenv "churn_cycles")
local warm <const> = math.tointeger(skynet.getenv "churn_warm")
local slack_bytes <const> = math.tointeger(skynet.getenv "churn_slack")

local AT_ONCE <const> = 20
-- Addresses are not given again soon, and what knows of them grows by this much for each.
local BYTES_A_CYCLE <const> = 100

-- Children that call this service while they start, and never get an answer.
local caught <const> = {}

skynet.dispatch("lua", function(_, _, name, address)
	assert(name == "starting")
	caught[#caught + 1] = address
	skynet.ignoreret()
end)

local function resident_bytes()
	for line in io.lines "/proc/self/status" do
		local kilobytes <const> = line:match "^VmRSS:%s+(%d+) kB"
		if kilobytes then
			return math.tointeger(kilobytes) * 1024
		end
	end
	error "no VmRSS"
end

local highest = 0

-- Addresses at which a service runs.
local function live()
	local count = 0
	for address = 1, highest + AT_ONCE do
		if core.alive(address) then
			count = count + 1
		end
	end
	return count
end

local function launch(...)
	local address <const> = skynet.newservice("core_partner", ...)
	highest = math.max(highest, address or 0)
	return address
end

-- The ways in which a service can end, some with work in its hands.
local ways <const> = {
	function()
		rules.raises("call failed", skynet.call, launch(), "lua", "exit")
	end,
	function()
		local address <const> = launch("with", "arguments")
		skynet.send(address, "lua", "sleep", 100000)
		rules.raises("call failed", skynet.call, address, "lua", "exit")
	end,
	function()
		local address <const> = launch()
		skynet.send(address, "lua", "call_out", skynet.self(), "starting")
		skynet.kill(address)
	end,
	function()
		local address <const> = launch()
		skynet.name(".churn" .. address, address)
		skynet.fork(pcall, skynet.call, address, "lua", "keep")
		skynet.yield()
		skynet.kill(address)
	end,
	function()
		rules.raises("call failed", launch, "raise")
	end,
	function()
		launch "leave"
	end,
	function()
		skynet.fork(pcall, launch, "call", skynet.self())
		rules.await(function()
			return #caught > 0
		end)
		skynet.kill(table.remove(caught))
	end,
}

local function churn(count)
	local left = AT_ONCE
	local failure
	for first = 1, AT_ONCE do
		skynet.fork(function()
			for i = first, count, AT_ONCE do
				local ok <const>, message <const> = pcall(ways[i % #ways + 1])
				failure = failure or not ok and message
			end
			left = left - 1
		end)
	end
	rules.await(function()
		return left == 0
	end, "the end of all launches", 120 + count // 100)
	if failure then
		error(failure)
	end
end

rules.run("churn", function()
	rules.await(function()
		return not core.alive(2) -- bootstrap
	end)
	local services <const> = live()
	local before
	rules.rule("2.9 the addresses of services that ended are free", function()
		churn(warm)
		rules.await(function()
			return live() == services
		end)
		collectgarbage()
		before = resident_bytes()
		churn(cycles)
		rules.await(function()
			return live() == services
		end)
	end)
	rules.rule("2.10 the launcher knows of none that ended", function()
		local count = 0
		for _ in pairs(skynet.call(".launcher", "lua", "LIST")) do
			count = count + 1
		end
		rules.same(2)(count) -- service_mgr and this
	end)
	rules.rule("2.5 memory is where it was", function()
		collectgarbage()
		local grown <const> = resident_bytes() - before
		print(string.format("churn: %d cycles, %d bytes before, %d more after, %d services",
			cycles, before, grown, live()))
		assert(grown < slack_bytes + cycles * BYTES_A_CYCLE, grown .. " bytes more than before")
	end)
end)
