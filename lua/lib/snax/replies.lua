-- The answers of one user of snax.msgserver, kept so that a request which is repeated after a
-- reconnect is not done twice (docs/skynet-rules.md 4.5). No I/O. Each request has the session
-- number that the client gave it and the version of its connection, which grows with every
-- handshake.
--
--   1. A new session: run it. Its answer goes to the connection that asked last.
--   2. The same session and version, answered: the client counts anew, run it.
--   3. The same session and version, still running: ignored once, then a conflict.
--   4. The same session from a newer version, answered: the same answer again, whatever is asked.
--   5. The same, still running: the answer goes to the newer connection; nobody asks: it is kept.
--   6. The version of an answer is that of the connection which asked, not of the one that was
--      there when it was ready: a request is never run twice because of a reconnect.
--   7. An answer is kept for `expired_number` more answers at least, and twice as many at most.
--   8. An answer that does not fit a frame is a failure.
--   9. Failures are answers with ok 0, and kept like others.
local M <const> = {}

local CONTENT_MAX <const> = 0xffff - 5

---@class snax.Replies
---@field ask fun(session: integer, fd: integer, version: number): string, string?, integer?
---@field done fun(session: integer, ok: boolean, content: any): string, integer?, string?

---@class snax.Reply
---@field frame? string nil while it runs
---@field fd? integer who waits for it
---@field version number
---@field again? boolean it was asked twice in this version
---@field tick? integer the number of answers when it was last used

--- ask returns "run"; "send", frame, fd; "wait": done() will have the answer; or "conflict".
--- done, once for each "run", returns the frame, the fd that waits for it, and what was wrong.
---@param expired_number integer
---@return snax.Replies
function M.new(expired_number)
	local entries <const> = {} ---@type table<integer, snax.Reply>
	local ticks = 0

	local function use(entry)
		entry.tick = ticks
		ticks = ticks + 1
		if ticks < 2 * expired_number then
			return
		end
		ticks = ticks - expired_number
		for session, old in pairs(entries) do
			if old.frame then
				old.tick = old.tick - expired_number
				if old.tick < 0 then
					entries[session] = nil
				end
			end
		end
	end

	local self <const> = {}

	function self.ask(session, fd, version)
		local entry <const> = entries[session]
		local same <const> = entry and entry.version == version
		if entry == nil or same and entry.frame then
			entries[session] = { fd = fd, version = version }
			return "run"
		end
		entry.version = version
		if entry.frame then
			use(entry)
			return "send", entry.frame, fd
		elseif same and entry.again then
			return "conflict"
		end
		entry.again = true
		entry.fd = fd
		return "wait"
	end

	function self.done(session, ok, content)
		local why
		if not ok then
			why = tostring(content)
		elseif content == nil then
			content = ""
		elseif type(content) ~= "string" and type(content) ~= "number" then
			why = "the answer is a " .. type(content)
		elseif #tostring(content) > CONTENT_MAX then
			why = string.format("the answer has %d bytes", #tostring(content))
		end
		local body <const> = why and "" or tostring(content)
		local entry <const> = entries[session]
		local fd <const> = entry.fd
		entry.fd = nil
		entry.frame = string.pack(">s2", body .. string.pack(">BI4", why and 0 or 1, session))
		use(entry)
		return entry.frame, fd, why
	end

	return self
end

return M
