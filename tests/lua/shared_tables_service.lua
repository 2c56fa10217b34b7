-- For tests/unit/modules/shared_tables_vm_test.cpp: two services hold the tables "slept" and "held"
-- and then do nothing; the tables "dropped" were used and are not held any more.
local skynet <const> = require "skynet"
local sharedata <const> = require "skynet.sharedata"
local sharetable <const> = require "skynet.sharetable"

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
	sharedata.new("held", { 1 })
	held[3] = sharedata.query "held"
	sharedata.new("dropped", { part = { value = "text" } })
	testing.equal(sharedata.query("dropped").part.value, "text")
	sharetable.loadtable("dropped", { part = { value = 2 } })
	testing.equal(sharetable.query("dropped").part.value, 2)
	collectgarbage()
	collectgarbage()
end)
