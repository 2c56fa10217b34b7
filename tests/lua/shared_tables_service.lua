-- For tests/unit/script/shared_tables_test.cpp: two services hold the table "slept" and then do
-- nothing.
local skynet <const> = require "skynet"
local sharedata <const> = require "skynet.sharedata"

local held

if ... == "partner" then
	skynet.dispatch("lua", function()
		held = sharedata.query("slept").part
		skynet.retpack(held.value)
	end)
	skynet.start(function() end)
	return
end

local testing <const> = require "testing"

testing.run(function()
	sharedata.new("slept", { part = { value = 1 }, kept = { 1, 2 } })
	held = { sharedata.query "slept", sharedata.query("slept").part }
	local partner <const> = skynet.newservice("shared_tables_service", "partner")
	testing.equal(skynet.call(partner, "lua"), 1)
	testing.equal(held[2].value, 1)
end)
