-- The debug console (docs/skynet-rules.md 2.16): commands as lines of text for whoever runs the
-- server, over a Unix socket that only its user may open, or where it is asked for over TCP on
-- loopback, and there as HTTP requests. It can run any code: a line that is no command ends the
-- connection, so that nothing that was made for another protocol gets to a command, and no web page
-- is served (core.judge_http).
--
-- Arguments: "unix:PATH", PORT, HOST PORT or HOST:PORT; none: unix:debug_console.sock.
-- Configuration: console_password is asked for first; console_http = "false" for lines alone;
-- console_start_timeout_ms until the first command, console_idle_timeout_ms between two.
local error_text <const> = require "skynet.error_text"
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local crypt <const> = require "skynet.crypt"
local httpd <const> = require "http.httpd"
local sockethelper <const> = require "http.sockethelper"
local socket <const> = require "skynet.socket"
local console <const> = require "skynet.console.commands"
local output <const> = require "skynet.console.output"

local CONNECTIONS_MAX <const> = 64
local LINE_BYTES_MAX <const> = 64 * 1024
local LOGIN_BYTES_MAX <const> = 1024
local PASSWORD_BYTES_MIN <const> = 12
local WRONG_PASSWORD_DELAY <const> = 100 -- centiseconds
local LOOK_INTERVAL <const> = 50

local REQUEST_LINE <const> = "^%u+ %S+ HTTP/1%.[01]$"

local function centiseconds(key, default_ms)
	local value <const> = skynet.getenv(key)
	return math.max((value and tonumber(value) or default_ms) // 10, 1)
end

local START_TIMEOUT <const> = centiseconds("console_start_timeout_ms", 30000)
local IDLE_TIMEOUT <const> = centiseconds("console_idle_timeout_ms", 600000)

---@class ConsoleConnection
---@field id integer
---@field deadline? number centiseconds of skynet.now(); nil while a command runs
---@field known? boolean it has given a command, or the password
---@field begun number when it came
local connections <const> = {} ---@type table<integer, ConsoleConnection>
local password <const> = skynet.getenv "console_password"
local serves_http = false

local function is_loopback(host)
	return host == "localhost" or host == "::1" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil
end

local function to_address(first, second)
	if first:find "^unix:" then
		return first
	elseif second then
		return first, tonumber(second)
	elseif first:find "^%d+$" then
		return "127.0.0.1", tonumber(first)
	end
	local host <const>, port <const> = first:match "^%[?([^%]]+)%]?:(%d+)$"
	return host, tonumber(port)
end

local function is_password(text)
	return crypt.sha1(text) == crypt.sha1(password)
end

-- Runs one line; returns what to print, and how it ended.
---@async
local function run(line)
	local name <const>, rest <const> = line:match "^%s*(%S+)%s*(.-)%s*$"
	local f <const> = name and console.commands[name]
	if f == nil then
		return name and "Invalid command, type help for command list" or nil, nil
	end
	local words = { rest }
	if not console.raw[name] then
		words = {}
		for word in rest:gmatch "%S+" do
			words[#words + 1] = word
		end
	end
	local ok <const>, result <const> = pcall(f, table.unpack(words))
	if ok then
		return output.text(result), "<CMD OK>"
	end
	return error_text(result), "<CMD Error>"
end

local function print_result(id, text, ending)
	local all <const> = table.concat({ text or ending, text and ending }, "\n")
	socket.write(id, core.printable(all) .. "\n")
end

local function has_password(header)
	local coded <const> = tostring(header.authorization):match "^[Bb]asic (%S+)$"
	local ok <const>, text <const> = pcall(crypt.base64decode, coded or "=")
	return ok and is_password(text:match ":(.*)$" or "")
end

---------------------------------------------------------------- deadlines

local looking = false

-- Ends the connections that are over their time, as long as there are any.
local function look()
	local now <const> = skynet.now()
	for id, connection in pairs(connections) do
		if connection.deadline and connection.deadline <= now then
			connection.deadline = nil
			core.log("debug console: a connection is over its time", "info")
			socket.shutdown(id)
		end
	end
	looking = next(connections) ~= nil
	if looking then
		skynet.timeout(LOOK_INTERVAL, look)
	end
end

-- Whether there is room for one more: who came first of those that never gave a command leaves.
local function make_room()
	local count, oldest = 0, nil ---@type integer, ConsoleConnection|nil
	for _, connection in pairs(connections) do
		count = count + 1
		if not connection.known and (oldest == nil or connection.begun < oldest.begun) then
			oldest = connection
		end
	end
	if count < CONNECTIONS_MAX then
		return true
	elseif oldest == nil then
		return false
	end
	connections[oldest.id] = nil
	socket.shutdown(oldest.id)
	return true
end

local function wait_for_next(connection)
	connection.deadline = skynet.now() + IDLE_TIMEOUT
end

---------------------------------------------------------------- a connection

-- GET /command/word/word, or POST with a line as body. The greeting has been sent before the
-- request was read, so the answer is text without a head, as in skynet.
---@async
local function serve_http(connection, first_line)
	local id <const> = connection.id
	local code <const>, url <const>, method <const>, header <const>, body <const> =
		httpd.read_request(sockethelper.readfunc(id, first_line .. "\r\n"), LINE_BYTES_MAX)
	connection.deadline = nil
	local refusal <const> = code == 200 and core.judge_http(first_line, header)
	local text
	local ending = "<CMD Error>"
	if code ~= 200 or (method ~= "GET" and method ~= "POST") then
		text = "not a request"
	elseif refusal then
		core.log("debug console: a request is refused: " .. refusal, "warn")
		text = refusal
	elseif password and not has_password(header) then
		skynet.sleep(WRONG_PASSWORD_DELAY)
		text = "wrong password"
	else
		connection.known = true
		text, ending = run(method == "POST" and body or (url:sub(2):gsub("/", " ")))
	end
	print_result(id, text, ending)
end

-- The first line of who is let in: "" or a request, which brings the password itself; else nil.
---@async
local function log_in(id)
	socket.limit(id, LOGIN_BYTES_MAX)
	socket.write(id, "Password:\n")
	local line <const> = socket.readline(id)
	local text <const> = line and line:gsub("\r$", "")
	if not text then
		return nil
	elseif serves_http and text:find(REQUEST_LINE) then
		return text
	elseif is_password(text) then
		return ""
	end
	skynet.sleep(WRONG_PASSWORD_DELAY)
	socket.write(id, "wrong password\n<CMD Error>\n")
	return nil
end

-- Runs a line; false when it is none, which ends the connection.
---@async
local function serve_line(connection, line)
	local id <const> = connection.id
	local name <const> = line:match "^%s*(%S+)"
	connection.deadline = nil
	if name == "debug" and line:find "^%s*debug%s+%S" then
		connection.known = true
		require "skynet.console.debugger"(id, line:match "debug%s+(%S+)", function()
			wait_for_next(connection)
		end)
	elseif name then
		connection.known = connection.known or console.commands[name] ~= nil
		print_result(id, run(line))
		if console.commands[name] == nil then
			return false
		end
	end
	wait_for_next(connection)
	return true
end

---@async
local function serve(connection, address)
	local id <const> = connection.id
	local first = ""
	if password then
		first = log_in(id)
		if first == nil then
			core.log("debug console: no login from " .. address, "warn")
			return
		end
	end
	socket.limit(id, LINE_BYTES_MAX)
	if first ~= "" then
		return serve_http(connection, first)
	elseif password then
		connection.known = true
		wait_for_next(connection)
	end
	socket.write(id, "Welcome to skynet console\n")
	local begun = password ~= nil
	while true do
		local line <const> = socket.readline(id)
		local text <const> = line and line:gsub("\r$", "")
		if not text then
			return
		elseif serves_http and not begun and text:find(REQUEST_LINE) then
			return serve_http(connection, text)
		elseif text:find "%S" then
			begun = true
			if not serve_line(connection, text) then
				core.log("debug console: a line of " .. address .. " is no command", "warn")
				return
			end
		end
	end
end

---@async
local function accept(id, address)
	if not make_room() or not socket.start(id) then
		socket.close_fd(id)
		return
	end
	address = address ~= "" and address or "this machine"
	local now <const> = skynet.now()
	local connection <const> = { id = id, begun = now, deadline = now + START_TIMEOUT }
	connections[id] = connection
	if not looking then
		looking = true
		skynet.timeout(LOOK_INTERVAL, look)
	end
	core.log("debug console: connection from " .. address, "info")
	local ok <const>, message <const> = pcall(serve, connection, address)
	connections[id] = nil
	if not ok and message ~= sockethelper.socket_error then
		core.log("debug console: " .. error_text(message), "error")
	end
	socket.close(id)
end

local function count_connections()
	local count = 0
	for _ in pairs(connections) do
		count = count + 1
	end
	return count
end

local first <const>, second <const> = ...

skynet.start(function()
	local host <const>, port <const> = to_address(first or "unix:debug_console.sock", second)
	local on_unix <const> = host ~= nil and port == nil and host:find "^unix:" ~= nil
	assert(on_unix or (host and port), "debug_console needs unix:PATH or [HOST] PORT")
	assert(
		on_unix or is_loopback(host),
		"the debug console listens on a Unix socket or on loopback only: it has no TLS"
	)
	assert(
		password == nil or #password >= PASSWORD_BYTES_MIN,
		"console_password has less than 12 characters"
	)
	serves_http = skynet.getenv "console_http" ~= "false"
	core.profile(true)
	local id <const>, ip <const>, real_port <const> = socket.listen(host, port)
	local address <const> = on_unix and host or string.format("%s:%d", ip, real_port)
	skynet.error("Start debug console at " .. address)
	socket.start(id, accept)
	skynet.info_func(function()
		return { address = address, connections = count_connections() }
	end)
end)
