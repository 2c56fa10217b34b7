-- The service gate (docs/skynet-rules.md 1.9, 4.6) with this script as its watchdog.
local client <const> = require "gate_client"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local socket <const> = require "skynet.socket"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local gate, port
local told <const> = {} -- what, fd, ... of the gate

local function call(...)
	return skynet.call(gate, "lua", ...)
end

-- Waits until the gate says something, and returns its values.
local function next_told(what)
	rules.await(function()
		return told[1]
	end)
	local values <const> = table.remove(told, 1)
	equal(values[1], what)
	return table.unpack(values, 2)
end

-- A client that is connected, and the gate's fd.
local function connect()
	local fd <const> = client.connect(port)
	local peer <const>, address <const> = next_told "open"
	assert(address:match "^127%.0%.0%.1:%d+$")
	return fd, peer
end

rules.run("watchdog", function()
	skynet.dispatch("lua", function(_, source, kind, ...)
		equal(source, gate)
		equal(kind, "socket")
		told[#told + 1] = { ... }
	end)
	gate = skynet.newservice "gate"
	rule("1.9 open returns where the gate listens", function()
		local address
		address, port = call("open", { address = rules.HOST, port = 0, maxclient = 2 })
		equal(address, rules.HOST)
	end)
	rule("1.9 accept sends frames to the watchdog", function()
		local fd <const>, peer <const> = connect()
		client.send(fd, "waits until it is accepted")
		call("accept", peer)
		rules.same(peer, "waits until it is accepted")(next_told "data")
		socket.write(fd, client.frame "a" .. client.frame "")
		rules.same(peer, "a")(next_told "data")
		rules.same(peer, "")(next_told "data")
		socket.close(fd)
		rules.same(peer)(next_told "close")
	end)
	rule("1.9 forward sends frames to an agent", function()
		local fd <const>, peer <const> = connect()
		local agent <const> = skynet.newservice "gate_agent"
		equal(skynet.call(agent, "lua", gate, peer), nil)
		client.send(fd, "hello")
		equal(client.read(fd), "agent hello")
		equal(skynet.call(agent, "lua"), gate)
		call("forward", peer, 4711, agent)
		client.send(fd, "again")
		equal(client.read(fd), "agent again")
		equal(skynet.call(agent, "lua"), 4711)
		call("accept", peer)
		client.send(fd, "back")
		rules.same(peer, "back")(next_told "data")
		skynet.kill(agent)
		call("kick", peer)
		client.ended(fd)
		rules.same(peer)(next_told "close")
		-- A second kick finds nobody.
		call("kick", peer)
		raises("call failed", call, "forward", peer)
	end)
	rule("4.6 a client whose agent was killed is closed", function()
		local fd <const>, peer <const> = connect()
		local agent <const> = skynet.newservice "gate_agent"
		skynet.call(agent, "lua", gate, peer)
		skynet.kill(agent)
		socket.write(fd, client.frame "who is there?" .. client.frame "anybody?")
		client.ended(fd)
		rules.same(peer)(next_told "close")
	end)
	rule("4.6 maxclient clients, of whom alone the watchdog hears", function()
		local one <const>, first <const> = connect()
		local two <const>, second <const> = connect()
		client.ended(client.connect(port))
		call("kick", first)
		rules.same(first)(next_told "close")
		call("kick", second)
		rules.same(second)(next_told "close")
		client.ended(one)
		client.ended(two)
	end)
	rule("1.9 another watchdog may be named", function()
		local other <const> = skynet.newservice "gate"
		local _, other_port <const> =
			skynet.call(other, "lua", "open", {
				address = rules.HOST, port = 0, watchdog = gate,
			})
		-- The gate knows no such command, and says so in the log.
		local fd <const> = client.connect(other_port)
		skynet.kill(other)
		client.ended(fd)
		equal(#told, 0)
	end)
	rule("1.9 commands that nobody knows fail", function()
		raises("call failed", call, "no such command")
		raises("call failed", call, "accept", 123456)
	end)
	skynet.kill(gate)
	rules.await(rules.no_connection)
end)
