-- For the scripts of this folder, each a service that shows rules of skynet's API: one line
-- "ok RULE" or "failed RULE: why" a rule, and "conformance TOPIC done" at the end.
local skynet <const> = require "skynet"
local waiting <const> = require "waiting"
require "skynet.manager"

local M <const> = {}

local function write(...)
	io.write(string.format(...):gsub("\n", " "), "\n")
	io.flush()
end

--- Runs f, which raises when the rule does not hold.
---@async
---@param name string with the section that states the rule
---@param f async fun()
function M.rule(name, f)
	local ok <const>, message <const> = xpcall(f, debug.traceback)
	if ok then
		write("ok %s", name)
	else
		write("failed %s: %s", name, tostring(message))
	end
end

--- Raises unless the values are the wanted ones: same(wanted)(got, ...).
function M.same(...)
	local wanted <const> = table.pack(...)
	return function(...)
		local got <const> = table.pack(...)
		if got.n ~= wanted.n then
			error(string.format("%d values, wanted %d", got.n, wanted.n), 2)
		end
		for i = 1, got.n do
			if got[i] ~= wanted[i] or math.type(got[i]) ~= math.type(wanted[i]) then
				local texts <const> = { tostring(got[i]), tostring(wanted[i]) }
				error(string.format("value %d: %s, wanted %s", i, table.unpack(texts)), 2)
			end
		end
	end
end

--- f(...) raises a message that contains the text.
---@async
function M.raises(text, f, ...)
	local ok <const>, message <const> = pcall(f, ...)
	if ok then
		error("raised nothing, wanted " .. text, 2)
	elseif not tostring(message):find(text, 1, true) then
		error("raised " .. tostring(message) .. ", wanted " .. text, 2)
	end
end

M.await = waiting.wait_until
M.let_nothing_come = waiting.let_nothing_come

--- The service of the script; the process ends with f.
---@param f async fun()
function M.run(topic, f)
	skynet.start(function()
		skynet.fork(function()
			local ok <const>, message <const> = xpcall(f, debug.traceback)
			if not ok then
				write("failed %s: %s", topic, tostring(message))
			end
			write("conformance %s done", topic)
			skynet.abort()
		end)
	end)
end

return M
