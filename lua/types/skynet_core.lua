---@meta skynet.core

-- The native part of lua/lib/skynet.lua. Most functions are there under the same name; scripts
-- use this module for the few that are not: log, loadfile, alive, launch, stat, task_count.
-- What only the library itself calls is left out.

---@class skynet.core
local core = {}

---@alias skynet.Address integer|string a service's number, ":0000000a", ".name" or a name

---------------------------------------------------------------- messages

--- Sends a request and waits for its reply. Raises "call to invalid address ..." for an address
--- without a service, and "call failed" when the other side raises or ends.
---@async
---@param address skynet.Address
---@param typename string|integer "lua", or a type of skynet.register_protocol
---@return any ...
function core.call(address, typename, ...) end

--- The same with a message that is packed already. The result is valid until the next yield.
---@async
---@param address skynet.Address
---@param type_id integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return lightuserdata reply, integer size
function core.rawcall(address, type_id, message, size) end

--- Sends without waiting.
---@param address skynet.Address
---@param typename string|integer
---@return integer|false|nil result 0: queued; false: the mailbox is full; nothing: no such service
function core.send(address, typename, ...) end

---@param address skynet.Address
---@param type_id integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return integer|false|nil result as send
function core.rawsend(address, type_id, message, size) end

--- Sends in the name of another service.
---@param address skynet.Address
---@param source integer
---@param type_id integer
---@param session integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return integer|false|nil result the session, otherwise as send
function core.redirect(address, source, type_id, session, message, size) end

--- Answers the running request with a packed message.
---@param message? string|lightuserdata
---@param size? integer
---@return boolean delivered
function core.ret(message, size) end

--- Answers the running request: ret(pack(...)).
---@return boolean delivered
function core.retpack(...) end

--- Says that the running request needs no answer.
function core.ignoreret() end

--- A closure that answers the running request later: r(true, ...), r(false), r("TEST").
---@param pack? fun(...): any, integer?
---@return fun(ok: boolean|"TEST", ...): boolean delivered
function core.response(pack) end

--- The running request.
---@return integer session, integer source
function core.context() end

--- Packs values; whoever sends or trashes the result frees it.
---@return lightuserdata message, integer size
function core.pack(...) end

---@return string
function core.packstring(...) end

---@param message string|lightuserdata
---@param size? integer
---@return any ...
function core.unpack(message, size) end

---@param message string|lightuserdata
---@param size? integer
---@return string
function core.tostring(message, size) end

--- Frees a packed message.
---@param message string|lightuserdata
---@param size? integer
function core.trash(message, size) end

--- A fresh session number of this service.
---@return integer
function core.genid() end

---------------------------------------------------------------- coroutines and time

--- Runs f(...) in a coroutine, after the current message.
---@param f async fun(...)
---@return thread
function core.fork(f, ...) end

--- Runs f once, later.
---@param centiseconds integer
---@param f async fun()
---@return thread
function core.timeout(centiseconds, f) end

---@async
---@param centiseconds integer
---@param token? any what wakeup() may be called with; the coroutine when left out
---@return "BREAK"|nil # "BREAK": woken before its time
function core.sleep(centiseconds, token) end

--- Lets the messages that wait have their turn.
---@async
function core.yield() end

--- Waits for wakeup(token).
---@async
---@param token? any the coroutine when left out
function core.wait(token) end

---@param token any
---@return true|nil # nil: nobody waits on it
function core.wakeup(token) end

--- Ends a suspended coroutine.
---@param thread thread
---@return thread|nil # nil: not a coroutine of this service that waits
function core.killthread(thread) end

--- Centiseconds since the process started.
---@return integer
function core.now() end

--- When the process started, in Unix seconds.
---@return integer
function core.starttime() end

--- Nanoseconds of the monotonic clock, for differences.
---@return integer
function core.hpc() end

---------------------------------------------------------------- services

--- The address of the service that runs.
---@return integer
function core.self() end

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

--- Ends this service; does not return.
function core.exit() end

--- Ends another service without its consent.
---@param address skynet.Address
---@return true|nil # nil: there is none
function core.kill(address) end

--- Ends all services and the process.
function core.abort() end

---@param key string
---@return string|nil
function core.getenv(key) end

--- Raises when the key is set already.
---@param key string
---@param value string
function core.setenv(key, value) end

--- Writes one line to the log in the name of this service.
---@param text string
---@param level? "debug"|"info"|"warn"|"error"
function core.log(text, level) end

--- Loads a Lua file, which is compiled once for all VMs.
---@param path string
---@return function|nil chunk, string? message
function core.loadfile(path) end

--- A number about this service; 0 for another word.
---@param what "mqlen"|"message"|"endless"|"memory"
---@return integer
function core.stat(what) end

--- Bounds the memory of this VM.
---@param bytes integer
function core.memlimit(bytes) end

--- Coroutines of this VM that wait for a message or a timer.
---@return integer
function core.task_count() end

return core
