-- Calls an echo for a while.
local skynet <const> = require "skynet"
local service <const> = require "bench_service"

local CALLS_BETWEEN_CLOCKS <const> = 64

local command <const> = {}

--- Returns calls per second.
---@async
function command.run(echo, seconds)
	local start <const> = skynet.hpc()
	local count = 0
	local elapsed_ns
	repeat
		for i = 1, CALLS_BETWEEN_CLOCKS do
			assert(skynet.call(echo, "lua", i) == i)
		end
		count = count + CALLS_BETWEEN_CLOCKS
		elapsed_ns = skynet.hpc() - start
	until elapsed_ns >= seconds * 1e9
	return count / elapsed_ns * 1e9
end

service.serve(command)
