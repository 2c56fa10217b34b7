---@meta skynet

-- The skynet API (skynet v1.8.0's names, units and results).

---@class skynet
local skynet = {
	PTYPE_TEXT = 0,
	PTYPE_RESPONSE = 1,
	PTYPE_MULTICAST = 2,
	PTYPE_CLIENT = 3,
	PTYPE_SYSTEM = 4,
	PTYPE_HARBOR = 5,
	PTYPE_SOCKET = 6,
	PTYPE_ERROR = 7,
	PTYPE_QUEUE = 8,
	PTYPE_DEBUG = 9,
	PTYPE_LUA = 10,
	PTYPE_SNAX = 11,
	PTYPE_TRACE = 12,
}

---@alias skynet.Address integer|string a service's number, ":0000000a", ".name" or a name

---------------------------------------------------------------- messages

--- Sends a request and waits for its reply. Raises "call to invalid address ..." for an address
--- without a service, and "call failed" when the other side raises or ends.
---@async
---@param address skynet.Address
---@param typename string|integer "lua", or a type of skynet.register_protocol
---@return any ...
function skynet.call(address, typename, ...) end

--- The same with a message that is packed already. The result is valid until the next yield.
---@async
---@param address skynet.Address
---@param typename string|integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return lightuserdata reply, integer size
function skynet.rawcall(address, typename, message, size) end

--- Sends without waiting.
---@param address skynet.Address
---@param typename string|integer
---@return integer|false|nil result 0: queued; false: the mailbox is full; nothing: no such service
function skynet.send(address, typename, ...) end

---@param address skynet.Address
---@param typename string|integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return integer|false|nil result as send
function skynet.rawsend(address, typename, message, size) end

--- Sends in the name of another service.
---@param address skynet.Address
---@param source integer
---@param typename string|integer
---@param session integer
---@param message? string|lightuserdata a lightuserdata is taken over
---@param size? integer
---@return integer|false|nil result the session, otherwise as send
function skynet.redirect(address, source, typename, session, message, size) end

--- Answers the running request with a packed message.
---@param message? string|lightuserdata
---@param size? integer
---@return boolean delivered
function skynet.ret(message, size) end

--- Answers the running request: ret(pack(...)).
---@return boolean delivered
function skynet.retpack(...) end

--- Says that the running request needs no answer.
function skynet.ignoreret() end

--- A closure that answers the running request later: r(true, ...), r(false), r("TEST").
---@param pack? fun(...): any, integer?
---@return fun(ok: boolean|"TEST", ...): boolean delivered
function skynet.response(pack) end

--- The running request.
---@return integer session, integer source
function skynet.context() end

--- Packs values; whoever sends or trashes the result frees it.
---@return lightuserdata message, integer size
function skynet.pack(...) end

---@return string
function skynet.packstring(...) end

---@param message string|lightuserdata
---@param size? integer
---@return any ...
function skynet.unpack(message, size) end

---@param message string|lightuserdata
---@param size? integer
---@return string
function skynet.tostring(message, size) end

--- Frees a packed message.
---@param message string|lightuserdata
---@param size? integer
function skynet.trash(message, size) end

--- A fresh session number of this service.
---@return integer
function skynet.genid() end

---------------------------------------------------------------- coroutines and time

--- Runs f(...) in a coroutine, after the current message.
---@param f async fun(...)
---@return thread
function skynet.fork(f, ...) end

--- Runs f once, later.
---@param centiseconds integer
---@param f async fun()
---@return thread
function skynet.timeout(centiseconds, f) end

---@async
---@param centiseconds integer
---@param token? any what wakeup() may be called with; the coroutine when left out
---@return "BREAK"|nil # "BREAK": woken before its time
function skynet.sleep(centiseconds, token) end

--- Lets the messages that wait have their turn.
---@async
function skynet.yield() end

--- Waits for wakeup(token).
---@async
---@param token? any the coroutine when left out
function skynet.wait(token) end

---@param token any
---@return true|nil # nil: nobody waits on it
function skynet.wakeup(token) end

--- Ends a suspended coroutine.
---@param thread thread
---@return thread|nil # nil: not a coroutine of this service that waits
function skynet.killthread(thread) end

--- Centiseconds since the process started.
---@return integer
function skynet.now() end

--- When the process started, in Unix seconds.
---@return integer
function skynet.starttime() end

--- Nanoseconds of the monotonic clock, for differences.
---@return integer
function skynet.hpc() end

---------------------------------------------------------------- services

--- The address of the service that runs.
---@return integer
function skynet.self() end

--- Ends this service; does not return.
function skynet.exit() end

---@param key string
---@return string|nil
function skynet.getenv(key) end

--- Raises when the key is set already.
---@param key string
---@param value string
function skynet.setenv(key, value) end

--- A number about this service; 0 for another word.
---@param what "mqlen"|"message"|"endless"|"memory"
---@return integer
function skynet.stat(what) end

--- Bounds the memory of this VM.
---@param bytes integer
function skynet.memlimit(bytes) end

---------------------------------------------------------------- names and small things

--- Logs the values, joined by one blank.
function skynet.error(...) end

--- Seconds since the epoch, with centiseconds.
---@return number
function skynet.time() end

---@param address integer|string
---@return string # ":0000000a"; a string as it is
function skynet.address(address) end

---@param address integer
---@return integer harbor, boolean remote
function skynet.harbor(address) end

---@param name string
---@return integer|nil
function skynet.localname(name) end

--- Messages that wait for this service.
---@return integer
function skynet.mqlen() end

--- Whether the monitor reported this service since the last question.
---@return boolean
function skynet.endless() end

skynet.pcall = pcall

---------------------------------------------------------------- protocols

---@class skynet.Protocol
---@field name string
---@field id integer 0 to 255
---@field pack? fun(...): any, integer?
---@field unpack? fun(message: lightuserdata, size: integer): any
---@field dispatch? fun(session: integer, source: integer, ...)

--- Adds a message type; name and id must be new.
---@param class skynet.Protocol
function skynet.register_protocol(class) end

--- Sets the handler of a message type; returns the one before. Without f returns the current one,
--- nil for an unknown type.
---@param typename string|integer
---@param f? async fun(session: integer, source: integer, ...)
---@return function|nil
function skynet.dispatch(typename, f) end

---------------------------------------------------------------- start-up

--- Runs f before the start function; at once when the service is already running.
---@param f async fun()
function skynet.init(f) end

--- Runs the init functions and f, then tells the launcher how it went (docs/skynet-rules.md 2.10).
---@async
---@param f async fun()
function skynet.init_service(f) end

--- Starts the service: f runs in a coroutine, after this chunk.
---@param f async fun()
function skynet.start(f) end

--- Launches a service and waits until its start function returned. Raises when it failed.
---@async
---@param name string
---@return integer address
function skynet.newservice(name, ...) end

--- Launches a service once; all callers get the same address. `true` as first argument asks for
--- one in the whole network, which is this process.
---@async
---@param global boolean|string
---@return integer address
function skynet.uniqueservice(global, ...) end

--- The address of a unique service; waits until somebody launched it.
---@async
---@param global boolean|string
---@return integer address
function skynet.queryservice(global, ...) end

---------------------------------------------------------------- message tracing: does nothing

function skynet.trace() end

function skynet.tracetag() end

function skynet.traceproto() end

---------------------------------------------------------------- loaded at their first use

--- Calls at once: see lua/lib/skynet/request.lua.
---@param call? table { address, type, ... }
---@return skynet.Request
function skynet.request(call) end

--- What the coroutines of this service wait for: see lua/lib/skynet/tasks.lua.
---@param what? table|integer|thread|"init"
---@return integer|string|table|nil
function skynet.task(what) end

---@return table<string, string>
function skynet.uniqtask() end

--- Fails this service's calls to an address.
---@param address skynet.Address
function skynet.term(address) end

--- What f(...) returns is what the console's "info" shows.
---@param f async fun(...): ...
function skynet.info_func(f) end

---@param f async fun(session: integer, source: integer, message: lightuserdata, size, id)
---@return function|nil previous
function skynet.dispatch_unknown_request(f) end

---@param f async fun(session: integer, source: integer, message: lightuserdata, size: integer)
---@return function|nil previous
function skynet.dispatch_unknown_response(f) end

return skynet
