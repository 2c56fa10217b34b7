-- For the scripts about skynet's network modules: prints a line for each rule that holds, and
-- `FAILED rule: why` for one that does not.
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
require "skynet.manager"

local M <const> = {}

M.HOST = "127.0.0.1"

--- Runs check() and prints what became of the rule.
---@async
---@param name string with its section
---@param check async fun()
function M.rule(name, check)
	local ok <const>, message <const> = xpcall(check, debug.traceback)
	print(ok and "ok " .. name or "FAILED " .. name .. ": " .. tostring(message))
end

function M.equal(got, wanted)
	if got ~= wanted or math.type(got) ~= math.type(wanted) then
		error(string.format("got %s, wanted %s", tostring(got), tostring(wanted)), 2)
	end
end

--- f(...) must raise an error whose text has `text` in it.
---@async
function M.raises(text, f, ...)
	local fine <const>, message <const> = pcall(f, ...)
	if fine or not tostring(message):find(text, 1, true) then
		local got <const> = fine and "no error" or tostring(message)
		error(string.format("wanted an error with %q, got %s", text, got), 2)
	end
end

--- Waits until a condition holds.
---@async
function M.wait_until(condition)
	local limit <const> = skynet.now() + 3000
	while not condition() do
		assert(skynet.now() < limit, "the condition did not come true")
		skynet.sleep(1)
	end
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
			print("FAILED server: " .. message)
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

--- The main script: runs f, says that the topic is done, and ends the process.
---@param topic string
---@param f async fun()
function M.run(topic, f)
	skynet.start(function()
		skynet.fork(function()
			local ok <const>, message <const> = xpcall(f, debug.traceback)
			if not ok then
				print("FAILED script: " .. message)
			end
			print("conformance " .. topic .. " done")
			skynet.abort()
		end)
	end)
end

return M
