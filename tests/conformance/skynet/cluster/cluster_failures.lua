-- skynet.cluster within one process: nodes that are not there, and services and connections that
-- end.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
local core <const> = require "skynet.core"
local home <const> = require "cluster_home"
local rules <const> = require "net_rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises
local launch <const>, notes_of <const> = home.launch, home.notes_of

local target, address

-- The coroutine that finds a node's sender may belong to a service that ends.
local function opener_ends()
	local fork <const> = skynet.fork
	local openers <const> = {}
	skynet.fork = function(...)
		local opener <const> = fork(...)
		openers[#openers + 1] = opener
		if #openers == 2 then
			fork(skynet.killthread, opener) -- when it waits
		end
		return opener
	end
	cluster.reload { fresh1 = address, fresh2 = address }
	local noted <const> = launch()
	cluster.send("fresh1", noted, "NOTE", 1)
	same "thread"(type(skynet.killthread(openers[1]))) -- before it ran
	local answers <const> = {}
	for i = 1, 2 do
		fork(function()
			local answer <const> = cluster.call("fresh2", target, "ECHO", i)
			answers[#answers + 1] = answer
		end)
	end
	rules.await(function()
		return #answers == 2
	end)
	same(3)(#openers)
	skynet.fork = fork
	cluster.call("fresh1", noted, "ECHO")
	same "1"(notes_of(noted))
	cluster.reload { fresh1 = false, fresh2 = false }
end

local function failures()
	rule("5.5 a callee that raises, exits or is killed fails the call", function()
		raises("call failed", cluster.call, "here", target, "RAISE")
		raises("call failed", cluster.call, "here", launch(), "EXIT")
		local victim <const> = launch()
		local results <const> = {}
		for i = 1, 5 do
			skynet.fork(function()
				results[i] = select(2, pcall(cluster.call, "here", victim, "HANG"))
			end)
		end
		rules.await(function()
			return skynet.call(victim, "lua", "HUNG") == 5
		end)
		skynet.kill(victim)
		rules.await(function()
			return #results == 5
		end)
		same "call failed"(results[5])
		raises("call to invalid address", cluster.call, "here", victim, "ECHO")
		raises("call to invalid address", cluster.call, "here", ".nobody", "ECHO")
		cluster.send("here", victim, "NOTE", 1) -- lost, with a line in the log
		same(1)(cluster.call("here", target, "ECHO", 1))
	end)
	rule("5.5 an unknown node makes its callers wait", function()
		local answers <const> = {}
		local noted <const> = launch()
		cluster.send("later", noted, "NOTE", "push")
		for i = 1, 3 do
			skynet.fork(function()
				local answer <const> = cluster.call("later", noted, "ECHO", i)
				answers[#answers + 1] = answer
			end)
		end
		local sender <const> = cluster.get_sender "later"
		same(true)(core.alive(sender))
		skynet.yield()
		same(0)(#answers)
		cluster.reload { later = address }
		rules.await(function()
			return #answers == 3
		end)
		same "1 2 3"(table.concat(answers, " "))
		same "4"(notes_of(noted))
	end)
	rule("5.5 __nowaiting makes them fail", function()
		local message
		skynet.fork(function()
			message = select(2, pcall(cluster.call, "absent", target, "ECHO"))
		end)
		cluster.get_sender "absent"
		cluster.reload { __nowaiting = true }
		rules.await(function()
			return message
		end)
		same "call failed: cluster node [absent] is absent"(message)
		raises("is absent", cluster.call, "absent2", target, "ECHO")
		cluster.reload { absent2 = address }
		same(3)(cluster.call("absent2", target, "ECHO", 3))
		cluster.reload { __nowaiting = false }
	end)
	rule("5.5 a node that is down, and up again", function()
		cluster.reload { second = false }
		raises("cluster node [second] is down", cluster.call, "second", target, "ECHO")
		cluster.reload { second = address }
		same(4)(cluster.call("second", target, "ECHO", 4))
	end)
	rule("5.5 nobody listens", function()
		cluster.reload { empty = "127.0.0.1:" .. rules.free_port() }
		raises("call failed: cluster node [empty]", cluster.call, "empty", target, "ECHO")
		raises("there is no connection", cluster.call, "empty", target, "ECHO")
		raises("call failed", skynet.call, cluster.proxy("empty", target), "lua", "ECHO")
	end)
	rule("5.5 reload to another address fails what waits", function()
		local slow <const> = launch()
		local message
		skynet.fork(function()
			message = select(2, pcall(cluster.call, "second", slow, "HANG"))
		end)
		rules.await(function()
			return skynet.call(slow, "lua", "HUNG") == 1
		end)
		local _, port <const> = cluster.open(0)
		cluster.reload { second = "127.0.0.1:" .. port }
		rules.await(function()
			return message
		end)
		raises("it ended", error, message)
		same(5)(cluster.call("second", target, "ECHO", 5))
		cluster.reload { second = "127.0.0.1:" .. port } -- nothing changed
		same(6)(cluster.call("second", target, "ECHO", 6))
	end)
	rule("5.5 a sender that was killed is replaced", function()
		local function kill()
			local sender <const> = cluster.get_sender "second"
			skynet.kill(sender)
			rules.await(function()
				return not core.alive(sender)
			end)
		end
		kill()
		same(7)(cluster.call("second", target, "ECHO", 7))
		kill()
		cluster.send("second", target, "NOTE", 8)
		same(8)(cluster.call("second", target, "ECHO", 8))
		same "8"(notes_of(target))
	end)
	rule("5.5 callers go on when the coroutine that opens a node ends", opener_ends)
	rule("1.8 maxclient connections at a time", function()
		local _, port <const> = cluster.open(0, 2)
		local here <const> = "127.0.0.1:" .. port
		cluster.reload { max1 = here, max2 = here, max3 = here }
		same(1)(cluster.call("max1", target, "ECHO", 1))
		same(2)(cluster.call("max2", target, "ECHO", 2))
		raises("call failed", cluster.call, "max3", target, "ECHO", 3)
		cluster.reload { max1 = false }
		rules.await(function()
			return pcall(cluster.call, "max3", target, "ECHO", 3)
		end)
	end)
end

rules.run("cluster_failures", function()
	target = launch()
	address = home.open()
	cluster.reload { second = address }
	failures()
	rule("1.8 connections end with their nodes", function()
		cluster.reload {
			here = false, second = false, later = false, absent2 = false, max2 = false, max3 = false,
		}
		rules.await(rules.no_connection)
	end)
end)
