-- Measures the Lua runtime with services that use skynet's API only, so that the same files run
-- on gatehouse and on skynet. Logs one line a figure, then `BENCH done`, and ends the process:
--   BENCH {"row":"call_1","value":1234567,"unit":"calls/s"}
-- A row that fails logs `BENCH failed ROW: why`; `BENCH done` is missing then.
local skynet <const> = require "skynet"
local rows <const> = require "bench_rows"
require "skynet.manager"

local function report(row, value, unit)
	local form <const> = value >= 1000 and "%.0f" or "%.3f"
	skynet.error(
		string.format('BENCH {"row":"%s","value":%s,"unit":"%s"}', row, form:format(value), unit)
	)
end

local function chosen_rows(text)
	if text == "all" then
		return rows.all()
	end
	local names <const> = {}
	for name in text:gmatch "[^,%s]+" do
		names[#names + 1] = name
	end
	return names
end

local function run_rows()
	local seconds <const> = tonumber(skynet.getenv "bench_seconds" or "1")
	for _, name in ipairs(chosen_rows(skynet.getenv "bench_rows" or "all")) do
		local ok <const>, message <const> = pcall(rows.run, name, seconds, report)
		if not ok then
			skynet.error(string.format("BENCH failed %s: %s", name, message))
			return
		end
	end
	skynet.error "BENCH done"
end

skynet.start(function()
	skynet.fork(function()
		run_rows()
		skynet.sleep(10) -- skynet's logger loses what it has not written when the process aborts
		skynet.abort()
	end)
end)
