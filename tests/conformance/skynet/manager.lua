-- What skynet.manager adds for services that stand between others.
local skynet <const> = require "skynet"
local home <const> = require "cluster_home"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

rules.run("manager", function()
	rule("1.2 forward_type gives messages to another type", function()
		local service <const> = skynet.newservice("manager_forward", home.launch())
		same("fwd", 1)(skynet.call(service, "lua", "ECHO", "fwd", 1))
		raises("call failed", skynet.call, service, "lua", "RAISE")
	end)
	rule("1.2 monitor is told who ends", function()
		local service <const> = skynet.monitor "manager_monitor"
		same(service)(skynet.monitor("manager_monitor", true))
		local victim <const> = home.launch()
		skynet.kill(victim)
		rules.await(function()
			return skynet.call(service, "lua", victim)
		end)
	end)
	rule("1.2 filter says that it is not there", function()
		raises("skynet.filter is not supported", skynet.filter)
	end)
end)
