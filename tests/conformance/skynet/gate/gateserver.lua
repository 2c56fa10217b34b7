-- snax.gateserver (docs/skynet-rules.md 1.9, 4.6), with gateserver_echo.lua as the service.
local client <const> = require "gate_client"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local socket <const> = require "skynet.socket"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local server, port

local function call(...)
	return skynet.call(server, "lua", ...)
end

local function count(what)
	return call "counts"[what]
end

local function await_count(what, wanted)
	rules.await(function()
		return count(what) == wanted
	end)
end

-- A client whose first frame has been answered, so that it is admitted.
local function admitted()
	local fd <const> = client.connect(port)
	client.send(fd, "hello")
	equal(client.read(fd), "hello")
	return fd
end

local function start(...)
	server = skynet.newservice("gateserver_echo", ...)
	local address, source
	address, port, source = call("open", { address = rules.HOST, port = 0, maxclient = 3 })
	rules.same(rules.HOST, skynet.self())(address, source)
end

local function stop()
	skynet.kill(server)
	rules.await(rules.no_connection)
end

rules.run("gateserver", function()
	start()
	rule("1.9 frames go to the handler, and back", function()
		local fd <const> = admitted()
		socket.write(fd, client.frame "a" .. client.frame "" .. client.frame "c")
		equal(client.read(fd), "a")
		equal(client.read(fd), "")
		equal(client.read(fd), "c")
		socket.close(fd)
		await_count("disconnect", 1)
		equal(count "connect", 1)
	end)
	rule("4.6 exactly maxclient clients are admitted", function()
		local fds <const> = { admitted(), admitted(), admitted() }
		for _ = 1, 3 do
			client.ended(client.connect(port))
		end
		equal(count "connect", 4)
		-- The handler does not hear of those that were refused.
		equal(count "disconnect", 1)
		socket.close(fds[1])
		await_count("disconnect", 2)
		fds[1] = admitted()
		for _, fd in ipairs(fds) do
			socket.close(fd)
		end
		await_count("disconnect", 5)
	end)
	rule("1.9 closeclient ends a client, and its frames", function()
		local fd <const> = client.connect(port)
		local messages <const> = count "message"
		socket.write(fd, client.frame "close" .. client.frame "more")
		client.ended(fd)
		await_count("disconnect", 6)
		equal(count "message", messages + 1)
		local other <const> = admitted()
		call "close_last"
		client.ended(other)
		await_count("disconnect", 7)
	end)
	rule("1.9 a handler that raises hurts nobody", function()
		local fd <const> = client.connect(port)
		socket.write(fd, client.frame "raise" .. client.frame "next")
		equal(client.read(fd), "next")
		socket.close(fd)
		await_count("disconnect", 8)
		call "fail"
		client.ended(client.connect(port))
		await_count("disconnect", 9)
	end)
	rule("1.9 a frame that waits does not hold up the next", function()
		local fd <const> = client.connect(port)
		socket.write(fd, client.frame "wait" .. client.frame "wait" .. client.frame "last")
		equal(client.read(fd), "last")
		call "wake"
		equal(client.read(fd), "wait")
		equal(client.read(fd), "wait")
		socket.close(fd)
		await_count("disconnect", 10)
	end)
	rule("1.9 a client with too many frames in work is held back", function()
		local fd <const> = client.connect(port)
		local messages <const> = count "message"
		local all <const> = client.frame "wait"
		for _ = 1, 100 do
			socket.write(fd, all:rep(1000))
		end
		rules.await(function()
			return count "message" - messages >= 1024
		end)
		-- What had been read with the last of them is in work, too.
		assert(count "message" - messages < 60000, count "message" - messages)
		skynet.fork(function()
			while count "message" - messages < 100000 do
				call "wake"
			end
			call "wake"
		end)
		for _ = 1, 100000 do
			equal(client.read(fd), "wait")
		end
		socket.close(fd)
		await_count("disconnect", 11)
	end)
	rule("1.9 warning tells of output that does not leave", function()
		local fd <const> = admitted()
		socket.pause(fd)
		call("flood", 32 << 20)
		rules.await(function()
			return count "warning" > 0
		end)
		equal(#socket.read(fd, 32 << 20), 32 << 20)
		await_count("warning", 0)
		socket.close(fd)
		await_count("disconnect", 12)
	end)
	rule("4.6 close ends the listener, not the clients", function()
		local fd <const> = admitted()
		raises("call failed", call, "open", { port = 0 })
		call "close"
		raises("call failed", call, "close")
		equal(socket.open(rules.HOST, port), nil)
		client.send(fd, "still here")
		equal(client.read(fd), "still here")
		local _
		_, port = call("open", { address = rules.HOST .. ":0", maxclient = 1 })
		client.ended(client.connect(port))
		socket.close(fd)
		await_count("disconnect", 13)
		socket.close(admitted())
	end)
	rule("1.9 commands that nobody knows fail", function()
		raises("call failed", call, "no such command")
		raises("call failed", call, "open", { address = "203.0.113.1", port = 1 })
	end)
	stop()
	rule("1.9 a service that runs already embeds a gate", function()
		start "embed"
		socket.close(admitted())
		await_count("disconnect", 1)
	end)
	stop()
end)
