-- Two services send each other a counted ping: the smallest skynet program with a partner.
--   gatehouse skynet lua/examples/ping.config
local skynet <const> = require "skynet"

local ROUNDS <const> = 5

local function serve()
	skynet.dispatch("lua", function(_, _, text, count)
		skynet.error(string.format("%s %d", text, count))
		skynet.retpack("pong", count)
	end)
end

local function play(partner)
	for count = 1, ROUNDS do
		local text <const>, echoed <const> = skynet.call(partner, "lua", "ping", count)
		assert(echoed == count)
		skynet.error(string.format("%s %d", text, echoed))
		skynet.sleep(10)
	end
	skynet.send(partner, "lua", "bye", ROUNDS)
	skynet.error "my_ping is done"
	require("skynet.manager").abort()
end

local role <const> = ...

skynet.start(function()
	if role == "partner" then
		serve()
	else
		play(skynet.newservice("my_ping", "partner"))
	end
end)
