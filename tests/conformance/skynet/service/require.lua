-- The global require (docs/skynet-rules.md 1.0).
local skynet <const> = require "skynet"
local rules <const> = require "rules"

rules.run("require", function()
	rules.rule("1.0 a module may yield while it loads", function()
		local module <const> = require "slow_module"
		assert(module.loaded == 1)
	end)

	rules.rule("1.0 its init functions have run when require returns", function()
		assert(require("slow_module").ready == "ready")
	end)

	rules.rule("1.0 who requires it meanwhile waits for the first", function()
		package.loaded.slow_module = nil
		local modules <const> = {}
		for i = 1, 5 do
			skynet.fork(function()
				modules[i] = require "slow_module"
			end)
		end
		rules.await(function()
			return #modules == 5
		end)
		for i = 1, 5 do
			assert(modules[i] == modules[1] and modules[i].loaded == 1)
			assert(modules[i].ready == "ready")
		end
	end)

	rules.rule("1.0 a failure reaches those who wait", function()
		local messages <const> = {}
		for i = 1, 3 do
			skynet.fork(function()
				local _, message <const> = pcall(require, "failing_module")
				messages[i] = message
			end)
		end
		rules.await(function()
			return #messages == 3
		end)
		assert(messages[1]:find("no such luck", 1, true), messages[1])
		assert(messages[2]:find("require failing_module failed", 1, true), messages[2])
		rules.raises("no such luck", require, "failing_module")
	end)

	rules.rule("1.0 a circle raises", function()
		rules.raises("circular dependency", require, "circular_module")
	end)

	rules.rule("1.0 require returns the module and where it was found", function()
		package.loaded.slow_module = nil
		local module <const>, file <const> = require "slow_module"
		assert(module.loaded == 1 and file:find("slow_module.lua", 1, true))
		rules.raises("module 'nowhere' not found", require, "nowhere")
	end)
end)
