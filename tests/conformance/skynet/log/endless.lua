-- A service that does not end its message (docs/skynet-rules.md 2.15).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const> = rules.rule, rules.same

rules.run("endless", function()
	rule("2.15 stat endless is 1 once the monitor has seen it, and then 0", function()
		same(0)(skynet.stat "endless")
		local limit <const> = skynet.hpc() + 40 * 1000000000
		local seen
		repeat
			seen = skynet.stat "endless"
		until seen ~= 0 or skynet.hpc() > limit
		same(1, 0, false)(seen, skynet.stat "endless", skynet.endless())
	end)
end)
