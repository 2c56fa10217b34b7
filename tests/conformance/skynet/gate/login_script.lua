-- A login server as scripts for skynet write it; login_single.lua and the
-- others of that kind run it under their names. The port is in the environment: slaves get no
-- arguments.
local loginserver <const> = require "snax.loginserver"
local crypt <const> = require "skynet.crypt"
local skynet <const> = require "skynet"

local holding <const> = {}
local logins = 0

local conf <const> = { host = "127.0.0.1", instance = 2 }

---@async
function conf.auth_handler(token)
	local user <const>, server <const>, password <const> = token:match "([^@]+)@([^:]+):(.+)"
	assert(crypt.base64decode(password) == "password", "wrong password")
	local uid <const> = crypt.base64decode(user)
	if uid == "nobody" then
		return "sample"
	elseif uid == "slow" then
		skynet.yield()
	elseif uid == "fatal" then
		skynet.exit()
	end
	return crypt.base64decode(server), uid
end

---@async
function conf.login_handler(server, uid, secret)
	logins = logins + 1
	assert(server ~= "closed", "the server is closed")
	if uid == "hold" then
		holding[#holding + 1] = {}
		skynet.wait(holding[#holding])
	elseif uid == "no subid" then
		return
	elseif uid == "number" then
		return 42
	end
	return uid .. "/" .. crypt.hexencode(secret)
end

local command <const> = {}

function command.holding()
	return #holding
end

function command.release()
	for i = #holding, 1, -1 do
		skynet.wakeup(holding[i])
		holding[i] = nil
	end
end

function command.logins()
	return logins
end

function conf.command_handler(what, ...)
	return command[what](...)
end

return function(name)
	conf.name = name
	conf.port = tonumber(skynet.getenv(name .. "_port"))
	conf.multilogin = name == "multi"
	if name == "short" then
		conf.handshake_timeout, conf.maxclient = 200, 4
	end
	loginserver(conf)
end
