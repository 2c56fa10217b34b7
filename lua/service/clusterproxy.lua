-- Stands for a service of another node (docs/skynet-rules.md 1.8): the "lua" and "snax" messages
-- that it gets go there, and the answers come back.
--   clusterproxy NODE ADDRESS
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
require "skynet.manager"

local node <const>, name <const> = ...
local address <const> = math.tointeger(tonumber(name)) or name
local sender ---@type integer

skynet.register_protocol {
	name = "system",
	id = skynet.PTYPE_SYSTEM,
	unpack = function(message, size)
		return message, size
	end,
}

---@async
local function find_sender()
	if sender == nil or not core.alive(sender) then
		sender = skynet.call(skynet.uniqueservice "clusterd", "lua", "sender", node)
	end
end

---@async
local function forward(session, message)
	if session == 0 then
		skynet.send(sender, "lua", "push", address, message)
		return
	end
	local ok <const>, reply <const>, bytes <const> =
		pcall(skynet.rawcall, sender, "lua", skynet.pack("req", address, message))
	if ok then
		skynet.ret(skynet.tostring(reply, bytes))
	else
		skynet.response()(false) -- the sender has logged why
	end
end

skynet.forward_type({
	[skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM,
	[skynet.PTYPE_SNAX] = skynet.PTYPE_SYSTEM,
}, function()
	find_sender()
	skynet.dispatch("system", function(session, _, pointer, size)
		local message <const> = skynet.tostring(pointer, size)
		skynet.trash(pointer, size)
		if not core.alive(sender) then
			find_sender()
		end
		forward(session, message)
	end)
end)
