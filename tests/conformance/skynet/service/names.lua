-- skynet.harbor in one process (docs/skynet-rules.md 1.8, 2.9).
local skynet <const> = require "skynet"
local harbor <const> = require "skynet.harbor"
local rules <const> = require "rules"

rules.run("names", function()
	rules.rule("1.8 globalname names a service", function()
		harbor.globalname "FIRST"
		rules.same(skynet.self())(harbor.queryname "FIRST")
		rules.raises("15", harbor.globalname, "a name that is too long")
	end)
	rules.rule("1.8 queryname waits for the name", function()
		local found
		skynet.fork(function()
			found = harbor.queryname "SECOND"
		end)
		skynet.yield()
		rules.same(nil)(found)
		harbor.globalname("SECOND", skynet.self())
		rules.await(function()
			return found == skynet.self()
		end)
	end)
end)
