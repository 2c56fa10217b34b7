-- require "skynet.mqueue" (docs/skynet-rules.md 1.5): messages that a service handles one after the
-- other, each only when the handler of the one before has returned. New code uses skynet.queue.
local skynet <const> = require "skynet"
local queue <const> = require "skynet.queue"

local M <const> = {}

local waiting = 0
local handler ---@type async fun(...): ...|nil

skynet.register_protocol {
	name = "queue",
	id = skynet.PTYPE_QUEUE,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

---@async
local function handle(session, ...)
	waiting = waiting - 1
	if session == 0 then
		handler(...)
	else
		skynet.retpack(handler(...))
	end
end

--- Sets the handler of this service; what it returns is the answer of a call.
---@param f async fun(...): ...
function M.register(f)
	assert(handler == nil, "mqueue.register is called once")
	handler = f
	local lock <const> = queue()
	skynet.dispatch("queue", function(session, _, ...)
		waiting = waiting + 1
		lock(handle, session, ...)
	end)
end

---@async
---@param address skynet.Address
function M.call(address, ...)
	return skynet.call(address, "queue", ...)
end

---@param address skynet.Address
function M.send(address, ...)
	return skynet.send(address, "queue", ...)
end

--- Messages that wait for the running handler.
---@return integer
function M.size()
	return waiting
end

return M
