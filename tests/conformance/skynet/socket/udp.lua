-- UDP of skynet.socket (docs/skynet-rules.md 1.3, 2.12).
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
require "skynet.manager"

local HOST <const> = rules.HOST
local BYTES_MAX <const> = 65507

local function row_of(id)
	for _, row in ipairs(socket.netstat()) do
		if row.id == id then
			return row
		end
	end
	return nil
end

local function port_of(id)
	return tonumber(row_of(id).sock:match ":(%d+)$")
end

-- A socket that keeps what comes.
local function collector(open, ...)
	local got <const> = {}
	local id <const> = open(...)
	return id, got
end

local function collect(host)
	local got <const> = {}
	local id <const> = socket.udp_listen(host or HOST, 0, function(data, from)
		got[#got + 1] = { data = data, from = from }
	end)
	return id, got, port_of(id)
end

local function await_count(got, count)
	rules.wait_until(function()
		return #got >= count
	end)
	rules.equal(#got, count)
end

local function addressing()
	rules.rule("1.3 udp answers the sender", function()
		local server
		server = socket.udp(function(data, from)
			assert(socket.sendto(server, from, "OK " .. data))
		end, HOST, 0)
		local got <const> = {}
		local client <const> = socket.udp(function(data, from)
			got[#got + 1] = { data, from }
		end)
		socket.udp_connect(client, HOST, port_of(server))
		for i = 1, 20 do
			rules.equal(socket.write(client, "hello " .. i), true)
		end
		await_count(got, 20)
		for i = 1, 20 do
			rules.equal(got[i][1], "OK hello " .. i)
		end
		rules.same(HOST, port_of(server))(socket.udp_address(got[1][2]))
		socket.close(client)
		socket.close(server)
	end)
	rules.rule("1.3 from is 7 bytes for IPv4 and 19 for IPv6", function()
		for host, bytes in pairs { [HOST] = 7, ["::1"] = 19 } do
			local server <const>, got <const>, port <const> = collect(host)
			local client <const>, answers = collector(socket.udp_dial, host, port)
			rules.equal(#answers, 0)
			socket.write(client, "a")
			socket.write(client, { "b", "c" })
			await_count(got, 2)
			rules.same("a", "bc", bytes)(got[1].data, got[2].data, #got[1].from)
			rules.equal(got[1].from, got[2].from)
			rules.same(host, port_of(client))(socket.udp_address(got[1].from))
			socket.close(client)
			socket.close(server)
		end
	end)
	rules.rule("1.3 udp_connect may change callback and peer", function()
		local first <const>, first_got <const>, first_port <const> = collect()
		local second <const>, second_got <const>, second_port <const> = collect()
		local answers <const> = {}
		local client <const> = socket.udp(function()
			error "replaced"
		end)
		socket.udp_connect(client, HOST, first_port)
		socket.write(client, "1")
		socket.udp_connect(client, "localhost", second_port, function(data)
			answers[#answers + 1] = data
		end)
		socket.write(client, "2")
		await_count(first_got, 1)
		await_count(second_got, 1)
		socket.sendto(first, first_got[1].from, "from anybody")
		await_count(answers, 1)
		socket.close(first)
		socket.close(second)
		socket.close(client)
	end)
	rules.rule("1.3 a host may have the port", function()
		for host, form in pairs { [HOST] = "127.0.0.1:%d", ["::1"] = "[::1]:%d" } do
			local server <const>, got <const>, port <const> = collect(host)
			local dialled <const> = socket.udp_dial(form:format(port))
			local connected <const> = socket.udp(nil, host, 0)
			socket.udp_connect(connected, form:format(port))
			socket.write(dialled, "dialled")
			socket.write(connected, "connected")
			await_count(got, 2)
			for _, id in ipairs { server, dialled, connected } do
				socket.close(id)
			end
			local again <const> = socket.udp(nil, form:format(port))
			rules.equal(port_of(again), port)
			socket.close(again)
		end
		rules.raises("cannot resolve", socket.udp_dial, "no-such-host.invalid:53")
	end)
	rules.rule("1.3 empty datagrams and the longest one", function()
		local server <const>, got <const>, port <const> = collect()
		local client <const> = socket.udp_dial(HOST, port)
		socket.write(client, "")
		await_count(got, 1)
		local longest <const> = ("0123456"):rep(BYTES_MAX // 7) .. "0"
		rules.equal(#longest, BYTES_MAX)
		rules.equal(socket.write(client, longest), true)
		await_count(got, 2)
		rules.equal(got[1].data, "")
		assert(got[2].data == longest, "not what was sent")
		rules.raises("65508 bytes is too long (65507 at most)", socket.write, client, longest .. "x")
		rules.raises("too long", socket.sendto, client, got[1].from, longest .. "x")
		socket.close(client)
		socket.close(server)
	end)
	rules.rule("1.3 netstat has rows of UDP", function()
		local server <const>, got <const>, port <const> = collect()
		local client <const> = socket.udp_dial(HOST, port)
		socket.write(client, "12345")
		await_count(got, 1)
		rules.same("UDP", HOST .. ":" .. port, skynet.self(), 5, 0)(
			row_of(client).type, row_of(client).peer, row_of(client).address,
			row_of(client).write, row_of(client).read
		)
		rules.same("UDP", HOST .. ":" .. port, nil, 5)(
			row_of(server).type, row_of(server).sock, row_of(server).peer, row_of(server).read
		)
		socket.close(client)
		socket.close(server)
		rules.same(nil, nil)(row_of(client), row_of(server))
	end)
end

local function errors()
	rules.rule("1.3 what cannot be opened raises", function()
		local server <const>, _, port <const> = collect()
		rules.raises("udp init failed", socket.udp, print, HOST, port)
		rules.raises("udp init failed", socket.udp_listen, "203.0.113.1", 0, print)
		rules.raises("no-such-host.invalid", socket.udp_dial, "no-such-host.invalid", 1, print)
		rules.raises("not a UDP socket", socket.udp_connect, 1 << 30, HOST, port)
		rules.raises("udp connect failed", socket.udp_connect, server, "::1", port)
		rules.raises("Invalid udp address", socket.udp_address, "short")
		rules.raises("Invalid udp address", socket.sendto, server, ("x"):rep(19), "x")
		rules.raises("callback", socket.read, server)
		socket.close(server)
		socket.close(server)
	end)
	rules.rule("1.3 writing without a peer or a socket", function()
		local server <const>, got <const>, port <const> = collect()
		local id <const> = socket.udp(print)
		rules.equal(socket.write(id, "to whom"), false)
		socket.udp_connect(id, HOST, port)
		socket.write(id, "x")
		await_count(got, 1)
		socket.close(id)
		rules.equal(socket.write(id, "x"), false)
		rules.equal(socket.sendto(id, got[1].from, "x"), false)
		rules.same(true, nil)(socket.invalid(id), (socket.disconnected(id)))
		socket.close(server)
	end)
	rules.rule("1.3 a peer that is gone does no harm", function()
		local gone <const>, _, port <const> = collect()
		local server <const>, got <const>, server_port <const> = collect()
		socket.close(gone)
		local client <const> = socket.udp_dial(HOST, port)
		for _ = 1, 100 do
			rules.equal(socket.write(client, "lost"), true)
		end
		socket.udp_connect(client, HOST, server_port)
		socket.write(client, "arrives")
		await_count(got, 1)
		socket.close(client)
		socket.close(server)
	end)
	rules.rule("1.3 an error in a callback does not end the socket", function()
		local got = 0
		local server <const> = socket.udp(function(data)
			got = got + 1
			assert(data ~= "bad", "bad datagram")
		end, HOST)
		local client <const> = socket.udp_dial(HOST, port_of(server))
		socket.write(client, "bad")
		socket.write(client, "good")
		rules.wait_until(function()
			return got == 2
		end)
		socket.close(client)
		socket.close(server)
	end)
end

local function services()
	rules.rule("1.3 another service may send and close", function()
		local server <const>, got <const>, port <const> = collect()
		local other <const> = skynet.newservice "udp_flood"
		local id <const> = skynet.call(other, "lua", "dial", port)
		rules.equal(socket.write(id, "from here"), true)
		await_count(got, 1)
		rules.equal(socket.sendto(id, got[1].from, "back"), true)
		socket.close_fd(id)
		rules.wait_until(function()
			return row_of(id) == nil
		end)
		rules.equal(socket.write(id, "x"), false)
		rules.equal(skynet.call(other, "lua", "disconnected", id), true)
		skynet.kill(other)
		socket.close(server)
	end)
	rules.rule("2.12 sockets of a service that ends are closed", function()
		local other <const> = skynet.newservice "udp_flood"
		local id <const> = skynet.call(other, "lua", "listen")
		rules.equal(row_of(id).address, other)
		skynet.kill(other)
		rules.wait_until(function()
			return row_of(id) == nil
		end)
	end)
	rules.rule("1.3 a flood is dropped and the service stays reachable", function()
		local other <const> = skynet.newservice "udp_flood"
		local id <const> = skynet.call(other, "lua", "listen")
		local client <const> = socket.udp_dial(HOST, port_of(id))
		skynet.send(other, "lua", "block")
		rules.wait_until(function()
			return skynet.getenv "udp_flood_blocked"
		end)
		-- Its worker reads nothing meanwhile; what the kernel keeps comes after that, all at once.
		local datagram <const> = ("x"):rep(8000)
		for _ = 1, 4000 do
			socket.write(client, datagram)
		end
		skynet.setenv("udp_flood_go", "on")
		local count <const>, bytes <const> = skynet.call(other, "lua", "received")
		assert(count <= 4000 and bytes <= 4000 * 8000)
		socket.write(client, "alive")
		rules.wait_until(function()
			return skynet.call(other, "lua", "last") == "alive"
		end)
		socket.close(client)
		skynet.kill(other)
	end)
end

rules.run("udp", function()
	addressing()
	errors()
	services()
	rules.rule("2.12 nothing is left", function()
		rules.wait_until(rules.no_connection)
	end)
end)
