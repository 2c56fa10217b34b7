-- require "skynet.unsupported": how the library marks what it has in name only
-- (docs/skynet-rules.md 1). What is made here is recognised by tools/skynet_api.py, which writes
-- docs/skynet-api.md.
--
--   M.link = unsupported("harbor.link", "there is one harbor")  -- raises when it is called
--   M.nodelay = unsupported.does_nothing
local M <const> = {}

-- Function -> why it raises.
local reasons <const> = setmetatable({}, { __mode = "k" }) ---@type table<function, string>

--- Returns nothing, whatever it is given: for what has no effect here, and needs none.
function M.does_nothing() end

--- Why f raises, when it was made here or is one of the socket driver's that do; otherwise nil.
---@param f any
---@return string|nil
function M.reason(f)
	if f == require("skynet.socketdriver").buffer then
		return "received bytes wait in the socket for its reader"
	end
	return reasons[f]
end

return setmetatable(M, {
	--- A function that raises "NAME is not supported: WHY".
	---@param name string with its module
	---@param why string
	---@return fun()
	__call = function(_, name, why)
		local function f()
			error(string.format("%s is not supported: %s", name, why), 2)
		end
		reasons[f] = why
		return f
	end,
})
