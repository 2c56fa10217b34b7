---@meta skynet.socketdriver

-- TCP and UDP below lua/lib/skynet/socket.lua, which services use instead: nothing here waits, and
-- what happens to a socket arrives as a PTYPE_SOCKET message. Raises "no network here" in a process
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

--- The same for what may wait until all that send queued has left.
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
---@field type "LISTEN"|"TCP"|"UDP"|"BIND"
---@field address integer of the owner, 0: nobody
---@field rtime integer centiseconds as skynet.now(): when something last came; 0: never
---@field sock? string the address of a listener or of a UDP socket
---@field accept? integer connections that a listener accepted
---@field peer? string the other end; this and all below not of a listener
---@field read? integer bytes
---@field write? integer bytes
---@field wbuffer? integer bytes that the kernel has not taken yet
---@field wtime? integer centiseconds
---@field reading? boolean not paused
---@field writing? boolean something is unsent

---@return skynet.SocketInfo[]
function driver.info() end

--- Takes a PTYPE_SOCKET message apart. Kinds: 1 data, 2 connected, 3 ended, 4 accepted, 5 failed,
--- 6 a datagram in the text, 7 unsent output in KiB, 8 start again, 9 resolved.
---@param message lightuserdata
---@param size integer
---@return integer kind, integer id, integer value, string text, string? from of a datagram
function driver.unpack(message, size) end

--- A UDP socket; event 6 comes for each datagram.
---@param ip? string a numeric address, nil: "0.0.0.0"
---@param port? integer nil or 0: any
---@return integer|nil id, string? message
function driver.udp(ip, port) end

--- The same.
---@param ip? string
---@param port? integer
---@return integer|nil id, string? message
function driver.udp_listen(ip, port) end

--- A UDP socket on any port, whose send goes to the address.
---@param ip string
---@param port integer
---@return integer|nil id, string? message
function driver.udp_dial(ip, port) end

--- Has send go to the address.
---@param id integer
---@param ip string
---@param port integer
---@return boolean|nil connected, string? message
function driver.udp_connect(id, ip, port) end

--- Sends one datagram; raises when it has more than 65507 bytes.
---@param id integer
---@param to string as event 6 brings them
---@param data string
---@return boolean sent
function driver.udp_send(id, to, data) end

---@param from string
---@return string ip, integer port
function driver.udp_address(from) end

--- Reads from and writes to a copy of a descriptor.
---@param os_fd integer
---@return integer|nil id, string? message
function driver.bind(os_fd) end

--- The integer that 1 to 4 bytes hold, the highest first.
---@param bytes string
---@return integer
function driver.header(bytes) end

--- A copy of the text for send, which frees it, or for drop.
---@param text string
---@return lightuserdata message, integer size
function driver.str2p(text) end

--- Frees what str2p or skynet.pack made.
---@param message lightuserdata
---@param size integer
function driver.drop(message, size) end

return driver
