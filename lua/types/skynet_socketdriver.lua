---@meta skynet.socketdriver

-- TCP below lua/lib/skynet/socket.lua, which services use instead: nothing here waits, and what
-- happens to a socket arrives as a PTYPE_SOCKET message. Raises "no network here" in a process
-- without one. Ids are those of the whole process.

---@class skynet.socketdriver
local driver = {}

---@param host string "host", or "host:port" without a port
---@param port? integer 0: any
---@param backlog? integer
---@return integer id, string ip, integer port event 2 follows with ip and port; raises
function driver.listen(host, port, backlog) end

--- Begins to connect; event 2 or 5 follows.
---@param host string
---@param port? integer
---@return integer|nil id, string? message
function driver.connect(host, port) end

--- Begins to accept on a listener, or to read from a connection that nobody reads.
---@param id integer
---@param quiet? boolean bytes wait for a reader; otherwise they are frames for skynet.netpack
---@return boolean|nil started, string? message false: event 8 comes, try again then
function driver.start(id, quiet) end

--- Each of the readers: the bytes; or false and the rest at the end; or nil: event 1 comes when
--- the same call has an answer.
---@param id integer
---@param size? integer exactly so many; otherwise what is there
---@return string|false|nil data, string? rest
function driver.read(id, size) end

---@param id integer
---@param separator string not empty
---@return string|false|nil line, string? rest
function driver.readline(id, separator) end

--- All bytes, once the end has come.
---@param id integer
---@return string|false|nil data, string? rest
function driver.readall(id) end

---@param id integer
---@return boolean|nil # true: bytes wait; false: the end; nil: event 1 comes
function driver.block(id) end

--- Queues bytes for any connection of the process. A lightuserdata is freed.
---@param id integer
---@param data string|lightuserdata
---@param size? integer
---@return boolean queued
function driver.send(id, data, size) end

--- The same as send.
---@param id integer
---@param data string|lightuserdata
---@param size? integer
---@return boolean queued
function driver.lsend(id, data, size) end

--- Sends what is queued, then ends the connection.
---@param id integer
---@return boolean follows true: event 3 comes
function driver.close(id) end

--- Forgets a closed socket; its id is free.
---@param id integer
function driver.release(id) end

--- Ends a connection now.
---@param id integer
---@return boolean # false: there is none
function driver.shutdown(id) end

--- Gives a connection up for another service to start.
---@param id integer
function driver.abandon(id) end

--- Ends the connection when more than this is unread; 0: never.
---@param id integer
---@param bytes integer
function driver.limit(id, bytes) end

--- Stops reading until the next read.
---@param id integer
function driver.pause(id) end

--- Does nothing: every connection sends without delay.
---@param id integer
function driver.nodelay(id) end

--- Looks a host up; event 9 or 5 comes under the number returned.
---@param host string
---@return integer number
function driver.resolve(host) end

---@class skynet.SocketInfo
---@field id integer
---@field type "LISTEN"|"TCP"
---@field address integer of the owner, 0: nobody
---@field sock? string what a listener listens on
---@field peer? string of a connection
---@field accept? integer connections that a listener accepted

---@return skynet.SocketInfo[]
function driver.info() end

--- Takes a PTYPE_SOCKET message apart. Kinds: 1 data, 2 connected, 3 ended, 4 accepted, 5 failed,
--- 7 unsent output in KiB, 8 start again, 9 resolved.
---@param message lightuserdata
---@param size integer
---@return integer kind, integer id, integer value, string text
function driver.unpack(message, size) end

return driver
