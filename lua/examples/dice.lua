-- A whole game in one actor: every player rolls a die and keeps the sum.
--   ./tools/run -- --set agent.module=lua/examples/dice.lua
--   ./tools/play roll roll sum
local M <const> = {}

--- data: what save() returned last; nil for a new player.
function M.load(self, data)
	self.sum = data and data.sum or 0
end

--- Called now and then, and at logout.
function M.save(self)
	return { sum = self.sum }
end

--- One request of the client; what it returns is the reply.
function M.request(self, msg)
	if msg == "roll" then
		local die <const> = math.random(6)
		self.sum = self.sum + die
		if die == 6 then
			self:push "a six!"
		end
		return tostring(die)
	elseif msg == "sum" then
		return tostring(self.sum)
	end
	error("no such request: " .. msg) -- the client gets an answer of kind 0
end

return M
