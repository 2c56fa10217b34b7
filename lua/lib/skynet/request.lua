-- skynet.request (docs/skynet-rules.md 1.1): several calls at once, and their results as they
-- arrive.
--
--     for req, resp in skynet.request { a, "lua", "get" } { b, "lua", "get" }:select(100) do
local skynet <const> = require "skynet"

---@class skynet.Request
---@field timeout boolean|nil true after select has given up
---@field private calls table[] not sent yet
---@field private results table[] arrived, { call, result }
---@field private first integer of the results that were not taken yet
---@field private open integer calls without a result
---@field private done boolean nobody waits for results any more
local Request <const> = {}
Request.__index = Request

--- Adds a call: { address, type, ... }; `n` keeps nils at its end.
---@param call table
---@return skynet.Request self
function Request:add(call)
	assert(type(call) == "table", "a request is a table: { address, type, ... }")
	self.calls[#self.calls + 1] = call
	return self
end

Request.__call = Request.add

---@async
local function run(self, call)
	local reply <const> =
		table.pack(pcall(skynet.call, table.unpack(call, 1, call.n or #call)))
	local result
	if reply[1] then
		result = table.pack(table.unpack(reply, 2, reply.n))
	elseif not tostring(reply[2]):find("call to invalid address", 1, true) then
		result = false
	end
	self.open = self.open - 1
	self.results[#self.results + 1] = { call, result }
	if not self.done then
		skynet.wakeup(self)
	end
end

---@async
local function next_result(self)
	while not self.done do
		local entry <const> = self.results[self.first]
		if entry then
			self.results[self.first] = false
			self.first = self.first + 1
			return entry[1], entry[2]
		elseif self.open == 0 or self.timeout then
			self.done = true
			return
		end
		skynet.wait(self)
	end
end

--- Gives up the results that have not arrived; their calls go on.
function Request:close()
	self.done = true
	self.calls = {}
end

Request.__close = Request.close

--- Sends the calls and iterates over them in the order in which they are answered: the call, and
--- its results packed; false when it failed, nil when there is no such service. Leaving the loop
--- gives up the rest.
---@async
---@param centiseconds? integer how long to wait at most; then `timeout` is true
function Request:select(centiseconds)
	local calls <const> = self.calls
	self.calls, self.results, self.first = {}, {}, 1
	self.open, self.done, self.timeout = #calls, false, nil
	for _, call in ipairs(calls) do
		skynet.fork(run, self, call)
	end
	if centiseconds then
		skynet.timeout(centiseconds, function()
			if not self.done and self.open > 0 then
				self.timeout = true
				skynet.wakeup(self)
			end
		end)
	end
	return next_result, self, nil, self
end

--- A set of calls, the first of which may be given.
---@param call? table
---@return skynet.Request
function skynet.request(call)
	local self <const> = setmetatable({ calls = {} }, Request)
	return call and self:add(call) or self
end

return skynet.request
