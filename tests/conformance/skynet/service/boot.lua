-- What the configuration gives to scripts (docs/skynet-rules.md 1.0, 2.17); the test that runs this
-- script writes the configuration.
local skynet <const> = require "skynet"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

rules.run("boot", function()
	rule("2.17 values of the configuration are strings", function()
		same("2", "0", "true", "1.5")(
			skynet.getenv "thread",
			skynet.getenv "harbor",
			skynet.getenv "a_boolean",
			skynet.getenv "a_float"
		)
	end)
	rule("2.17 keys of a script's own are kept", function()
		same("own value")(skynet.getenv "own_key")
		same(nil)((skynet.getenv "no_such_key"))
	end)
	rule("2.17 $NAME is of the environment, include reads another file", function()
		same("before value after", "included", "2 included")(
			skynet.getenv "from_environment",
			skynet.getenv "from_include",
			skynet.getenv "computed"
		)
	end)
	rule("2.17 setenv sets a key once", function()
		skynet.setenv("set_by_script", "value")
		same "value"(skynet.getenv "set_by_script")
		raises("Can't setenv exist key : set_by_script", skynet.setenv, "set_by_script", "x")
		raises("Can't setenv exist key : own_key", skynet.setenv, "own_key", "x")
		same "own value"(skynet.getenv "own_key")
	end)
	rule("2.17 all services see the same keys", function()
		local other <const> = skynet.newservice(SERVICE_NAME .. "_child")
		same("value", "by child")(skynet.call(other, "lua"), skynet.getenv "set_by_child")
	end)
	rule("1.0 the preload file runs before each service, with its words", function()
		same("boot")(rawget(_G, "PRELOADED"))
		local other <const> = skynet.newservice("core_partner", "one", 2)
		same("core_partner one 2")((skynet.call(other, "lua", "globals", "PRELOADED")))
	end)
end)
