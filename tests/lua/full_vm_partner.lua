-- What the players of tests/regress/full_vm_test.cpp talk to: a service with enough memory.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local sharedata <const> = require "skynet.sharedata"
require "skynet.manager"

skynet.start(function()
	sharedata.new("full_vm", { name = "shared" })
	local listener <const>, _, port <const> = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		socket.start(id)
		local line <const> = socket.readline(id)
		if line then
			socket.write(id, line .. "\n")
		end
		socket.close(id)
	end)
	skynet.dispatch("lua", function(_, _, _, text)
		skynet.retpack(text)
	end)
	skynet.name(".full_vm_partner", skynet.self())
	skynet.setenv("full_vm_port", port)
	skynet.setenv("full_vm_ready", "true")
end)
