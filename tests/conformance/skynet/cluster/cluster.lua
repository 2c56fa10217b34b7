-- skynet.cluster within one process: it calls itself over its own address.
local skynet <const> = require "skynet"
local cluster <const> = require "skynet.cluster"
local home <const> = require "cluster_home"
local rules <const> = require "net_rules"
local snax <const> = require "skynet.snax"
local socket <const> = require "skynet.socket"
local wire <const> = require "skynet.cluster.wire"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local launch <const>, notes_of <const> = home.launch, home.notes_of
local target, address

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

local function opening()
	rule("1.8 open takes a port and gives the address", function()
		address = home.open()
		same "127.0.0.1:"(address:match "^(.*:)%d+$")
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
				skynet.yield() -- lets it run
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

local function limits()
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

rules.run("cluster", function()
	target = launch()
	skynet.name(".target", target)
	skynet.name("TARGET", target)
	opening()
	messages()
	proxies()
	limits()
	rule("1.8 connections end with their nodes", function()
		cluster.reload {
			here = false, second = false, ordered = false, file = false,
		}
		rules.await(rules.no_connection)
		same(true)(#socket.netstat() > 0)
	end)
end)
