-- Run by tests/unit/script/monitor_test.cpp with limits of some milliseconds: a loop is
-- reported and broken, and its service goes on.
local skynet <const> = require "skynet"
local testing <const> = require "testing"

testing.run(function()
	local looper <const> = skynet.newservice "loop_service"
	testing.equal(skynet.call(looper, "lua", "endless"), false)
	for _, how in ipairs { "loop", "coroutine", "wrap" } do
		testing.raises("call failed", skynet.call, looper, "lua", how)
		testing.equal(skynet.call(looper, "lua", "endless"), true, how .. " is reported")
		testing.equal(skynet.call(looper, "lua", "endless"), false, "once")
	end
	local ok <const>, message <const> = skynet.call(looper, "lua", "catch")
	testing.equal(ok, false)
	testing.check(tostring(message):find("endless loop", 1, true), message)
	testing.raises("call failed", skynet.newservice, "loop_service", "main")
end)
