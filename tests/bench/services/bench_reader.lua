-- Reads fields of shared records.
local skynet <const> = require "skynet"
local service <const> = require "bench_service"

local HOT_RECORDS <const> = 100
local FIELDS <const> = 8 -- read of each

local command <const> = {}

--- Reads all fields of the hot records again and again.
---@async
---@return number fields a second
function command.read(library, seconds)
	local records <const> = require("skynet." .. library).query "bench"
	local start <const>, passes = skynet.hpc(), 0
	local elapsed_ns
	local sum = 0
	repeat
		for _ = 1, 10 do
			for i = 1, HOT_RECORDS do
				local record <const> = records[i]
				sum = sum + record.id + record.level + record.price + record.weight
				sum = sum + record.attack + record.defence + #record.name
				sum = sum + (record.bound and 1 or 0)
			end
		end
		passes = passes + 10
		elapsed_ns = skynet.hpc() - start
	until elapsed_ns >= seconds * 1e9
	assert(sum > 0)
	return passes * HOT_RECORDS * FIELDS / elapsed_ns * 1e9
end

--- Reads a field of every record.
---@async
---@return number kib that the service holds afterwards for it, without a collection
function command.touch_all(library)
	local records <const> = require("skynet." .. library).query "bench"
	collectgarbage()
	collectgarbage()
	local before <const> = collectgarbage "count"
	local sum = 0
	for i = 1, #records do
		sum = sum + records[i].level
	end
	assert(sum > 0)
	return collectgarbage "count" - before
end

service.serve(command)
