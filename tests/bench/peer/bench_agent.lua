local skynet = require "skynet"

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
}

skynet.start(function()
	skynet.dispatch("client", function(_, _, msg)
		skynet.ret(msg)
	end)
end)
