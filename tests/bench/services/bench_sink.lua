-- Counts messages, and the time from the first to the last.
local skynet <const> = require "skynet"
local service <const> = require "bench_service"

local received = 0
local first_ns, last_ns

local command <const> = {}

--- Answers when every message that was sent before has been counted.
function command.caught_up()
	last_ns = skynet.hpc()
end

---@return { received: integer, first_ns: integer, last_ns: integer }
function command.result()
	return { received = received, first_ns = first_ns, last_ns = last_ns }
end

service.serve(command, function()
	received = received + 1
	first_ns = first_ns or skynet.hpc()
end)
