-- A service that fills a VM with a limit of its own (tests/regress/test_full_vm.py), and one that
-- asks it.
local skynet <const> = require "skynet"
require "skynet.manager"

local role <const> = ...

local function fill()
	local kept <const> = {}
	while true do
		kept[#kept + 1] = {}
		local fine <const>, failure <const> = pcall(skynet.fork, function()
			kept[1] = nil
		end)
		if not fine then
			error(failure, 0)
		end
	end
end

if role == "full" then
	skynet.memlimit(2 * 1024 * 1024)
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, command)
			if command == "fill" then
				local fine <const>, failure <const> = pcall(fill)
				collectgarbage()
				skynet.retpack(fine, failure)
			elseif command == "keep" then
				local kept <const> = {}
				while true do
					kept[#kept + 1] = string.rep("x", 1000)
				end
			else
				skynet.retpack(command)
			end
		end)
		skynet.timeout(0, function()
			local kept <const> = {}
			while true do
				kept[#kept + 1] = { tostring(#kept) }
			end
		end)
	end)
else
	skynet.start(function()
		local full <const> = skynet.newservice(SERVICE_NAME, "full")
		for _ = 1, 3 do
			local _, failure <const> = skynet.call(full, "lua", "fill")
			assert(tostring(failure):find("not enough memory", 1, true), failure)
			assert(not pcall(skynet.call, full, "lua", "keep"))
			assert(skynet.call(full, "lua", "hello") == "hello")
		end
		skynet.error("the full VM answers")
		skynet.kill(full)
		skynet.abort()
	end)
end
