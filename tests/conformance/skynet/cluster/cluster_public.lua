-- skynet.cluster with cluster_public = true in the configuration. 192.0.2.1 is an address that no
-- machine has (RFC 5737), so that nothing listens outside of the loopback addresses.
local cluster <const> = require "skynet.cluster"
local rules <const> = require "rules"

local rule <const>, raises <const> = rules.rule, rules.raises

rules.run("cluster_public", function()
	rule("5.5 cluster_public lets open try any address", function()
		raises("Listen error", cluster.open, "192.0.2.1:7000")
	end)
end)
