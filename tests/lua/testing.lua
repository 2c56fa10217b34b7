-- Checks for the services in tests/lua. A failed check is recorded with its place; finish()
-- hands the count and the failures to the test program and ends the system.
local skynet <const> = require "skynet"
require "skynet.manager"

local M <const> = {}
local failures <const> = {}
local checks = 0

local function record(ok, text)
	checks = checks + 1
	if not ok then
		local place <const> = debug.getinfo(3, "Sl")
		failures[#failures + 1] = string.format("%s:%d: %s", place.short_src, place.currentline, text)
	end
	return ok
end

function M.check(value, text)
	local ok <const> = record(value, text or "check failed") -- no tail call: record() looks at levels
	return ok
end

function M.equal(got, wanted, text)
	local same <const> = got == wanted and math.type(got) == math.type(wanted)
	local ok <const> = record(
		same,
		string.format("%s: got %s, wanted %s", text or "equal", tostring(got), tostring(wanted))
	)
	return ok
end

--- f(...) must raise an error that contains `text`.
function M.raises(text, f, ...)
	local fine <const>, message <const> = pcall(f, ...)
	local ok <const> = record(
		not fine and tostring(message):find(text, 1, true) ~= nil,
		string.format("raises %q: got %s", text, fine and "no error" or tostring(message))
	)
	return ok
end

--- Runs f as the service under test and finishes, also when f raises.
function M.run(f)
	skynet.start(function()
		-- After the start function, so that the launcher is not kept waiting.
		skynet.fork(function()
			local ok <const>, message <const> = xpcall(f, debug.traceback)
			if not ok then
				failures[#failures + 1] = message
			end
			M.finish()
		end)
	end)
end

function M.finish()
	for _, failure in ipairs(failures) do
		skynet.error("FAILED " .. failure)
	end
	skynet.setenv("test_checks", tostring(checks))
	skynet.setenv("test_failures", table.concat(failures, "\n"))
	skynet.abort()
end

return M
