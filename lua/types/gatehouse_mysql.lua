---@meta gatehouse.mysql

-- What lua/lib/skynet/db/mysql.lua is built of; services use that. A request returns at once, with
-- the session in which the answer comes: skynet.core.await, then take.

---@class gatehouse.mysql
local driver = {}

--- A connection and its thread; it ends when it is collected, at the latest with the VM. The
--- services of a VM may share it. Nothing is connected yet. Nil and why when the process has too
--- many.
---@param host string
---@param port integer
---@param user string
---@param password string
---@param database string
---@param charset string "": the server's default
---@param connect_timeout_ms integer
---@param io_timeout_ms integer 0: any time
---@param result_bytes_max integer
---@param tls "off"|"required"|"verify"
---@param ca string file, or ""
---@param cert string file, or ""
---@param key string file, or ""
---@return gatehouse.mysql.connection|nil, string? message
function driver.open(
	host, port, user, password, database, charset, connect_timeout_ms, io_timeout_ms,
	result_bytes_max, tls, ca, cert, key
) end

---@class gatehouse.mysql.connection
local connection = {}

--- Each of the requests: its session, or nil and why: too many wait, or the connection was closed.
--- The result of connect is the server's version.
---@return integer|nil session, string? message
function connection:connect() end

---@return integer|nil session, string? message
function connection:ping() end

---@param text string
---@return integer|nil session, string? message
function connection:query(text) end

---@param text string
---@return integer|nil session, string? message
function connection:prepare(text) end

--- Raises "invalid parameter type".
---@param id integer
---@param ... string|number|boolean|nil
---@return integer|nil session, string? message
function connection:execute(id, ...) end

---@param id integer
---@return integer|nil session, string? message
function connection:reset(id) end

--- Has no answer.
---@param id integer
function connection:close_statement(id) end

--- The answer of a session. "lost": the connection is gone, and the statement may have run;
--- "away": it did not run, because there is no connection.
---@param session integer
---@param compact boolean|nil rows as lists
---@return "done"|"lost"|"away" state, any result_or_message
function connection:take(session, compact) end

--- Requests that have not begun.
---@return integer
function connection:waiting() end

--- Ends what runs; what waits is answered as lost.
function connection:close() end

return driver
