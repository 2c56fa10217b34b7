-- Sockets for the http modules (docs/skynet-rules.md 1.10): functions that raise socket_error where
-- skynet.socket says that a connection ended.
local internal <const> = require "http.internal"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local M <const> = {}

local socket_error <const> = setmetatable({}, {
	__tostring = function()
		return "[Socket Error]"
	end,
})

--- What is raised when a connection ends.
M.socket_error = socket_error

--- A reader: f(n) gives n bytes, f() what there is.
---@param fd integer
---@param unread? string comes before what the socket has
---@return async fun(n?: integer): string
function M.readfunc(fd, unread)
	return internal.reader(function(n)
		local data <const> = socket.read(fd, n)
		if not data then
			error(socket_error, 0)
		end
		return data
	end, unread)
end

--- A writer.
---@param fd integer
---@return fun(data: string|string[])
function M.writefunc(fd)
	return function(data)
		if not socket.write(fd, data) then
			error(socket_error, 0)
		end
	end
end

--- All bytes up to the end.
---@async
---@param fd integer
---@return string
function M.readall(fd)
	return socket.readall(fd) or ""
end

--- Connects; raises socket_error. A connection that comes too late is closed.
---@async
---@param host string
---@param port? integer
---@param timeout? integer centiseconds
---@param open? async fun(host: string, port?: integer): integer|nil instead of socket.open
---@return integer fd
function M.connect(host, port, timeout, open)
	open = open or socket.open
	local fd
	if timeout == nil then
		fd = open(host, port)
	else
		local token <const> = {}
		local over = false
		skynet.fork(function()
			local ok <const>, id <const> = pcall(open, host, port)
			fd = ok and id or nil
			if not over then
				over = true
				skynet.wakeup(token)
			elseif fd then
				socket.close(fd)
			end
		end)
		skynet.sleep(timeout, token)
		if not over then
			over = true
			error(socket_error, 0)
		end
	end
	if not fd then
		error(socket_error, 0)
	end
	return fd
end

--- Sends what was written, and closes.
---@async
---@param fd integer
function M.close(fd)
	socket.close(fd)
end

--- Ends a connection now; its reader gets the end. Call close later.
---@param fd integer
function M.shutdown(fd)
	socket.shutdown(fd)
end

return M
