-- For the tests of the wire: sends to the node on `peer_port`, which is a script. It is told what
-- to do with lines of the node's answers, and prints what came of it.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
require "skynet.manager"

local function report(ok, value)
	print(ok and "got " .. #value or "raised " .. tostring(value))
	io.flush()
end

local step <const> = {}

function step.number()
	report(pcall(cluster.call, "peer", 0x01020304, "a", 1))
end

function step.name()
	report(pcall(cluster.call, "peer", "@name", "a", 1))
end

function step.query()
	local ok <const>, value <const> = pcall(cluster.query, "peer", "name")
	report(ok, ok and tostring(value) or value)
end

function step.push()
	cluster.send("peer", ".name", "a")
	cluster.send("peer", 5, "a")
end

function step.big()
	report(pcall(cluster.call, "peer", 7, ("b"):rep(70000)))
end

function step.bigpush()
	cluster.send("peer", "@n", ("b"):rep(40000))
end

skynet.start(function()
	cluster.reload { peer = "127.0.0.1:" .. skynet.getenv "peer_port" }
	skynet.fork(function()
		for word in skynet.getenv("steps"):gmatch "%S+" do
			step[word]()
		end
		print "done"
		io.flush()
	end)
end)
