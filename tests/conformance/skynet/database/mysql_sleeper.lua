-- A service with a connection whose query takes long: "connect", then "sleep" without an answer.
local mysql <const> = require "skynet.db.mysql"
local skynet <const> = require "skynet"

local db

skynet.start(function()
	skynet.dispatch("lua", function(_, _, command, port)
		if command == "connect" then
			db = mysql.connect { host = "127.0.0.1", port = port, user = "root" }
			skynet.retpack(db:query("SELECT CONNECTION_ID() id")[1].id)
		elseif command == "sleep" then
			skynet.retpack(#db:query "SELECT SLEEP(600)")
		elseif command == "echo" then
			skynet.retpack(port)
		end
	end)
end)
