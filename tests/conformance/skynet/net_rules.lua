-- `rules`, and what the scripts about skynet's network modules need besides.
local rules <const> = require "rules"
local socket <const> = require "skynet.socket"

local M <const> = setmetatable({}, { __index = rules })

M.HOST = "127.0.0.1"
M.wait_until = rules.await

function M.equal(got, wanted)
	rules.same(wanted)(got)
end

--- Listens, and runs serve(fd, number of the connection) for each connection, which it closes.
---@return integer port, integer listener, table seen { count=, open= }
function M.serve(serve)
	local listener <const>, _, port <const> = socket.listen(M.HOST, 0)
	local seen <const> = { count = 0, open = 0 }
	socket.start(listener, function(fd)
		if not socket.start(fd) then
			return
		end
		seen.count = seen.count + 1
		seen.open = seen.open + 1
		local ok <const>, message <const> = xpcall(serve, debug.traceback, fd, seen.count)
		socket.close(fd)
		seen.open = seen.open - 1
		if not ok then
			print("failed server: " .. message)
		end
	end)
	return port, listener, seen
end

--- Whether the process has no connection, on either side.
function M.no_connection()
	for _, info in ipairs(socket.netstat()) do
		if info.type ~= "LISTEN" then
			return false
		end
	end
	return true
end

--- A port on which nobody listens.
function M.free_port()
	local listener <const>, _, port <const> = socket.listen(M.HOST, 0)
	socket.close(listener)
	return port
end

return M
