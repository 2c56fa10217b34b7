-- A service of skynet.service: gets its code from the provider and runs it
-- (docs/skynet-rules.md 1.5).
--   service_cell PROVIDER TICKET
local skynet <const> = require "skynet"

local provider <const>, ticket <const> = ...

---@async
local function run(name, code, ...)
	-- The start is under way: a function that is written like a service's file runs here.
	function skynet.start(f)
		f()
	end
	local main <const> = assert(load(code, "=" .. name, "b"))
	main(...)
end

skynet.start(function()
	run(skynet.call(tonumber(provider), "lua", "content", tonumber(ticket)))
end)
