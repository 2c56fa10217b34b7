-- What a game author edits: the actor of one player. This one keeps a counter and a note that
-- survive logout, and answers requests in plain text:
--   count         adds one to the counter and returns it
--   note TEXT     keeps TEXT; `note` alone returns it
--   buy           adds one to the counter; data and reply are durable together (commit)
--   push TEXT     sends TEXT to this client as a push, returns ok
--   sleep MS      returns ok after that time
--   tell UID TEXT sends TEXT to another player as a push, returns ok or offline
--   whoami        returns user@server
--   error         raises an error: the client gets an answer of kind 0
-- Everything else comes back as it is.
local skynet <const> = require "skynet"

local M <const> = {}
local command <const> = {}

--- data: what save() returned last, nil for a new player.
function M.load(self, data)
	self.count = data and data.count or 0
	self.note = data and data.note or ""
end

function M.save(self)
	return { count = self.count, note = self.note }
end

function M.request(self, msg)
	local word <const>, rest <const> = msg:match "^(%a+) ?(.*)$"
	local f <const> = command[word]
	if f == nil then
		return msg
	end
	return f(self, rest)
end

function M.receive(self, from, text)
	self:push(from .. ": " .. text)
	return "ok"
end

function M.afk(self)
	skynet.error(self.uid .. " is away")
end

function command.count(self)
	self.count = self.count + 1
	return tostring(self.count)
end

function command.note(self, text)
	if text ~= "" then
		self.note = text
	end
	return self.note
end

function command.buy(self)
	self.count = self.count + 1
	self:commit()
	return tostring(self.count)
end

function command.push(self, text)
	assert(self:push(text))
	return "ok"
end

---@async
function command.sleep(_, ms)
	skynet.sleep((tonumber(ms) or 0) // 10)
	return "ok"
end

---@async
function command.tell(self, rest)
	local uid <const>, text <const> = rest:match "^(%S+) (.*)$"
	if uid == nil then
		return "tell whom what?"
	end
	return self:call(uid, text) or "offline"
end

function command.whoami(self)
	return self.uid .. "@" .. self.server
end

function command.error()
	error "as asked"
end

return M
