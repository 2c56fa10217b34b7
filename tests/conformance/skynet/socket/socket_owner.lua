-- Starts a socket that another service gave up, and echoes its lines.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, _, id)
		skynet.ret(skynet.pack(socket.start(id)))
		local line = socket.readline(id)
		while line do
			socket.write(id, line .. "\n")
			line = socket.readline(id)
		end
		socket.close(id)
	end)
end)
