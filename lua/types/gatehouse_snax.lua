---@meta gatehouse.snax

-- For snax.msgserver and snax.loginserver. The rules of a user's replies are numbered in
-- server/protocol/reply_window.hpp.

---@class gatehouse.snax.Replies
local Replies = {}

--- "run"; "send", frame; "wait": done() will have the answer; or "conflict".
---@param session integer
---@param version integer number of the user's connection, from 1 up
---@return string verdict
---@return string|nil frame
function Replies:ask(session, version) end

--- Once for each "run": the frame for the user's connection, nil when that has not asked; and what
--- was wrong with the answer.
---@param session integer
---@param ok boolean
---@param content any
---@param version integer that of the connection now, 0 without one
---@return string|nil frame
---@return string|nil why
function Replies:done(session, ok, content, version) end

local M = {}

---@param count integer replies that are kept
---@return gatehouse.snax.Replies
function M.replies(count) end

--- Whether everybody knows the secret that this public key makes.
---@param key string 8 bytes
---@return boolean
function M.weak_key(key) end

return M
