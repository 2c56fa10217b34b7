-- snax.loginserver (docs/skynet-rules.md 1.9, 4.2), with login_script.lua as the service.
local client <const> = require "gate_client"
local crypt <const> = require "skynet.crypt"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local socket <const> = require "skynet.socket"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local server, port

local function call(...)
	return skynet.call(server, "lua", ...)
end

local function token(uid, password, server_name)
	local b64 <const> = crypt.base64encode
	return string.format("%s@%s:%s", b64(uid), b64(server_name or "sample"),
		b64(password or "password"))
end

local function login(uid, options)
	return client.login(port, token(uid), options)
end

local function start(name)
	port = rules.free_port()
	skynet.setenv(name .. "_port", port)
	server = skynet.newservice("login_" .. name)
	equal(skynet.localname("." .. name), server)
end

local function bytes(number)
	return string.pack("<i8", number)
end

local function answers()
	rule("4.2 a login is answered with the subid, and closed", function()
		local answer <const>, secret <const> = login "test1"
		equal(answer, "200 " .. crypt.base64encode("test1/" .. crypt.hexencode(secret)))
		equal(login "no subid", "200 ")
		equal(login "number", "200 " .. crypt.base64encode "42")
		equal(call "logins", 3)
	end)
	rule("4.2 lines may come in any pieces", function()
		local fd <const>, challenge <const> = client.login_start(port)
		equal(#challenge, 8)
		local private <const> = crypt.randomkey()
		local line <const> = crypt.base64encode(crypt.dhexchange(private)) .. "\n"
		for byte in line:gmatch "." do
			socket.write(fd, byte)
			skynet.yield()
		end
		local secret <const> = crypt.dhsecret(crypt.base64decode((socket.readline(fd))), private)
		local rest <const> = crypt.base64encode(crypt.hmac64(challenge, secret)) .. "\n"
			.. crypt.base64encode(crypt.desencode(secret, token "test1")) .. "\n"
		for byte in (rest .. "and more"):gmatch "." do
			socket.write(fd, byte)
			skynet.yield()
		end
		assert(client.login_answer(fd):match "^200 ")
	end)
	rule("4.2 what is wrong in the handshake is answered alike", function()
		for _, options in ipairs {
			{ key = "7 bytes" },
			{ key = "" },
			{ mac = "" },
			{ mac = "12345678" },
			{ token = "12345678" },
			{ token = "1234567" },
			{ token = "" },
			{ line_end = "\r\n" },
		} do
			equal(login("test1", options), "401 Unauthorized")
		end
		local fd <const> = client.login_start(port)
		socket.write(fd, "no base64!\n")
		equal(client.login_answer(fd), "401 Unauthorized")
		equal(client.login(port, token("test1", "wrong")), "401 Unauthorized")
		equal(client.login(port, "no token"), "401 Unauthorized")
		equal(login "slow":sub(1, 4), "200 ")
	end)
	rule("5.1 client keys of which the secret is known are refused", function()
		local logins <const> = call "logins"
		for _, number in ipairs { 0, 1, -60, -59, -58, -1 } do
			local options <const> = { key = bytes(number), secret = bytes(1) }
			equal(login("test1", options), "401 Unauthorized")
		end
		equal(call "logins", logins)
	end)
	rule("5.1 no uid is answered with 401", function()
		equal(login "nobody", "401 Unauthorized")
	end)
	rule("4.2 what login_handler refuses is 403", function()
		equal(client.login(port, token("test1", nil, "closed")), "403 Forbidden")
	end)
	rule("4.2 of six logins of one uid at a time, five get 406", function()
		local got <const> = {}
		local function answered(text)
			local count = 0
			for _, answer in ipairs(got) do
				count = count + (answer:find(text, 1, true) == 1 and 1 or 0)
			end
			return count
		end
		for _ = 1, 6 do
			skynet.fork(function()
				local answer <const> = login "hold"
				got[#got + 1] = answer
			end)
		end
		rules.await(function()
			return #got == 5 and call "holding" == 1
		end)
		equal(answered "406 Not Acceptable", 5)
		assert(login "other":find "^200 ")
		call "release"
		rules.await(function()
			return #got == 6
		end)
		equal(answered "200 ", 1)
		-- The next one is accepted again.
		skynet.fork(function()
			local answer <const> = login "hold"
			got[#got + 1] = answer
		end)
		rules.await(function()
			return call "holding" == 1
		end)
		call "release"
		rules.await(function()
			return answered "200 " == 2
		end)
	end)
	rule("1.9 commands go to the command handler", function()
		equal(call "holding", 0)
		raises("call failed", call, "no such command")
	end)
end

local function limits()
	rule("4.2 a line has 8 KiB at most", function()
		local fd <const> = client.login_start(port)
		socket.write(fd, ("A"):rep(20000))
		client.ended(fd)
	end)
	rule("4.2 clients may leave at any step", function()
		for _, line in ipairs { "", "half a line", "mE4UGCgyNe0=\n", "mE4UGCgyNe0=\nx\n" } do
			local fd <const> = client.login_start(port)
			socket.write(fd, line)
			socket.close(fd)
		end
		rules.await(rules.no_connection)
		assert(login "test1":find "^200 ")
	end)
	rule("5.1 a slave that ends takes its clients along, and is replaced", function()
		for _ = 1, 3 do
			equal(login "fatal", false)
		end
		for _ = 1, 4 do
			assert(login "test1":find "^200 ")
		end
	end)
end

local function several()
	rule("1.9 multilogin lets one uid log in several times at once", function()
		local got <const> = {}
		for i = 1, 3 do
			skynet.fork(function()
				got[i] = login "hold"
			end)
		end
		rules.await(function()
			return call "holding" == 3
		end)
		call "release"
		rules.await(function()
			return #got == 3
		end)
		for i = 1, 3 do
			assert(got[i]:find "^200 ")
		end
	end)
end

local function killed_master()
	rule("5.1 a master that is killed leaves no client behind", function()
		local answer
		skynet.fork(function()
			answer = login "hold"
		end)
		rules.await(function()
			return call "holding" == 1
		end)
		skynet.kill(server)
		rules.await(function()
			return answer == false
		end)
	end)
end

local function silent_clients()
	rule("5.1 clients that do not speak are closed, and bounded", function()
		local silent <const> = {}
		for i = 1, 4 do
			silent[i] = client.login_start(port)
		end
		client.ended(client.connect(port)) -- one too many
		socket.write(silent[1], "half a line")
		socket.write(silent[2], "mE4UGCgyNe0=\n")
		assert(socket.readline(silent[2]))
		for i = 1, 4 do
			client.ended(silent[i])
		end
		rules.await(rules.no_connection)
		rules.await(function()
			local fd <const> = client.connect(port)
			local greeted <const> = socket.readline(fd)
			socket.close(fd)
			return greeted
		end)
	end)
end

rules.run("loginserver", function()
	for name, f in pairs { multi = several, short = silent_clients } do
		start(name)
		f()
	end
	start "doomed"
	killed_master()
	start "single"
	answers()
	limits()
	skynet.kill(server)
	rules.await(rules.no_connection)
end)
