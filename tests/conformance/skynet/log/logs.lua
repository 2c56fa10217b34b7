-- What is in the log (docs/skynet-rules.md 1.0, 2.15); the test that runs this script reads it.
local skynet <const> = require "skynet"
local rules <const> = require "rules"
local socket <const> = require "skynet.socket"
require "skynet.manager"

local rule <const>, same <const> = rules.rule, rules.same

-- More than the 1024 messages at which a service is said to be overloaded.
local MESSAGES <const> = 3000

rules.run("logs", function()
	rule("2.15 error joins its values with blanks", function()
		same()(skynet.error("joined", 1, 2.5, nil, true, setmetatable({}, {
			__tostring = function()
				return "by __tostring"
			end,
		})))
		skynet.error "one text only"
	end)
	rule("2.15 a line has its service's address", function()
		skynet.error("I am", skynet.address(skynet.self()))
	end)
	rule("2.15 a text of several lines stays whole", function()
		skynet.error "first line\nsecond line"
	end)
	rule("2.15 LAUNCH and KILL are logged", function()
		local first <const> = skynet.newservice("core_partner", "logged", "arguments")
		rules.raises("call failed", skynet.call, first, "lua", "exit")
		local second <const> = skynet.newservice("core_partner", "logged", "victim")
		skynet.kill(second)
		print(string.format("addresses %08x %08x %08x %x", skynet.self(), first, second, second))
	end)
	rule("2.15 a launch that fails is logged", function()
		rules.raises("call failed", skynet.newservice, "no_such_service", "at", "all")
	end)
	rule("2.15 a queue of more than 1024 messages is logged", function()
		local other <const> = skynet.newservice "core_partner"
		skynet.send(other, "lua", "busy", 5)
		for i = 1, MESSAGES do
			skynet.send(other, "lua", "note", i)
		end
		local list <const> = skynet.call(other, "lua", "notes")
		same(MESSAGES)(select(2, list:gsub("%d+", "")))
	end)
	rule("1.0 print and io.write go to the standard output", function()
		print("printed", 1, nil)
		io.write "written\n"
		io.stdout:flush()
	end)
	rule("2.15 netstat tells type, id, address and owner", function()
		local listener <const>, _, port <const> = socket.listen("127.0.0.1", 0)
		socket.start(listener, function(id)
			socket.start(id)
		end)
		local client <const> = assert(socket.open("127.0.0.1", port))
		local seen <const> = {}
		rules.await(function()
			for _, info in ipairs(socket.netstat()) do
				seen[info.id] = info
			end
			return seen[listener] and seen[client]
		end)
		same("LISTEN", skynet.self())(seen[listener].type, seen[listener].address)
		same("TCP", skynet.self())(seen[client].type, seen[client].address)
		same("127.0.0.1:" .. port)(seen[client].peer)
		assert(seen[listener].sock:find(":" .. port, 1, true), seen[listener].sock)
		socket.close(client)
		socket.close(listener)
	end)
end)
