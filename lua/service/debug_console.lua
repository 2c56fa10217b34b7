-- The debug console (sk 2.16): commands as lines of text over TCP, or as HTTP requests, for
-- whoever runs the server. It can run any code, so it listens on loopback, and elsewhere only
-- with a password: key `console_password` of the configuration.
--
-- Arguments: [HOST] PORT, or HOST:PORT
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
local LOGIN_TIMEOUT <const> = 1000 -- centiseconds
local WRONG_PASSWORD_DELAY <const> = 100

local connections = 0
local password <const> = skynet.getenv "console_password"

local function is_loopback(host)
	return host == "localhost" or host == "::1" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil
end

local function to_address(first, second)
	if second then
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
	socket.write(id, table.concat({ text or ending, text and ending }, "\n") .. "\n")
end

-- Web pages must not send commands through somebody's browser: it names the page that asks.
local function is_from_a_page(header)
	return header.origin or header.referer or header["sec-fetch-site"]
end

local function has_password(header)
	local coded <const> = tostring(header.authorization):match "^[Bb]asic (%S+)$"
	local ok <const>, text <const> = pcall(crypt.base64decode, coded or "=")
	return ok and is_password(text:match ":(.*)$" or "")
end

-- GET /command/word/word, or POST with a line as body. The greeting has been sent before the
-- request was read, so the answer is text without a head, as in skynet.
---@async
local function serve_http(id, first_line)
	local code <const>, url <const>, method <const>, header <const>, body <const> =
		httpd.read_request(sockethelper.readfunc(id, first_line .. "\n"), LINE_BYTES_MAX)
	local text
	local ending = "<CMD Error>"
	if code ~= 200 then
		text = "not a request"
	elseif is_from_a_page(header) then
		text = "not for web pages"
	elseif password and not has_password(header) then
		skynet.sleep(WRONG_PASSWORD_DELAY)
		text = "wrong password"
	else
		text, ending = run(method == "POST" and body or (url:sub(2):gsub("/", " ")))
	end
	print_result(id, text, ending)
end

---@async
local function log_in(id)
	socket.limit(id, LOGIN_BYTES_MAX)
	local in_time = true
	local done = false
	skynet.timeout(LOGIN_TIMEOUT, function()
		if not done then
			in_time = false
			socket.shutdown(id)
		end
	end)
	socket.write(id, "Password:\n")
	local line <const> = socket.readline(id)
	done = true
	if not line or not in_time then
		return nil
	elseif line:find "^%u+ %S+ HTTP/1%.[01]\r?$" then
		return line
	elseif is_password((line:gsub("\r$", ""))) then
		return ""
	end
	skynet.sleep(WRONG_PASSWORD_DELAY)
	socket.write(id, "wrong password\n<CMD Error>\n")
	return nil
end

---@async
local function serve(id, address)
	local first = ""
	if password then
		first = log_in(id)
		if first == nil then
			core.log("debug console: no login from " .. address, "warn")
			return
		end
	end
	socket.limit(id, LINE_BYTES_MAX)
	if first == "" then
		socket.write(id, "Welcome to skynet console\n")
	end
	while true do
		local line = first ~= "" and first or socket.readline(id)
		if not line then
			return
		end
		line = line:gsub("\r$", "")
		if line:find "^%u+ %S+ HTTP/1%.[01]$" then
			return serve_http(id, line .. "\r")
		end
		first = ""
		local target <const> = line:match "^%s*debug%s+(%S+)"
		if target then
			require("skynet.console.debugger")(id, target)
		elseif line:find "%S" then
			print_result(id, run(line))
		end
	end
end

---@async
local function accept(id, address)
	if connections >= CONNECTIONS_MAX or not socket.start(id) then
		socket.close_fd(id)
		return
	end
	connections = connections + 1
	core.log("debug console: connection from " .. address, "info")
	local ok <const>, message <const> = pcall(serve, id, address)
	connections = connections - 1
	if not ok and message ~= sockethelper.socket_error then
		core.log("debug console: " .. error_text(message), "error")
	end
	socket.close(id)
end

local first <const>, second <const> = ...

skynet.start(function()
	local host <const>, port <const> = to_address(first or "8000", second)
	assert(host and port, "debug_console needs [HOST] PORT")
	assert(
		password or is_loopback(host),
		"the debug console listens on loopback only, or with a console_password"
	)
	core.profile(true)
	local id <const>, ip <const>, real_port <const> = socket.listen(host, port)
	skynet.error(string.format("Start debug console at %s:%d", ip, real_port))
	socket.start(id, accept)
	skynet.info_func(function()
		return { address = string.format("%s:%d", ip, real_port), connections = connections }
	end)
end)
