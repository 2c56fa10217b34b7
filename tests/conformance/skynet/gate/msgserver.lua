-- snax.msgserver (docs/skynet-rules.md 1.9, 4.3 to 4.6), with msg_gate.lua as the service.
local client <const> = require "gate_client"
local crypt <const> = require "skynet.crypt"
local json <const> = require "json"
local msgserver <const> = require "snax.msgserver"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local socket <const> = require "skynet.socket"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local SECRET <const> = crypt.hexdecode "98c8a946ef79df88"

skynet.register_protocol {
	name = "test",
	id = 100,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

local gate, port

local function call(...)
	return skynet.call(gate, "lua", ...)
end

local function test(...)
	return skynet.call(gate, "test", ...)
end

local function noted(text)
	local all = ""
	rules.await(function()
		local more <const> = test "notes"
		all = all .. (all ~= "" and more ~= "" and "|" or "") .. more
		return #all >= #text
	end)
	equal(all, text)
end

local function held(text)
	rules.await(function()
		return test("holds", text)
	end)
end

-- Ends the connection of a user, and waits until the gate knows.
local function leave(fd, uid)
	socket.close(fd)
	noted("disconnect " .. uid .. " nil")
end

local count = 0

-- A new user with a connection; returns fd, name, uid, subid.
local function new_user(secret)
	count = count + 1
	local uid <const> = "user" .. count
	local subid <const> = call("login", uid, secret or SECRET)
	local name <const> = client.name(uid, subid)
	local fd <const>, answer <const> = client.enter(port, name, 1, secret or SECRET)
	equal(answer, "200 OK")
	return fd, name, uid, subid
end

local function enter(name, index)
	local fd <const>, answer <const> = client.enter(port, name, index, SECRET)
	equal(answer, "200 OK")
	return fd
end

-- What a first frame is answered; everything but 200 must close.
local function answer_to(text)
	local fd <const> = client.connect(port)
	client.send(fd, text)
	local answer <const> = client.read(fd)
	if answer ~= "200 OK" then
		client.ended(fd)
		return answer
	end
	leave(fd, "asker")
	return answer
end

local function handshakes()
	rule("4.3 the worked example, byte for byte", function()
		equal(call("login", "hello", SECRET), 1)
		for index, case in ipairs {
			{ "002561475673624738 3d40633246746347786c 234d513d3d3a313a"
				.. "6c782b744739786c716c493d", "0006323030204f4b" },
			{ "002561475673624738 3d40633246746347786c 234d513d3d3a323a"
				.. "55366c596a50466b3743633d", "0006323030204f4b" },
			{ "002561475673624738 3d40633246746347786c 234d513d3d3a323a"
				.. "55366c596a50466b3743633d", "001134303320496e6465782045787069726564" },
			{ "0000", "00123430342055736572204e6f7420466f756e64" },
		} do
			local fd <const> = client.connect(port)
			socket.write(fd, crypt.hexdecode((case[1]:gsub(" ", ""))))
			equal(crypt.hexencode(socket.read(fd, #case[2] // 2)), case[2])
			if index == 1 then
				socket.write(fd, crypt.hexdecode "000b6563686f206f6b00000001")
				equal(crypt.hexencode(socket.read(fd, 9)), "00076f6b0100000001")
			end
			if index < 3 then
				leave(fd, "hello")
			else
				client.ended(fd)
			end
		end
	end)
	rule("4.3 the macs of the vectors are accepted", function()
		local file <close> = assert(io.open "clients/vectors/skynet-suite.json")
		for _, case in ipairs(assert(json.decode(file:read "a")).cases) do
			local other <const> = skynet.newservice "msg_gate"
			local conf <const> = { address = rules.HOST .. ":0", servername = "cocos1" }
			skynet.call(other, "lua", "open", conf)
			-- The first user of each gate has the vectors' subid.
			skynet.call(other, "lua", "login", "test1", crypt.hexdecode(case.secret))
			local fd <const> = client.connect((skynet.call(other, "test", "port")))
			local mac <const> = crypt.base64encode(crypt.hexdecode(case.gate_hmac64))
			client.send(fd, case.gate_text .. ":" .. mac)
			equal(client.read(fd), "200 OK")
			skynet.kill(other)
			client.ended(fd)
		end
	end)
	rule("4.3 every answer of a handshake", function()
		local subid <const> = call("login", "asker", SECRET)
		local name <const> = client.name("asker", subid)
		local function signed(index)
			return client.handshake_text(name, index, SECRET)
		end
		for _, case in ipairs {
			{ "", "404 User Not Found" },
			{ "no colon", "404 User Not Found" },
			{ name, "404 User Not Found" },
			{ name .. ":1", "404 User Not Found" },
			{ client.name("asker", subid + 1) .. ":1:x", "404 User Not Found" },
			{ name .. ":x:" .. crypt.base64encode "12345678", "400 Bad Request" },
			{ name .. "::" .. crypt.base64encode "12345678", "400 Bad Request" },
			{ name .. ":1:Y", "400 Bad Request" },
			{ name .. ":0:Y", "400 Bad Request" },
			{ name .. ":0:", "403 Index Expired" },
			{ name .. ":-1:", "403 Index Expired" },
			{ signed(0), "403 Index Expired" },
			{ name .. ":1:", "401 Unauthorized" },
			{ name .. ":1:" .. crypt.base64encode "12345678", "401 Unauthorized" },
			{ client.handshake_text(name, 1, "12345678"), "401 Unauthorized" },
			{ signed "1.5", "200 OK" },
			{ signed "1", "403 Index Expired" },
			{ signed "0x2" .. ":more:fields", "200 OK" },
			{ signed " 3 ", "200 OK" },
			{ signed "1e3", "200 OK" },
			{ signed "1000", "403 Index Expired" },
			{ signed "1001", "200 OK" },
		} do
			equal(answer_to(case[1]) .. " to " .. case[1], case[2] .. " to " .. case[1])
		end
	end)
	rule("4.3 handshake and requests may come in one piece, or in bytes", function()
		local subid <const> = call("login", "piper", SECRET)
		local name <const> = client.name("piper", subid)
		for index, whole in ipairs { true, false } do
			local fd <const> = client.connect(port)
			local all <const> = client.frame(client.handshake_text(name, index, SECRET))
				.. client.frame(client.request_body("echo one", index * 10))
				.. client.frame(client.request_body("echo two", index * 10 + 1))
			if whole then
				socket.write(fd, all)
			else
				for byte in all:gmatch "." do
					socket.write(fd, byte)
					skynet.yield()
				end
			end
			equal(client.read(fd), "200 OK")
			client.expect(fd, index * 10, "one")
			client.expect(fd, index * 10 + 1, "two")
			leave(fd, "piper")
		end
	end)
	rule("5.1 the newer connection ends the older", function()
		local first <const>, name <const>, uid <const>, subid <const> = new_user()
		local second <const> = enter(name, 2)
		client.ended(first)
		client.ask(second, "ip", 1)
		local address <const> = client.response(second)
		assert(address:match "^127%.0%.0%.1:%d+$")
		-- The end of the older one is not the user's.
		call("kick", uid, subid)
		client.ended(second)
		noted("logout " .. uid)
		equal(answer_to(client.handshake_text(name, 3, SECRET)), "404 User Not Found")
	end)
	rule("1.9 names are made and taken apart", function()
		local name <const> = msgserver.username("a user", 12, "a server")
		equal(name, "YSB1c2Vy@YSBzZXJ2ZXI=#MTI=")
		rules.same("a user", "12", "a server")(msgserver.userid(name))
		equal(msgserver.ip(name), nil)
		msgserver.login(name, SECRET)
		raises("logged in already", msgserver.login, name, SECRET)
		msgserver.logout(name)
		msgserver.logout(name)
	end)
end

local function requests()
	rule("4.4 responses come when they are done", function()
		local fd <const>, _, uid <const>, subid <const> = new_user()
		client.ask(fd, "hold first", 1)
		client.ask(fd, "echo second", 2)
		client.ask(fd, "echo ", 0xffffffff)
		client.expect(fd, 2, "second")
		client.expect(fd, 0xffffffff, "")
		test("release", "first")
		client.expect(fd, 1, "held first")
		client.ask(fd, "nil", 3)
		client.expect(fd, 3, "")
		client.ask(fd, "agent works", 4)
		client.expect(fd, 4, "agent works")
		call("kick", uid, subid)
		client.ended(fd)
		noted("logout " .. uid)
	end)
	rule("4.4 a failed request is answered with ok 0, and kept", function()
		local fd <const>, name <const>, uid <const> = new_user()
		for session, text in ipairs { "raise as you wish", "table", "no such request" } do
			client.ask(fd, text, session)
			client.expect(fd, session, "", 0)
		end
		leave(fd, uid)
		local again <const> = enter(name, 2)
		client.ask(again, "echo", 1)
		client.expect(again, 1, "", 0)
		equal(test("runs", "raise as you wish"), 1)
		leave(again, uid)
	end)
	rule("4.4 an answer has 65530 bytes, or is a failure", function()
		local fd <const>, _, uid <const> = new_user()
		client.ask(fd, "big 65530", 1)
		client.expect(fd, 1, ("x"):rep(65530))
		client.ask(fd, "big 65531", 2)
		client.expect(fd, 2, "", 0)
		client.ask(fd, "echo alive", 3)
		client.expect(fd, 3, "alive")
		-- The longest request.
		client.ask(fd, "echo " .. ("y"):rep(65526), 4)
		client.expect(fd, 4, ("y"):rep(65526))
		leave(fd, uid)
	end)
	rule("4.4 a frame without a session ends the connection", function()
		for _, body in ipairs { "", "x", "xyz" } do
			local fd <const>, _, uid <const> = new_user()
			client.send(fd, body)
			client.ended(fd)
			noted("disconnect " .. uid .. " nil")
		end
	end)
end

local function kept_answers()
	rule("4.5 a number is used again once it is answered", function()
		local fd <const>, _, uid <const> = new_user()
		for i = 1, 3 do
			client.ask(fd, "echo rule2 " .. i, 7)
			client.expect(fd, 7, "rule2 " .. i)
		end
		leave(fd, uid)
	end)
	rule("4.5 a running number is ignored once, then a conflict", function()
		local fd <const>, name <const>, uid <const> = new_user()
		client.ask(fd, "hold rule3", 1)
		held "rule3"
		client.ask(fd, "hold rule3", 1)
		client.ask(fd, "echo between", 2)
		client.expect(fd, 2, "between")
		client.ask(fd, "hold rule3", 1)
		client.ended(fd)
		noted("disconnect " .. uid .. " nil")
		-- What runs goes on, and is not run again.
		local again <const> = enter(name, 2)
		client.ask(again, "hold rule3", 1)
		test("release", "rule3")
		client.expect(again, 1, "held rule3")
		equal(test("runs", "hold rule3"), 1)
		leave(again, uid)
	end)
	rule("4.5 an answered number of an older connection has its answer", function()
		local fd <const>, name <const>, uid <const> = new_user()
		client.ask(fd, "echo rule4", 1)
		client.expect(fd, 1, "rule4")
		leave(fd, uid)
		local again <const> = enter(name, 2)
		client.ask(again, "whatever", 1)
		client.expect(again, 1, "rule4")
		equal(test("runs", "whatever"), 0)
		-- From now on it is one of this connection.
		client.ask(again, "echo new", 1)
		client.expect(again, 1, "new")
		leave(again, uid)
	end)
	rule("4.5 a running number answers the newer connection, once", function()
		local fd <const>, name <const>, uid <const> = new_user()
		client.ask(fd, "hold rule5", 1)
		held "rule5"
		local second <const> = enter(name, 2)
		client.ended(fd)
		client.ask(second, "whatever", 1)
		local third <const> = enter(name, 3)
		client.ended(second)
		client.ask(third, "whatever", 1)
		client.ask(third, "echo marker", 2)
		client.expect(third, 2, "marker")
		test("release", "rule5")
		client.expect(third, 1, "held rule5")
		client.ask(third, "echo marker", 3)
		client.expect(third, 3, "marker")
		equal(test("runs", "hold rule5"), 1)
		leave(third, uid)
	end)
	rule("4.5 what is done between handshake and repetition runs once", function()
		local fd <const>, name <const>, uid <const> = new_user()
		client.ask(fd, "hold rule6", 1)
		held "rule6"
		local again <const> = enter(name, 2)
		client.ended(fd)
		test("release", "rule6")
		-- It is kept, not pushed.
		client.ask(again, "echo marker", 2)
		client.expect(again, 2, "marker")
		client.ask(again, "hold rule6", 1)
		client.expect(again, 1, "held rule6")
		equal(test("runs", "hold rule6"), 1)
		leave(again, uid)
	end)
	rule("4.5 answers are kept for so many others, and not for ever", function()
		local fd, name <const>, uid <const> = new_user()
		local index = 1
		local function reconnect()
			leave(fd, uid)
			index = index + 1
			fd = enter(name, index)
		end
		client.ask(fd, "echo old", 1)
		client.expect(fd, 1, "old")
		client.ask(fd, "hold rule7", 100)
		for session = 2, 4 do -- expired_number is 4
			client.ask(fd, "echo", session)
			client.expect(fd, session, "")
		end
		reconnect()
		client.ask(fd, "lost?", 1)
		client.expect(fd, 1, "old")
		for session = 11, 20 do
			client.ask(fd, "echo", session)
			client.expect(fd, session, "")
		end
		reconnect()
		client.ask(fd, "echo anew", 1)
		client.expect(fd, 1, "anew")
		-- What runs is kept however long it takes.
		client.ask(fd, "hold rule7", 100)
		test("release", "rule7")
		client.expect(fd, 100, "held rule7")
		equal(test("runs", "hold rule7"), 1)
		leave(fd, uid)
	end)
	rule("4.5 a logout forgets them", function()
		local fd <const>, _, uid <const>, subid <const> = new_user()
		client.ask(fd, "hold gone", 1)
		held "gone"
		call("kick", uid, subid)
		client.ended(fd)
		noted("logout " .. uid)
		test("release", "gone")
		local new <const> = call("login", uid, SECRET)
		local again <const> = enter(client.name(uid, new), 1)
		client.ask(again, "echo new", 1)
		client.expect(again, 1, "new")
		leave(again, uid)
	end)
end

local function ends()
	rule("4.6 a kick during a request of the agent", function()
		local fd <const>, _, uid <const>, subid <const> = new_user()
		client.ask(fd, "agent hang", 1)
		client.ask(fd, "echo marker", 2)
		client.expect(fd, 2, "marker")
		call("kick", uid, subid)
		client.ended(fd)
		noted("logout " .. uid)
	end)
	rule("5.1 requests of an agent that was killed fail", function()
		local fd <const> = new_user()
		client.ask(fd, "agent die", 1)
		client.expect(fd, 1, "", 0)
		client.ask(fd, "agent there?", 2)
		client.expect(fd, 2, "", 0)
		leave(fd, "user" .. count)
	end)
	rule("5.1 a kick logs the user of a dead agent out", function()
		local fd <const>, name <const>, uid <const>, subid <const> = new_user()
		client.ask(fd, "agent die", 1)
		client.expect(fd, 1, "", 0)
		call("kick", uid, subid)
		client.ended(fd)
		noted("logout " .. uid)
		equal(answer_to(client.handshake_text(name, 2, SECRET)), "404 User Not Found")
		call("kick", uid, call("login", uid, SECRET))
		noted("logout " .. uid)
	end)
	rule("4.6 logout twice does no harm, login twice fails", function()
		local fd <const>, _, uid <const>, subid <const> = new_user()
		raises("call failed", call, "login", uid, SECRET)
		call("logout", uid, subid)
		call("logout", uid, subid)
		call("kick", uid, subid)
		client.ended(fd)
		noted("logout " .. uid)
		raises("call failed", call, "no such command")
	end)
	rule("5.1 a client that never speaks is closed", function()
		local other <const> = skynet.newservice("msg_gate", 50)
		local conf <const> = { address = rules.HOST, port = 0, servername = "other", maxclient = 4 }
		skynet.call(other, "lua", "open", conf)
		local other_port <const> = skynet.call(other, "test", "port")
		local silent <const> = {}
		for i = 1, 4 do
			silent[i] = client.connect(other_port)
			socket.write(silent[i], ("\0\9half"):sub(1, i))
		end
		client.ended(client.connect(other_port)) -- one too many
		for i = 1, 4 do
			client.ended(silent[i])
		end
		rules.await(function()
			local fd <const> = client.connect(other_port)
			client.send(fd, "x")
			local answer <const> = client.read(fd)
			client.ended(fd)
			return answer == "404 User Not Found"
		end)
		skynet.kill(other)
	end)
end

rules.run("msgserver", function()
	gate = skynet.newservice "msg_gate"
	local conf <const> = { address = rules.HOST, port = 0, maxclient = 1000, servername = "sample" }
	equal(call("open", conf), "registered sample")
	port = test "port"
	handshakes()
	requests()
	kept_answers()
	ends()
	equal(test "notes", "")
	skynet.kill(gate)
	rules.await(rules.no_connection)
end)
