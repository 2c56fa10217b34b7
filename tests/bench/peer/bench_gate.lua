local msgserver = require "snax.msgserver"
local skynet = require "skynet"

local login = tonumber((...))
local agents = {} -- by username
local servername
local subid = 0

local server = {}

function server.login_handler(uid, secret)
	subid = subid + 1
	local mine = subid
	local username = msgserver.username(uid, mine, servername)
	agents[username] = skynet.newservice "bench_agent"
	msgserver.login(username, secret)
	return mine
end

function server.logout_handler() end

function server.kick_handler() end

function server.disconnect_handler() end

function server.request_handler(username, msg)
	return skynet.tostring(skynet.rawcall(agents[username], "client", msg))
end

function server.register_handler(name)
	servername = name
	skynet.call(login, "lua", "register_gate", name, skynet.self())
end

msgserver.start(server)
