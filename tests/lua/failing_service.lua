-- A partner for test_unique.lua: counts its starts and fails each.
local skynet <const> = require "skynet"

local counter <const> = ...

skynet.start(function()
	skynet.call(tonumber(counter), "lua")
	error "start fails as asked"
end)
