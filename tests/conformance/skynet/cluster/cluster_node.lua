-- The other process of cluster_pair.lua and of the tests of the wire: listens on `peer_port`, and
-- prints "listening PORT".
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
local snax <const> = require "skynet.snax"
require "skynet.manager"

local command <const> = {}

--- Calls the driver on its address, and returns its answer.
---@async
function command.BACK(address, ...)
	cluster.reload { driver = address }
	return cluster.call("driver", "@driver", ...)
end

function command.ABORT()
	skynet.abort()
end

skynet.start(function()
	local target <const> = skynet.newservice "cluster_target"
	skynet.name(".target", target)
	cluster.register("target", target)
	snax.uniqueservice("sample", 1)
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	cluster.register "node"
	local _, port <const> = cluster.open(math.tointeger(skynet.getenv "peer_port"), 8)
	print(string.format("listening %d %d", port, target))
	io.flush()
end)
