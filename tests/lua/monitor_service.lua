-- Run by tests/unit/modules/monitor_test.cpp with limits of some milliseconds: a loop is
-- reported and broken, and its service goes on.
local skynet <const> = require "skynet"
local testing <const> = require "testing"

testing.run(function()
	local looper <const> = skynet.newservice "loop_service"
	testing.equal(skynet.call(looper, "lua", "endless"), false)
	for _, how in ipairs { "loop", "coroutine", "wrap", "catch" } do
		testing.raises("call failed", skynet.call, looper, "lua", how)
		testing.equal(skynet.call(looper, "lua", "endless"), true, how .. " is reported")
		testing.equal(skynet.call(looper, "lua", "endless"), false, "once")
	end
	for _, how in ipairs {
		"main", "main_pcall", "main_handler", "main_close", "main_finalizer", "main_coroutine",
		"main_require", "init",
	} do
		testing.raises("call failed", skynet.newservice, "loop_service", how)
	end
end)
