-- A Redis client (docs/skynet-rules.md 1.10; RESP2, redis.io/docs/reference/protocol-spec) on a
-- socketchannel: any command is a method, and all of them yield. Errors of the server and of the
-- connection raise; the next command connects again.
local socketchannel <const> = require "skynet.socketchannel"

local M <const> = {}

local PORT <const> = 6379
local BULK_BYTES_MAX <const> = (256 << 20) - 2 -- what a socket holds for one read
local DEPTH_MAX <const> = 32

---------------------------------------------------------------- the protocol

local function bad_reply(text)
	error("redis: not a reply: " .. text:sub(1, 40), 0)
end

local function to_length(text, max)
	local n <const> = text:find "^%-?%d+$" and math.tointeger(tonumber(text))
	if not n or n < -1 or n > max then
		bad_reply(text)
	end
	return n
end

-- Each reads the rest of a reply whose first line is given; ok and the value.
local readers <const> = {}

---@async
local function read_reply(sock, depth)
	local line <const> = sock:readline "\r\n"
	local reader <const> = readers[line:sub(1, 1)]
	if not reader or depth > DEPTH_MAX then
		bad_reply(line)
	end
	return reader(sock, line:sub(2), depth)
end

readers["+"] = function(_, text)
	return true, text
end

readers["-"] = function(_, text)
	return false, text
end

readers[":"] = function(_, text)
	return true, math.tointeger(tonumber(text)) or bad_reply(text)
end

readers["$"] = function(sock, text)
	local size <const> = to_length(text, BULK_BYTES_MAX)
	if size < 0 then
		return true, nil
	end
	local data <const> = sock:read(size + 2)
	if data:sub(-2) ~= "\r\n" then
		bad_reply(text)
	end
	return true, data:sub(1, -3)
end

-- A list that has an error in it is an error as a whole.
readers["*"] = function(sock, text, depth)
	local count <const> = to_length(text, math.maxinteger)
	if count < 0 then
		return true, nil
	end
	local list <const> = {}
	local all_fine = true
	for i = 1, count do
		local ok <const>, value <const> = read_reply(sock, depth + 1)
		all_fine = all_fine and ok
		list[i] = value
	end
	return all_fine, list
end

---@async
local function read_response(sock)
	return read_reply(sock, 1)
end

local function read_boolean(sock)
	local ok <const>, value <const> = read_reply(sock, 1)
	if ok and math.type(value) == "integer" then
		return true, value ~= 0
	end
	return ok, value -- "QUEUED" between multi and exec
end

-- Adds a command to the list of strings to send.
local function compose(out, name, n, arguments)
	out[#out + 1] = string.format("*%d\r\n$%d\r\n%s\r\n", n + 1, #name, name)
	for i = 1, n do
		if arguments[i] == nil then
			error(string.format("redis: argument %d of %s is nil", i, name), 3)
		end
		local text <const> = tostring(arguments[i])
		out[#out + 1] = string.format("$%d\r\n", #text)
		out[#out + 1] = text
		out[#out + 1] = "\r\n"
	end
	return out
end

-- The bytes of name(...); one table holds all arguments.
local function compose_call(name, ...)
	local first <const> = ...
	if type(first) == "table" then
		return compose({}, name, #first, first)
	end
	return compose({}, name, select("#", ...), { ... })
end

---------------------------------------------------------------- commands

---@class RedisOptions
---@field host string
---@field port? integer 6379
---@field auth? string password
---@field username? string
---@field db? integer
---@field overload? fun(overloaded: boolean)

---@async
local function login(channel, options)
	if options.auth then
		local command <const> = options.username
				and compose_call("AUTH", options.username, options.auth)
			or compose_call("AUTH", options.auth)
		channel:request(command, read_response)
	end
	if options.db then
		channel:request(compose_call("SELECT", options.db), read_response)
	end
end

local function connect(options, after_login)
	local channel
	channel = socketchannel.channel {
		host = options.host,
		port = options.port or PORT,
		nodelay = true,
		overload = options.overload,
		auth = function(ch)
			login(ch, options)
			after_login(ch)
		end,
	}
	channel:connect(true)
	return channel
end

---@class Redis any command is a method: db:hset("key", "field", 1), db:hset { "key", "field", 1 }
---@field private channel SocketChannel
local commands <const> = {}

local db_meta <const> = {}

-- Makes the method of a command when it is first used.
function db_meta.__index(_, name)
	local method = commands[name]
	if method == nil and type(name) == "string" then
		local word <const> = name:upper()
		method = function(self, ...)
			return rawget(self, "channel"):request(compose_call(word, ...), read_response)
		end
		commands[name] = method
	end
	return method
end

for _, word in ipairs { "exists", "sismember" } do
	commands[word] = function(self, ...)
		return self.channel:request(compose_call(word:upper(), ...), read_boolean)
	end
end

--- Sends several commands at once: { { "set", "a", 1 }, { "get", "a" } }.
---@async
---@param operations any[][]
---@param results? table gets { ok=, out= } for each command, and is returned
---@return any last the last reply, which raises when it is an error, when there are no results
function commands:pipeline(operations, results)
	assert(operations and #operations > 0, "pipeline without commands")
	local out <const> = {}
	for _, operation in ipairs(operations) do
		local arguments <const> = { table.unpack(operation, 2) }
		compose(out, tostring(operation[1]):upper(), #operation - 1, arguments)
	end
	return self.channel:request(out, function(sock)
		local ok, value
		for _ = 1, #operations do
			ok, value = read_response(sock)
			if results then
				results[#results + 1] = { ok = ok, out = value }
			end
		end
		if results then
			return true, results
		end
		return ok, value
	end)
end

--- Ends the connection; who waits for a reply gets an error, and so do later commands.
function commands:disconnect()
	self.channel:close()
end

--- Connects and logs in; raises.
---@async
---@param options RedisOptions
---@return Redis
function M.connect(options)
	local channel <const> = connect(options, function() end)
	return setmetatable({ channel = channel }, db_meta)
end

---------------------------------------------------------------- messages

---@class RedisWatch
---@field private channel SocketChannel
---@field private topics table<"SUBSCRIBE"|"PSUBSCRIBE", table<string, true>>
local watch <const> = {}
watch.__index = watch

-- Defines how a subscription begins and ends. The server's confirmations come among the messages.
local function define(begin, stop)
	local word <const> = begin:upper()
	watch[begin] = function(self, ...)
		for _, topic in ipairs { ... } do
			self.topics[word][topic] = true
		end
		self.channel:request(compose_call(word, ...))
	end
	watch[stop] = function(self, ...)
		local topics <const> = { ... }
		for _, topic in ipairs(topics) do
			self.topics[word][topic] = nil
		end
		if #topics == 0 then
			self.topics[word] = {}
		end
		self.channel:request(compose_call(stop:upper(), ...))
	end
end

define("subscribe", "unsubscribe")
define("psubscribe", "punsubscribe")

--- Waits for a message. Raises when the connection ends meanwhile; the next call connects and
--- subscribes again, and what was published between them is lost.
---@async
---@return string data
---@return string channel
---@return string? pattern that the channel matched
function watch:message()
	while true do
		local reply <const> = self.channel:response(read_response)
		local kind <const> = type(reply) == "table" and reply[1]
		if kind == "message" then
			return reply[3], reply[2]
		elseif kind == "pmessage" then
			return reply[4], reply[3], reply[2]
		end
	end
end

--- Ends the connection; who waits for a message gets an error.
function watch:disconnect()
	self.channel:close()
end

--- A connection for messages: subscribe, psubscribe, unsubscribe, punsubscribe, message.
---@async
---@param options RedisOptions
---@return RedisWatch
function M.watch(options)
	local topics <const> = { SUBSCRIBE = {}, PSUBSCRIBE = {} }
	local channel <const> = connect(options, function(ch)
		for word, names in pairs(topics) do
			for name in pairs(names) do
				ch:request(compose_call(word, name))
			end
		end
	end)
	return setmetatable({ channel = channel, topics = topics }, watch)
end

return M
