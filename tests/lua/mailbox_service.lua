-- Run by tests/unit/modules/churn_test.cpp with mailboxes of 64 KiB: a sender learns when one is
-- full, wherever the receiver runs.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local waiting <const> = require "waiting"

local LIMIT <const> = 64 * 1024

testing.run(function()
	local text <const> = ("x"):rep(1000)
	for _ = 1, 4 do -- on each worker
		local receiver <const> = skynet.newservice "echo_service"
		local sent = 0
		while skynet.send(receiver, "lua", "echo", text) == 0 do
			sent = sent + 1
		end
		testing.equal(skynet.send(receiver, "lua", "echo", text), false)
		testing.check(sent > 50 and sent <= LIMIT / 1000, sent)
		testing.raises("mailbox of the service is full", skynet.call, receiver, "lua", "echo", text)
		waiting.wait_until(function()
			return pcall(skynet.call, receiver, "lua", "echo", text)
		end, "room for a message")
		testing.equal(skynet.send(receiver, "lua", "echo", ("x"):rep(LIMIT)), false)
		testing.equal(skynet.call(receiver, "lua", "echo", "small"), "small")
	end
end)
