-- A client of frames and of skynet's login and gate (docs/skynet-rules.md 4), on `net_rules`.
local crypt <const> = require "skynet.crypt"
local rules <const> = require "net_rules"
local socket <const> = require "skynet.socket"

local M <const> = {}

local b64encode <const>, b64decode <const> = crypt.base64encode, crypt.base64decode

---@async
function M.connect(port)
	return assert(socket.open(rules.HOST, port))
end

function M.frame(body)
	return string.pack(">s2", body)
end

function M.send(fd, body)
	assert(socket.write(fd, M.frame(body)))
end

--- The next frame, nil at the end.
---@async
function M.read(fd)
	local head <const> = socket.read(fd, 2)
	return head and socket.read(fd, (string.unpack(">I2", head))) or nil
end

--- Waits for the server to close; raises when it sends something before.
---@async
function M.ended(fd)
	rules.equal(socket.readall(fd) or "", "")
	socket.close(fd)
end

---------------------------------------------------------------- gate

function M.name(uid, subid)
	return string.format("%s@%s#%s", b64encode(uid), b64encode "sample", b64encode(tostring(subid)))
end

--- The text of a handshake.
function M.handshake_text(name, index, secret)
	local text <const> = name .. ":" .. index
	return text .. ":" .. b64encode(crypt.hmac_hash(secret, text))
end

--- Connects and shakes hands; returns fd and the answer.
---@async
function M.enter(port, name, index, secret)
	local fd <const> = M.connect(port)
	M.send(fd, M.handshake_text(name, index, secret))
	return fd, M.read(fd)
end

function M.request_body(content, session)
	return content .. string.pack(">I4", session)
end

function M.ask(fd, content, session)
	M.send(fd, M.request_body(content, session))
end

--- content, ok, session of the next response; nothing at the end.
---@async
function M.response(fd)
	local body <const> = M.read(fd)
	if body then
		return body:sub(1, -6), string.unpack(">BI4", body, -5)
	end
end

--- The response to this session must be this one.
---@async
function M.expect(fd, session, content, ok)
	local got <const>, got_ok <const>, got_session <const> = M.response(fd)
	rules.same(session, content, ok or 1)(got_session, got, got_ok)
end

---------------------------------------------------------------- login

--- Connects to a login server and reads the challenge.
---@async
function M.login_start(port)
	local fd <const> = M.connect(port)
	return fd, b64decode((socket.readline(fd)))
end

--- Reads the answer and the end after it.
---@async
function M.login_answer(fd)
	local answer <const> = socket.readline(fd)
	M.ended(fd)
	return answer
end

--- Logs in; what a step sends can be replaced: options.key, mac, token (bytes), line_end.
---@async
---@return string answer, string secret
function M.login(port, token, options)
	options = options or {}
	local line_end <const> = options.line_end or "\n"
	local fd <const>, challenge <const> = M.login_start(port)
	local private <const> = crypt.randomkey()
	socket.write(fd, b64encode(options.key or crypt.dhexchange(private)) .. line_end)
	local line <const> = socket.readline(fd)
	if not line or #line ~= 12 then
		M.ended(fd)
		return line
	end
	local secret <const> = options.secret or crypt.dhsecret(b64decode(line), private)
	local mac <const> = options.mac or crypt.hmac64(challenge, secret)
	local bytes <const> = options.token or crypt.desencode(secret, token)
	socket.write(fd, b64encode(mac) .. line_end .. b64encode(bytes) .. line_end)
	return M.login_answer(fd), secret
end

return M
