---@meta skynet.core

-- What skynet has no name for. What only the library itself calls is left out.

---@class skynet.core
local core = {}

---@param name string
---@return integer|nil address
function core.query(name) end

--- Names a service, this one when the address is left out. The first registration wins.
---@param name string
---@param address? skynet.Address
---@return true|nil, string? message
function core.name(name, address) end

---@param address skynet.Address
---@return boolean
function core.alive(address) end

--- Starts a service without waiting for it.
---@param kind "snlua"
---@param arguments string the name and its arguments, divided by blanks
---@param worker? integer|"exclusive" an index from 0, or a thread of its own
---@return integer|nil address
function core.launch(kind, arguments, worker) end

--- Ends another service without its consent.
---@param address skynet.Address
---@return true|nil # nil: there is none
function core.kill(address) end

--- Ends all services and the process.
function core.abort() end

--- Writes one line to the log in the name of this service.
---@param text string
---@param level? "debug"|"info"|"warn"|"error"
function core.log(text, level) end

--- Loads a Lua file, which is compiled once for all VMs.
---@param path string
---@return function|nil chunk, string? message
function core.loadfile(path) end

--- Breaks the handler that a service runs now with an error (0), or logs its memory (1).
---@param address skynet.Address
---@param number? integer
---@return boolean done
function core.signal(address, number) end

--- Appends the messages to a service to a file; without a path, no longer.
---@param address skynet.Address
---@param path? string
---@return true|nil, string? message
function core.log_messages(address, path) end

--- Why a request of HTTP is not served to a port without a login: a web page sent it, or it names
--- a host that is not this machine. Nothing when it is.
---@param request_line string
---@param header table<string, string|string[]>
---@return string|nil why
function core.judge_http(request_line, header) end

--- The text without anything that a terminal obeys: such bytes become escapes. Lines stay.
---@param text string
---@return string
function core.printable(text) end

--- Whether the time that handlers take is measured, for skynet.stat "cpu".
---@param on boolean
function core.profile(on) end

--- Waits for the answer of a native part of the process to what it was asked in this session.
--- Only for a session that such a part gave, right after it did.
---@async
---@param session integer
function core.await(session) end

--- Coroutines of this VM that wait for a message or a timer.
---@return integer
function core.task_count() end

return core
