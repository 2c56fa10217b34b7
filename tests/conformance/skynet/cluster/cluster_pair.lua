-- skynet.cluster with another process, which runs cluster_node.lua on the port `peer_port`. What
-- has to happen to it is asked for with a line "do WORD" on stdout.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
local rules <const> = require "net_rules"
local snax <const> = require "skynet.snax"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local CALLS <const> = 100

local function ask_for(word)
	print("do " .. word)
	io.flush()
end

local function available(node)
	return function()
		return pcall(cluster.call, node, "@target", "ECHO")
	end
end

-- Calls that the node does not answer. Returns their errors, which come later.
---@async
local function hanging_calls(count)
	local errors <const> = {}
	for i = 1, count do
		skynet.fork(function()
			local ok, message
			if i % 2 == 0 then
				ok, message = pcall(skynet.call, cluster.proxy "peer@target", "lua", "HANG")
			else
				ok, message = pcall(cluster.call, "peer", "@target", "HANG", ("x"):rep(i * 1024))
			end
			errors[#errors + 1] = ok and "answered" or message
		end)
	end
	rules.await(function()
		return cluster.call("peer", "@target", "HUNG") == count
	end)
	same(0)(#errors)
	return errors
end

local function check_failed(errors)
	rules.await(function()
		return #errors == CALLS
	end)
	for _, message in ipairs(errors) do
		raises("call failed", error, message)
	end
end

rules.run("cluster_pair", function()
	local port <const> = skynet.getenv "peer_port"
	cluster.reload { peer = "127.0.0.1:" .. port }
	rule("1.8 two processes call each other", function()
		local _, own <const> = cluster.open(0)
		cluster.register "driver"
		skynet.dispatch("lua", function(_, _, ...)
			skynet.retpack("driver", ...)
		end)
		same("driver", "around", 1)(
			cluster.call("peer", "@node", "BACK", "127.0.0.1:" .. own, "around", 1)
		)
		local address <const> = cluster.query("peer", "target")
		same(address)(cluster.query("peer", "target"))
		local big <const> = ("y"):rep(1 << 20)
		same(big)(cluster.call("peer", address, "ECHO", big))
		same(big)(skynet.call(cluster.proxy("peer", ".target"), "lua", "ECHO", big))
		raises("call failed", cluster.call, "peer", "@target", "RAISE")
	end)
	rule("1.9 a snax service of another process", function()
		local object <const> = cluster.snax("peer", "sample")
		object.post.add(2)
		same("there", 3)(object.req.echo("there", object.req.count()))
		raises("sample", snax.bind, object.handle, "sample_folder")
	end)
	rule("5.5 a process that is killed fails all calls", function()
		local errors <const> = hanging_calls(CALLS)
		ask_for "kill"
		check_failed(errors)
		raises("call failed", cluster.call, "peer", "@target", "ECHO")
	end)
	rule("5.5 the next call connects again", function()
		ask_for "start"
		rules.await(available "peer")
		same(1)(cluster.call("peer", "@target", "ECHO", 1))
		same(2)(skynet.call(cluster.proxy "peer@target", "lua", "ECHO", 2))
	end)
	rule("5.5 a process that stops fails all calls", function()
		local errors <const> = hanging_calls(CALLS)
		pcall(cluster.call, "peer", "@node", "ABORT")
		check_failed(errors)
		ask_for "start"
		rules.await(available "peer")
	end)
end)
