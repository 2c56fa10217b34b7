-- A logger written in Lua (docs/skynet-rules.md 2.15): prints records and signals, each as a line
-- of its own.
local skynet <const> = require "skynet"

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, address, text)
		print(string.format("own logger :%08x %s", address, text))
		io.flush()
	end,
}

skynet.register_protocol {
	name = "system",
	id = skynet.PTYPE_SYSTEM,
	unpack = function() end,
	dispatch = function()
		print "own logger: reopen"
		io.flush()
	end,
}

skynet.start(function() end)
