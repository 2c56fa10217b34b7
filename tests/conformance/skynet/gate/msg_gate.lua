-- A gate on snax.msgserver, as examples of skynet write it, with requests that say what they do.
local driver <const> = require "skynet.socketdriver"
local msgserver <const> = require "snax.msgserver"
local skynet <const> = require "skynet"

local users <const> = {} -- uid -> { name=, agent=, subid= }
local names <const> = {}
local notes <const> = {}
local runs <const> = {} -- request -> how often it ran
local held <const> = {} -- request -> token
local last_subid = 0
local server_name

local function note(...)
	notes[#notes + 1] = table.concat({ ... }, " ")
end

local handler <const> = { expired_number = 4, handshake_timeout = tonumber((...)) }

function handler.register_handler(name)
	server_name = name
	return "registered " .. name
end

---@async
function handler.login_handler(uid, secret)
	assert(users[uid] == nil, "already here")
	last_subid = last_subid + 1
	local subid <const> = last_subid
	local name <const> = msgserver.username(uid, subid, server_name)
	local user <const> = { name = name, agent = skynet.newservice "msg_agent", subid = subid }
	skynet.call(user.agent, "lua", "login")
	users[uid], names[name] = user, user
	msgserver.login(name, secret)
	return subid, user.agent
end

---@async
function handler.logout_handler(uid, subid)
	local user <const> = users[uid]
	if user then
		assert(user.name == msgserver.username(uid, subid, server_name))
		msgserver.logout(user.name)
		users[uid], names[user.name] = nil, nil
		note("logout", uid)
	end
end

---@async
function handler.kick_handler(uid, subid)
	local user <const> = users[uid]
	if user then
		pcall(skynet.call, user.agent, "lua", "logout", skynet.self(), uid, subid)
	end
end

function handler.disconnect_handler(name)
	note("disconnect", (msgserver.userid(name)), tostring(msgserver.ip(name)))
end

local request <const> = {}

function request.echo(_, text)
	return text
end

---@async
function request.hold(_, text)
	held[text] = {}
	skynet.wait(held[text])
	return "held " .. text
end

function request.big(_, text)
	return ("x"):rep(tonumber(text))
end

request["nil"] = function() end

function request.table()
	return {}
end

function request.raise(_, text)
	error(text)
end

function request.ip(name)
	return msgserver.ip(name)
end

---@async
function request.agent(name, text)
	return skynet.tostring(skynet.rawcall(names[name].agent, "client", text))
end

---@async
function handler.request_handler(name, message)
	runs[message] = (runs[message] or 0) + 1
	local kind <const>, text <const> = message:match "^(%w*) ?(.*)$"
	return request[kind](name, text)
end

-- Other commands of the test go by a type of their own.
local command <const> = {}

function command.port()
	for _, info in ipairs(driver.info()) do
		if info.type == "LISTEN" and info.address == skynet.self() then
			return math.tointeger(info.sock:match ":(%d+)$")
		end
	end
end

function command.notes()
	local text <const> = table.concat(notes, "|")
	for i = #notes, 1, -1 do
		notes[i] = nil
	end
	return text
end

function command.runs(message)
	return runs[message] or 0
end

function command.release(text)
	local token <const> = held[text]
	held[text] = nil
	return token ~= nil and skynet.wakeup(token)
end

function command.holds(text)
	return held[text] ~= nil
end

skynet.register_protocol {
	name = "test",
	id = 100,
	pack = skynet.pack,
	unpack = skynet.unpack,
	dispatch = function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end,
}

msgserver.start(handler)
