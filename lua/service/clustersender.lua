-- Sends the requests and pushes of this process to one node of the cluster
-- (docs/skynet-rules.md 1.8, 4.7), in the order in which they come:
--   clustersender NODE
-- clusterd tells its address. Without one requests wait, or fail under __nowaiting; with `false`
-- they fail. The connection is made by the first request and after an end by the next one; what
-- waits for an answer when it ends fails.
local skynet <const> = require "skynet"
local socketchannel <const> = require "skynet.socketchannel"
local wire <const> = require "skynet.cluster.wire"

local WAITING_MAX <const> = 4096 -- requests that wait for the address
local WAITING_BYTES_MAX <const> = 64 << 20
local UNSENT_BYTES_MAX <const> = 256 << 20 -- what a node may leave unread
local REPORT_CS <const> = 100

local node <const> = ...
local command <const> = {}

local state ---@type "unknown"|"absent"|"down"|"known"|nil
local address ---@type string|nil
local channel ---@type SocketChannel|nil
local session = 0
local busy <const> = {} -- sessions that wait for their answers
local waiting = {} -- tokens, in order
local waiting_bytes = 0
local unsent_bytes ---@type integer|nil since the node reads too slowly
local more_failed ---@type integer|nil since the last line about a failure

local function named(text)
	return string.format("cluster node [%s] %s", node, text)
end

local function node_text(text)
	return named(string.format("(%s): %s", address, text))
end

---------------------------------------------------------------- the connection

-- Answers of one connection whose parts are not all there.
local assemblers <const> = setmetatable({}, { __mode = "k" })

-- The next whole answer: session, ok, message. What is malformed ends the connection.
---@async
local function read_answer(sock)
	local parts <const> = assemblers[sock] or wire.assembler()
	assemblers[sock] = parts
	while true do
		local size <const> = string.unpack(">I2", sock:read(2))
		local frame <const>, message <const> = wire.parse_answer(sock:read(size))
		local whole, why = nil, message
		if frame then
			whole, why = parts:take(frame)
		end
		if whole == nil then
			skynet.error(node_text("sent " .. why))
			error(socketchannel.error, 0)
		elseif whole then
			return whole.session, whole.kind == "whole", whole.data
		end
	end
end

local function on_overload(overloaded)
	unsent_bytes = overloaded and 0 or nil
end

local function open_channel(host, port)
	return socketchannel.channel {
		host = host,
		port = port,
		nodelay = true,
		response = read_answer,
		overload = on_overload,
	}
end

--- From clusterd: where the node is; false: it is down; nil: nobody knows.
---@param where string|false|nil "host:port"
---@param nowaiting boolean
function command.node(where, nowaiting)
	if where ~= address or not where then
		if channel then
			channel:close()
		end
		channel, address, unsent_bytes = nil, where or nil, nil
	end
	if where then
		state = "known"
		if channel == nil then
			local host <const>, port <const> = where:match "^%[?(.-)%]?:(%d+)$"
			channel = open_channel(host, tonumber(port))
		end
	elseif where == false then
		state = "down"
	else
		state = nowaiting and "absent" or "unknown"
	end
	if state ~= "unknown" then
		local woken <const> = waiting
		waiting, waiting_bytes = {}, 0
		for _, token in ipairs(woken) do
			skynet.wakeup(token)
		end
	end
end

-- The channel, once there is one; nil and why.
---@async
local function reach(bytes)
	while state == "unknown" do
		if #waiting >= WAITING_MAX or waiting_bytes + bytes > WAITING_BYTES_MAX then
			return nil, named "is unknown, and too much waits for it"
		end
		if #waiting == 0 then
			skynet.error(named "is unknown: waiting for its address")
		end
		local token <const> = {}
		waiting[#waiting + 1] = token
		waiting_bytes = waiting_bytes + bytes
		skynet.wait(token)
	end
	if channel == nil then
		return nil, named(state == "down" and "is down" or "is absent")
	elseif unsent_bytes and unsent_bytes + bytes > UNSENT_BYTES_MAX then
		return nil, node_text "does not read"
	elseif unsent_bytes then
		unsent_bytes = unsent_bytes + bytes
	end
	return channel
end

---------------------------------------------------------------- requests

local function next_session()
	repeat
		session = session < 0x7fffffff and session + 1 or 1
	until not busy[session]
	return session
end

-- Sends a message, and waits for its answer unless it is a push. Returns the answer, or nil and
-- why there is none.
---@async
local function transmit(where, message, push)
	local current <const>, why <const> = reach(#message)
	if current == nil then
		return nil, why
	end
	local number <const> = next_session()
	busy[number] = not push or nil
	local frames <const> = wire.request(where, number, message, push)
	local ok <const>, answer <const> =
		pcall(current.request, current, frames, not push and number or nil)
	busy[number] = nil
	if ok then
		return answer or ""
	elseif answer == socketchannel.error then
		return nil, node_text "there is no connection, or it ended"
	end
	return nil, node_text(tostring(answer))
end

-- Messages come as strings, or as what skynet.pack returns, which is freed here.
local function text_of(message, size)
	local text <const> = skynet.tostring(message, size)
	skynet.trash(message, size)
	return text
end

-- One line for the first failure, and one a second for those that follow.
local function report(why)
	if more_failed then
		more_failed = more_failed + 1
		return
	end
	more_failed = 0
	skynet.error(why)
	skynet.timeout(REPORT_CS, function()
		if more_failed > 0 then
			skynet.error(named(string.format("did not get %d more messages", more_failed)))
		end
		more_failed = nil
	end)
end

--- For skynet.cluster: true and the packed results; or false and why.
---@async
function command.call(where, message)
	local answer <const>, why <const> = transmit(where, message, false)
	skynet.retpack(answer ~= nil, answer or why)
end

--- The same as skynet's sender has it: answered with what the other node packed.
---@async
function command.req(where, message, size)
	local answer <const>, why <const> = transmit(where, text_of(message, size), false)
	if answer then
		skynet.ret(answer)
	else
		report(why)
		skynet.response()(false)
	end
end

--- Sends without an answer.
---@async
function command.push(where, message, size)
	local sent <const>, why <const> = transmit(where, text_of(message, size), true)
	if not sent then
		report("a message is lost: " .. why)
	end
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f <const> = assert(command[name], "clustersender has no such command")
	f(...)
end)

skynet.start(function() end)
