-- A partner for test_unique.lua: waits in its start function for the one who counts its starts,
-- and fails or leaves when told to.
local skynet <const> = require "skynet"

local counter <const>, how <const> = ...

skynet.dispatch("lua", function(_, _, ...)
	skynet.retpack(...)
end)

skynet.start(function()
	skynet.call(tonumber(counter), "lua")
	if how == "raise" then
		error "start fails as asked"
	elseif how == "leave" then
		skynet.exit()
	end
end)
