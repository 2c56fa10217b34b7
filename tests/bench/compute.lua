-- A heavy service: computes for 50 ms, and again every 100 ms.
local skynet <const> = require "skynet"

local COMPUTE_NS <const> = 50e6
local PAUSE_CS <const> = 5

local function compute(duration_ns)
	local start <const> = skynet.hpc()
	local sum = 0
	repeat
		for i = 1, 1000 do
			sum = (sum * 31 + i) % 1000003
		end
	until skynet.hpc() - start >= duration_ns
	return sum
end

skynet.start(function()
	skynet.fork(function()
		while true do
			compute(COMPUTE_NS)
			skynet.sleep(PAUSE_CS)
		end
	end)
end)
