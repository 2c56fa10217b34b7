-- Admits everybody, as no_hash.lua does at gatehouse.
local login = require "snax.loginserver"
local crypt = require "skynet.crypt"
local skynet = require "skynet"

local gates = {}

local server = {
	host = "127.0.0.1",
	port = tonumber((...)),
	multilogin = false,
	name = "bench_login_master",
	instance = 8,
}

function server.auth_handler(token)
	local user, name = token:match "([^@]+)@([^:]+):"
	return crypt.base64decode(name), crypt.base64decode(user)
end

function server.login_handler(name, uid, secret)
	return skynet.call(gates[name], "lua", "login", uid, secret)
end

function server.command_handler(command, name, address)
	assert(command == "register_gate")
	gates[name] = address
end

login(server)
