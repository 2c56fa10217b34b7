-- The actor of a simulated player: it answers each request with what was asked, and says when it
-- is asked the same thing twice.
local skynet <const> = require "skynet"

local M <const> = {}

function M.load(self, data)
	self.count = data and data.count or 0
	self.seen = {}
end

function M.save(self)
	return { count = self.count }
end

function M.request(self, msg)
	if self.seen[msg] then
		return "twice " .. msg
	end
	self.seen[msg] = true
	self.count = self.count + 1
	local wait <const> = tonumber(msg:match "wait (%d+)")
	if wait then
		skynet.sleep(wait)
	end
	return "did " .. msg
end

return M
