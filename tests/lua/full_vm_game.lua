-- A game that keeps what its players say (tests/regress/test_full_vm.py): in `self`, or in the
-- module, where nobody lets go of it.
local kept <const> = {}

local M <const> = {}

function M.load(self, data)
	self.kept = {}
	self.requests = data and data.requests or 0
end

function M.request(self, msg)
	self.requests = self.requests + 1
	local command <const>, bytes <const> = msg:match("^(%a+) ?(%d*)$")
	if command == "keep" then
		table.insert(self.kept, string.rep("x", tonumber(bytes)))
	elseif command == "small" then
		for i = 1, tonumber(bytes) do
			table.insert(self.kept, { i, name = { i } })
		end
	elseif command == "share" then
		table.insert(kept, string.rep("x", tonumber(bytes)))
	elseif command == "brim" then
		while true do
			table.insert(kept, { #kept })
		end
	end
	return tostring(self.requests)
end

function M.save(self)
	return { requests = self.requests }
end

function M.logout(self, reason)
	self.reason = { reason }
end

return M
