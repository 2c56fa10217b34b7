-- skynet.cluster within one process: it calls itself over its own address.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
local core <const> = require "skynet.core"
local rules <const> = require "net_rules"
local snax <const> = require "skynet.snax"
local socket <const> = require "skynet.socket"
local wire <const> = require "skynet.cluster.wire"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local target, address

local function launch()
	return skynet.newservice "cluster_target"
end

-- Runs the functions at once; returns when all have.
---@async
local function together(count, f)
	local finished = 0
	local failure
	for i = 1, count do
		skynet.fork(function()
			local ok <const>, message <const> = pcall(f, i)
			failure = failure or (not ok and message)
			finished = finished + 1
		end)
	end
	rules.await(function()
		return finished == count
	end)
	if failure then
		error(failure, 0)
	end
end

local function notes_of(service)
	return skynet.call(service, "lua", "NOTES")
end

local function opening()
	rule("1.8 open takes a port and gives the address", function()
		local ip <const>, port <const> = cluster.open(0)
		same "127.0.0.1"(ip)
		address = ip .. ":" .. port
		cluster.reload { here = address }
	end)
	rule("1.8 open takes the name of a node, or an address", function()
		local other <const> = rules.free_port()
		cluster.reload { second = "127.0.0.1:" .. other }
		same("127.0.0.1", other)(cluster.open "second")
		same "127.0.0.1"((cluster.open "localhost:0"))
	end)
	rule("5.5 open refuses what is not loopback", function()
		cluster.reload { wide = "0.0.0.0:0" }
		raises("cluster_public", cluster.open, "wide")
		raises("cluster_public", cluster.open, "192.0.2.1:7000")
		raises("cluster_public", cluster.open, "[::]:0")
	end)
	rule("1.8 open raises when it cannot listen", function()
		raises("is absent", cluster.open, "nobody")
		cluster.reload { broken = false }
		raises("is down", cluster.open, "broken")
		raises("Listen error", cluster.open, address)
		raises("", cluster.open, "127.0.0.1:65536")
	end)
	rule("7.1 the file of the configuration", function()
		raises("cluster node [listed] is down", cluster.call, "listed", ".x")
		local path <const> = assert(skynet.getenv "cluster")
		local file <close> = assert(io.open(path, "w"))
		file:write(string.format("file = %q", address))
		file:flush()
		cluster.reload()
		same "second"((cluster.call("file", target, "ECHO", "second")))
	end)
end

local function messages()
	rule("1.8 call by number, local name and global name", function()
		same(1, nil, "b", 2.5, nil)(cluster.call("here", target, "ECHO", 1, nil, "b", 2.5, nil))
		same()(cluster.call("here", ".target", "ECHO"))
		same(true)(cluster.call("here", "TARGET", "ECHO", true))
		local list <const> = cluster.call("here", target, "ECHO", { a = { 1, 2 } })
		same(2)(list.a[2])
	end)
	rule("1.8 registered names", function()
		cluster.register("sample", target)
		same(5)(cluster.call("here", "@sample", "ECHO", 5))
		same(target)(cluster.query("here", "sample"))
		raises("is taken", cluster.register, "sample", launch())
		cluster.register("renamed", target)
		raises("Invalid name", cluster.call, "here", "@sample", "ECHO")
		cluster.register "self"
		same(skynet.self())(cluster.query("here", "self"))
		cluster.unregister "renamed"
		raises("name not found", cluster.query, "here", "renamed")
		local dead <const> = launch()
		cluster.register("sample", dead)
		skynet.kill(dead)
		raises("call to invalid address", cluster.call, "here", "@sample", "ECHO")
		cluster.register("sample", target)
		same(6)(cluster.call("here", "@sample", "ECHO", 6))
	end)
	rule("2.1 messages to one node stay in order", function()
		local noted <const> = launch()
		cluster.register("noted", noted)
		cluster.reload { ordered = address } -- whose sender does not run yet
		local wanted <const> = {}
		for i = 1, 40 do
			local value <const> = i % 10 == 0 and ("x"):rep(wire.PART_BYTES + i) or i
			wanted[i] = type(value) == "string" and #value or i
			if i % 3 == 0 then
				skynet.fork(cluster.call, "ordered", "@noted", "NOTE", value)
				skynet.sleep(i % 2 * 0) -- lets it run
			else
				cluster.send("ordered", "@noted", "NOTE", value)
			end
		end
		cluster.call("ordered", "@noted", "ECHO")
		local text <const> = table.concat(wanted, " ")
		rules.await(function()
			return #notes_of(noted) >= #text
		end)
		same(text)(notes_of(noted))
	end)
	rule("2.1 64 callers at once", function()
		together(64, function(i)
			local text <const> = ("%08d"):format(i):rep(i * 512)
			for _ = 1, 3 do
				same(i, text)(cluster.call("here", target, "ECHO", i, text))
			end
		end)
	end)
	rule("4.7 messages of every size", function()
		local noted <const> = launch()
		local wanted <const> = {}
		for _, size in ipairs { 0, 1, 32700, 32761, 32762, 32763, 32764, 32768, 65535, 1 << 20 } do
			local text <const> = ("\0\1\xff\n"):rep(size // 4 + 1):sub(1, size)
			same(text)(cluster.call("here", target, "ECHO", text))
			cluster.send("here", noted, "NOTE", text)
			wanted[#wanted + 1] = size
		end
		cluster.call("here", noted, "ECHO")
		same(table.concat(wanted, " "))(notes_of(noted))
		raises("too long", cluster.call, "here", target, "ECHO", ("x"):rep(wire.MESSAGE_BYTES_MAX))
	end)
	rule("1.8 get_sender gives the service that sends", function()
		local sender <const> = cluster.get_sender "here"
		local packed <const>, size <const> = skynet.pack("ECHO", "by hand")
		same "by hand"(skynet.call(sender, "lua", "req", target, packed, size))
		local noted <const> = launch()
		skynet.send(sender, "lua", "push", noted, skynet.pack("NOTE", 70))
		same "by string"(
			skynet.call(sender, "lua", "req", noted, skynet.packstring("ECHO", "by string"))
		)
		same "70"(notes_of(noted))
		raises("call failed", skynet.call, sender, "lua", "req", target, skynet.pack "RAISE")
	end)
end

local function proxies()
	rule("1.8 proxy stands for a service of a node", function()
		local proxy <const> = cluster.proxy("here", target)
		same("a", nil, 2)(skynet.call(proxy, "lua", "ECHO", "a", nil, 2))
		same(proxy)(cluster.proxy("here", target))
		raises("call failed", skynet.call, proxy, "lua", "RAISE")
		local big <const> = ("z"):rep(1 << 20)
		same(big)(skynet.call(proxy, "lua", "ECHO", big))
		local by_name <const> = cluster.proxy "here@sample"
		same(by_name)(cluster.proxy("here", "@sample"))
		same(9)(skynet.call(by_name, "lua", "ECHO", 9))
		same(10)(skynet.call(cluster.proxy "here.target", "lua", "ECHO", 10))
		raises("needs a node", cluster.proxy, "here")
		skynet.kill(proxy)
		same(11)(skynet.call(cluster.proxy("here", target), "lua", "ECHO", 11))
	end)
	rule("2.1 a proxy keeps the order", function()
		local noted <const> = launch()
		local proxy <const> = cluster.proxy("here", noted)
		for i = 1, 20 do
			skynet.send(proxy, "lua", "NOTE", i)
		end
		skynet.call(proxy, "lua", "ECHO")
		same "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"(notes_of(noted))
	end)
	rule("1.9 a snax service of a node", function()
		local own <const> = snax.uniqueservice("sample", 3)
		local object <const> = cluster.snax("here", "sample")
		same("number", true)(type(object.handle), object.handle ~= own.handle)
		same("over", nil, 1)(object.req.echo("over", nil, 1))
		object.post.add(4)
		same(7)(object.req.count())
		raises("call failed", object.req.fails)
		same(7)(cluster.snax("here", "sample", own.handle).req.count())
	end)
end

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
end

local function limits()
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
	rule("1.8 reload refuses what is malformed, as a whole", function()
		raises("host:port", cluster.reload, { fine = address, bad = "nowhere" })
		raises("host:port", cluster.reload, { bad = "127.0.0.1:65536" })
		raises("host:port", cluster.reload, { bad = 7000 })
		raises("no blanks", cluster.reload, { ["a b"] = address })
		raises("is absent", cluster.open, "fine")
	end)
	rule("1.8 misuse raises", function()
		raises("name of 1 to 255", cluster.call, "here", nil, "ECHO")
		raises("name of 1 to 255", cluster.send, "here", ("n"):rep(256), "ECHO")
		raises("name of 1 to 255", cluster.call, "here", -1, "ECHO")
		raises("a cluster node is a string", cluster.call, 7, target)
		raises("without blanks", cluster.call, "a b", target)
		raises("serialize", cluster.call, "here", target, print)
	end)
	rule("4.7 unfinished messages are bounded", function()
		local function begin(parts, session, size)
			return parts:take { kind = "begin", session = session, size = size, address = 1 }
		end
		local parts <const> = wire.assembler()
		same(nil)((begin(parts, 1, wire.MESSAGE_BYTES_MAX + 1)))
		for session = 1, wire.UNFINISHED_MAX do
			same(false)((begin(parts, session, wire.MESSAGE_BYTES_MAX)))
		end
		same(nil)((begin(parts, 5000, 1)))
		local taken, cost = false, 0
		local data <const> = ("x"):rep(1 << 20)
		while taken == false and cost < 2 * wire.MESSAGE_BYTES_MAX do
			cost = cost + #data
			taken = parts:take { kind = "part", session = cost // #data, data = data }
		end
		same(nil, true)(taken, cost <= wire.MESSAGE_BYTES_MAX + (2 << 20))
	end)
end

local function manager()
	rule("1.2 forward_type gives messages to another type", function()
		local service <const> = skynet.newservice("cluster_forward", target)
		same("fwd", 1)(skynet.call(service, "lua", "ECHO", "fwd", 1))
		raises("call failed", skynet.call, service, "lua", "RAISE")
	end)
	rule("1.2 monitor is told who ends", function()
		local service <const> = skynet.monitor "cluster_monitor"
		same(service)(skynet.monitor("cluster_monitor", true))
		local victim <const> = launch()
		skynet.kill(victim)
		rules.await(function()
			return skynet.call(service, "lua", victim)
		end)
	end)
	rule("1.2 filter says that it is not there", function()
		raises("skynet.filter is not supported", skynet.filter)
	end)
end

rules.run("cluster", function()
	target = launch()
	skynet.name(".target", target)
	skynet.name("TARGET", target)
	opening()
	messages()
	proxies()
	failures()
	limits()
	manager()
	rule("1.8 connections end with their nodes", function()
		cluster.reload {
			here = false, second = false, ordered = false, later = false, absent2 = false,
			max2 = false, max3 = false, file = false,
		}
		rules.await(rules.no_connection)
		same(true)(#socket.netstat() > 0)
	end)
end)
