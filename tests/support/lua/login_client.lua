-- A client as skynet's users write them: a plain Lua 5.4 interpreter with the modules
-- client.socket and client.crypt (skynet's suite and handshake, docs/skynet-rules.md 4.2 to 4.4).
--   lua5.4 login_client.lua LUACLIB LOGIN_PORT GATE_PORT
-- Logs in as cocos1, sends requests, breaks the connection and asks again. Prints "passed".
package.cpath = arg[1] .. "/?.so"
local crypt <const> = require "client.crypt"
local socket <const> = require "client.socket"

local HOST <const> = "127.0.0.1"
local login_port <const>, gate_port <const> = tonumber(arg[2]), tonumber(arg[3])
local b64 <const>, unb64 <const> = crypt.base64encode, crypt.base64decode

-- A connection whose pieces `cut` finds at the start of the bytes that came.
local function connect(port, cut)
	local fd <const> = socket.connect(HOST, port)
	local bytes = ""
	local function read()
		while true do
			local piece <const>, rest <const> = cut(bytes)
			if piece then
				bytes = rest
				return piece
			end
			local more <const> = socket.recv(fd)
			if more == "" then
				return nil
			elseif more then
				bytes = bytes .. more
			else
				socket.usleep(200)
			end
		end
	end
	return fd, read
end

local function cut_line(bytes)
	local line <const>, rest <const> = bytes:match "^([^\n]*)\n(.*)$"
	return line, rest
end

local function cut_frame(bytes)
	if #bytes < 2 or #bytes < 2 + string.unpack(">I2", bytes) then
		return nil
	end
	local frame <const>, at <const> = string.unpack(">s2", bytes)
	return frame, bytes:sub(at)
end

local function log_in()
	local fd <const>, read <const> = connect(login_port, cut_line)
	local challenge <const> = unb64(read())
	local key <const> = crypt.randomkey()
	socket.send(fd, b64(crypt.dhexchange(key)) .. "\n")
	local secret <const> = crypt.dhsecret(unb64(read()), key)
	local token <const> = b64 "cocos1" .. "@" .. b64 "sample" .. ":" .. b64 "password"
	socket.send(fd, b64(crypt.hmac64(challenge, secret)) .. "\n")
	socket.send(fd, b64(crypt.desencode(secret, token)) .. "\n")
	local code <const>, subid <const> = read():match "^(%d+) (%S*)$"
	assert(code == "200", code)
	assert(read() == nil, "the login server closes")
	assert(socket.recv(fd) == "", "the end stays the end")
	socket.close(fd)
	return secret, unb64(subid)
end

local secret <const>, subid <const> = log_in()

local function enter(index)
	local fd <const>, read <const> = connect(gate_port, cut_frame)
	local name <const> = b64 "cocos1" .. "@" .. b64 "sample" .. "#" .. b64(subid) .. ":" .. index
	local proof <const> = b64(crypt.hmac64(crypt.hashkey(name), secret))
	socket.send(fd, string.pack(">s2", name .. ":" .. proof))
	assert(read() == "200 OK")
	local function request(text, session)
		socket.send(fd, string.pack(">s2", text .. string.pack(">I4", session)))
	end
	local function response()
		local frame <const> = assert(read(), "closed")
		local ok <const>, session <const> = string.unpack(">BI4", frame, #frame - 4)
		return frame:sub(1, -6), ok, session
	end
	return fd, request, response
end

local function expect(wanted, wanted_session, text, ok, session)
	assert(text == wanted and ok == 1 and session == wanted_session, text)
end

local fd, request, response = enter(1)
request("echo this", 1)
expect("echo this", 1, response())
request(("x"):rep(60000), 2)
expect(("x"):rep(60000), 2, response())
request("count", 3)
socket.shutdown(fd, "w")
socket.close(fd)

fd, request, response = enter(2)
request("asked again", 3)
expect("1", 3, response())
socket.close(fd)

assert(not pcall(socket.recv, fd), "a closed descriptor raises")
assert(not pcall(socket.send, fd, "x"))
assert(not pcall(socket.shutdown, fd, "x"))
local connected <const>, message <const> = pcall(socket.connect, "localhost", 1)
assert(not connected and message:find("Connect localhost 1 failed", 1, true), message)
assert(not pcall(socket.connect, HOST, 1))
assert(not pcall(crypt.desencode, "short", "text"))
while true do
	local line <const> = socket.readstdin()
	if line == "end" then
		break
	elseif line then
		print("typed " .. line)
	else
		socket.usleep(200)
	end
end
assert(socket.readstdin() == "rest")
assert(socket.readstdin() == nil)
print "passed"
