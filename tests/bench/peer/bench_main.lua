-- A login server and a gate for a skynet process, to be measured beside gatehouse: snax.loginserver
-- and snax.msgserver with one echoing agent service a player.
local skynet = require "skynet"

skynet.start(function()
	local login = skynet.newservice("bench_login", skynet.getenv "bench_login_port")
	local gate = skynet.newservice("bench_gate", login)
	skynet.call(gate, "lua", "open", {
		port = tonumber(skynet.getenv "bench_gate_port"),
		maxclient = 20000,
		servername = "sample",
		nodelay = true,
	})
	skynet.error "READY"
end)
