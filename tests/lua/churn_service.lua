-- Run by tests/unit/modules/churn_test.cpp: services come and go, and nothing is left of them.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local waiting <const> = require "waiting"

local cycles <const> = math.tointeger(skynet.getenv "churn_cycles")
local BYTES_A_CYCLE <const> = 100 -- addresses are not reused soon, so their pages grow

-- Live services, and bytes allocated (0 when the allocator does not tell).
local function measure()
	collectgarbage()
	local reply <const> = skynet.tostring(skynet.rawcall(".probe", skynet.PTYPE_TEXT, "measure"))
	local services <const>, bytes <const> = reply:match "^(%d+) (%d+)$"
	return math.tointeger(services), math.tointeger(bytes)
end

local function churn(n)
	for i = 1, n do
		local service <const> = skynet.newservice("exit_service", skynet.self())
		if i % 100 == 0 then
			testing.raises("call failed", skynet.call, service, "lua", "exit")
		else
			skynet.send(service, "lua", "exit")
		end
	end
end

skynet.dispatch("lua", function() end)

testing.run(function()
	waiting.wait_until(function()
		return skynet.localname ".probe"
	end)
	churn(200)
	local services <const> = 5 -- logger, launcher, service_mgr, this, probe
	waiting.wait_until(function()
		return measure() == services
	end)
	local _, before <const> = measure()
	churn(cycles)
	waiting.wait_until(function()
		return measure() == services
	end)
	local _, after <const> = measure()
	testing.check(
		after - before < 300000 + cycles * BYTES_A_CYCLE,
		string.format("%d bytes before, %d after", before, after)
	)
end)
