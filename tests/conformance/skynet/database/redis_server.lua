-- A small Redis: RESP2, strings, sets, hashes, transactions and messages in memory, for the tests
-- of the client. It ends connections that speak anything else.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local PASSWORD <const> = ...

local data = {}
local subscribers <const> = {} -- fd -> { topics = {}, patterns = {} }
local command <const> = {}
local connections = 0

local function bulk(value)
	if value == nil then
		return "$-1\r\n"
	end
	return string.format("$%d\r\n%s\r\n", #value, value)
end

local function list(values)
	return "*" .. #values .. "\r\n" .. table.concat(values)
end

local function number(n)
	return ":" .. n .. "\r\n"
end

local function typed(key, kind)
	data[key] = data[key] or { kind = kind }
	return data[key].kind == kind and data[key] or nil
end

local WRONG <const> = "-WRONGTYPE another kind of value\r\n"

function command.SELECT(state, db)
	state.db = db
	return "+OK\r\n"
end

function command.WHERE(state)
	return bulk(string.format("%s %s", state.user, state.db))
end

function command.SET(_, key, value)
	data[key] = { kind = "string", value = value }
	return "+OK\r\n"
end

function command.GET(_, key)
	local entry <const> = data[key]
	if entry and entry.kind ~= "string" then
		return WRONG
	end
	return bulk(entry and entry.value)
end

function command.DEL(_, key)
	local found <const> = data[key]
	data[key] = nil
	return number(found and 1 or 0)
end

function command.EXISTS(_, key)
	return number(data[key] and 1 or 0)
end

function command.SADD(_, key, member)
	local set <const> = typed(key, "set")
	if not set then
		return WRONG
	end
	set[member] = true
	return number(1)
end

function command.SISMEMBER(_, key, member)
	return number(data[key] and data[key][member] and 1 or 0)
end

function command.HMSET(_, key, ...)
	local hash <const> = typed(key, "hash")
	if not hash then
		return WRONG
	end
	local fields <const> = { ... }
	for i = 1, #fields, 2 do
		hash[#hash + 1] = bulk(fields[i])
		hash[#hash + 1] = bulk(fields[i + 1])
	end
	return "+OK\r\n"
end

function command.HGETALL(_, key)
	return list(data[key] or {})
end

function command.MGET(_, ...)
	local values <const> = {}
	for _, key in ipairs { ... } do
		values[#values + 1] = command.GET(nil, key)
	end
	return list(values)
end

function command.MULTI(state)
	state.queue = {}
	return "+OK\r\n"
end

function command.EXEC(state)
	local queue <const> = state.queue
	state.queue = nil
	local replies <const> = {}
	for _, words in ipairs(queue) do
		replies[#replies + 1] = command[words[1]](state, table.unpack(words, 2))
	end
	return list(replies)
end

-- Answers with these very bytes.
function command.RAW(_, bytes)
	return bytes
end

function command.QUIT()
	return nil
end

local function confirm(kind, topics, state)
	local replies <const> = {}
	for i, topic in ipairs(topics) do
		replies[i] = list { bulk(kind), bulk(topic), number(i) }
	end
	subscribers[state.fd] = subscribers[state.fd] or { topics = {}, patterns = {} }
	return table.concat(replies), subscribers[state.fd]
end

function command.SUBSCRIBE(state, ...)
	local reply <const>, mine <const> = confirm("subscribe", { ... }, state)
	for _, topic in ipairs { ... } do
		mine.topics[topic] = true
	end
	return reply
end

function command.UNSUBSCRIBE(state, ...)
	local reply <const>, mine <const> = confirm("unsubscribe", { ... }, state)
	for _, topic in ipairs { ... } do
		mine.topics[topic] = nil
	end
	return reply
end

-- Patterns are "prefix*".
function command.PSUBSCRIBE(state, ...)
	local reply <const>, mine <const> = confirm("psubscribe", { ... }, state)
	for _, pattern in ipairs { ... } do
		mine.patterns[pattern] = true
	end
	return reply
end

function command.PUBLISH(_, topic, text)
	local count = 0
	for fd, wanted in pairs(subscribers) do
		if wanted.topics[topic] then
			count = count + 1
			socket.write(fd, list { bulk "message", bulk(topic), bulk(text) })
		end
		for pattern in pairs(wanted.patterns) do
			if topic:sub(1, #pattern - 1) == pattern:sub(1, -2) then
				count = count + 1
				socket.write(fd, list { bulk "pmessage", bulk(pattern), bulk(topic), bulk(text) })
			end
		end
	end
	return number(count)
end

local function login(state, words)
	local given <const> = words[1] == "AUTH" and words[#words]
	if given == PASSWORD then
		state.user = #words == 3 and words[2] or "default"
		return "+OK\r\n"
	end
	return given and "-WRONGPASS wrong\r\n" or "-NOAUTH log in first\r\n"
end

local function execute(state, words)
	words[1] = words[1]:upper()
	local f <const> = command[words[1]]
	if state.user == nil then
		return login(state, words)
	elseif f == nil then
		return "-ERR unknown command\r\n"
	elseif state.queue and words[1] ~= "EXEC" then
		table.insert(state.queue, words)
		return "+QUEUED\r\n"
	end
	return f(state, table.unpack(words, 2))
end

local function read_words(fd)
	local head <const> = socket.readline(fd, "\r\n")
	local words <const> = {}
	for i = 1, head and tonumber(head:match "^%*(%d+)$") or 0 do
		local size <const> = socket.readline(fd, "\r\n")
		local text <const> = size and socket.read(fd, tonumber(size:match "^%$(%d+)$") + 2)
		if not text or text:sub(-2) ~= "\r\n" then
			return nil
		end
		words[i] = text:sub(1, -3)
	end
	return words[1] and words
end

local function serve(fd)
	if not socket.start(fd) then
		return
	end
	connections = connections + 1
	local state <const> = { fd = fd, user = PASSWORD == nil and "nobody" or nil, db = "0" }
	while true do
		local words <const> = read_words(fd)
		local reply <const> = words and execute(state, words)
		if not reply then
			break
		end
		socket.write(fd, reply)
	end
	subscribers[fd] = nil
	socket.close(fd)
end

-- What tests ask beside the protocol.
local request <const> = {}

function request.connections()
	return connections
end

function request.drop_subscribers()
	for fd in pairs(subscribers) do
		socket.shutdown(fd)
		subscribers[fd] = nil
	end
end

skynet.start(function()
	local listener <const>, _, port <const> = socket.listen("127.0.0.1", 0)
	socket.start(listener, serve)
	function request.port()
		return port
	end
	skynet.dispatch("lua", function(_, _, name)
		skynet.retpack(request[name]())
	end)
end)
