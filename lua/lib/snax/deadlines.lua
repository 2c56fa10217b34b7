-- Time limits of many things that all have the same time, for snax.loginserver and
-- snax.msgserver: one timer for all, a second apart, that sleeps when there is nothing to watch.
local skynet <const> = require "skynet"

local M <const> = {}

local TICK <const> = 100 -- centiseconds

---@class snax.Deadlines
---@field add fun(key: any) starts the time of a key, which is watched no longer if it was
---@field remove fun(key: any) true when it was watched

--- expire(key) is called, outside of any request, when a key's time is over. Limits are kept to
--- a second.
---@param time integer centiseconds
---@param expire fun(key: any)
---@return snax.Deadlines
function M.new(time, expire)
	local entries <const> = {} -- key -> its newest entry
	local queue <const> = {} -- entries in the order of their ends
	local first, last = 1, 0
	local watching = false

	local function sweep()
		local now <const> = skynet.now()
		while first <= last do
			local entry <const> = queue[first]
			local current <const> = entries[entry.key] == entry
			if current and entry.at > now then
				break
			end
			queue[first] = nil
			first = first + 1
			if current then
				entries[entry.key] = nil
				skynet.fork(expire, entry.key)
			end
		end
		watching = first <= last
		if watching then
			skynet.timeout(TICK, sweep)
		end
	end

	local self <const> = {}

	function self.add(key)
		local entry <const> = { key = key, at = skynet.now() + time }
		entries[key] = entry
		last = last + 1
		queue[last] = entry
		if not watching then
			watching = true
			skynet.timeout(TICK, sweep)
		end
	end

	function self.remove(key)
		local found <const> = entries[key] ~= nil
		entries[key] = nil
		return found
	end

	return self
end

return M
