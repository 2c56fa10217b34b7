-- The skynet API (skynet v1.8.0's names, units and results). Messages, coroutines and timers are
-- C++ (skynet.core); this file adds protocols, launching and the start-up order.
local core <const> = require "skynet.core"

local skynet <const> = {
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

---------------------------------------------------------------- messages and coroutines: native

-- Yield until the answer comes: call, rawcall, sleep, wait, yield.
skynet.call = core.call
skynet.rawcall = core.rawcall
skynet.send = core.send
skynet.rawsend = core.rawsend
skynet.redirect = core.redirect
skynet.ret = core.ret
skynet.retpack = core.retpack
skynet.ignoreret = core.ignoreret
skynet.context = core.context
skynet.pack = core.pack
skynet.packstring = core.packstring
skynet.unpack = core.unpack
skynet.tostring = core.tostring
skynet.trash = core.trash
skynet.genid = core.genid

skynet.fork = core.fork
skynet.timeout = core.timeout
skynet.sleep = core.sleep
skynet.yield = core.yield
skynet.wait = core.wait
skynet.wakeup = core.wakeup
skynet.now = core.now
skynet.starttime = core.starttime
skynet.hpc = core.hpc

skynet.self = core.self
skynet.exit = core.exit
skynet.getenv = core.getenv
skynet.setenv = core.setenv
skynet.stat = core.stat
skynet.pcall = pcall

--- The closure to answer the running request later: r(true, ...), r(false), r("TEST").
---@param pack? fun(...): any, integer?
---@return fun(ok: boolean|string, ...): boolean
function skynet.response(pack)
	if pack == nil or pack == core.pack then
		return core.response()
	end
	return core.response(pack)
end

--- Seconds since the epoch, with centiseconds.
---@return number
function skynet.time()
	return core.starttime() + core.now() / 100
end

--- Logs the values, joined by one blank.
function skynet.error(...)
	local n <const> = select("#", ...)
	if n == 1 then
		core.log(tostring((...)))
		return
	end
	local words <const> = { ... }
	for i = 1, n do
		words[i] = tostring(words[i])
	end
	core.log(table.concat(words, " "))
end

---@param address integer|string
---@return string
function skynet.address(address)
	if type(address) == "number" then
		return string.format(":%08x", address)
	end
	return tostring(address)
end

---@param address integer
---@return integer harbor, boolean remote
function skynet.harbor(address)
	return address >> 24, (address >> 24) ~= 0
end

---@param name string
---@return integer|nil
function skynet.localname(name)
	return core.query(name)
end

---@return integer
function skynet.mqlen()
	return core.stat "mqlen"
end

---@return boolean
function skynet.endless()
	return core.stat "endless" == 1
end

--- Ends a suspended coroutine of this service; its requester gets an error.
---@param thread thread
---@return thread|nil
function skynet.killthread(thread)
	return core.killthread(thread)
end

---@param bytes integer
function skynet.memlimit(bytes)
	core.memlimit(bytes)
	skynet.memlimit = nil -- acts once (sk 2.14)
end

---------------------------------------------------------------- protocols

local protocols <const> = {} -- by name and by id

--- Adds a message type: {name=, id=, pack=, unpack=, dispatch=}. Name and id must be new.
function skynet.register_protocol(class)
	local name <const>, id <const> = class.name, class.id
	assert(type(name) == "string" and math.type(id) == "integer" and id >= 0 and id <= 255)
	assert(protocols[name] == nil and protocols[id] == nil, "protocol name or id is taken")
	protocols[name] = class
	protocols[id] = class
	if class.unpack then
		core.set_unpack(id, class.unpack)
	end
	if class.dispatch then
		core.dispatch(id, class.dispatch)
	end
end

--- Sets the handler f(session, source, ...) of a message type; returns the one before. Without f
--- returns the current one, nil for an unknown type.
function skynet.dispatch(typename, f)
	local class <const> = protocols[typename]
	if f == nil then
		return class and core.dispatch(class.id)
	end
	return core.dispatch(assert(class, "unknown message type " .. tostring(typename)).id, f)
end

core.protocols(protocols)

skynet.register_protocol {
	name = "lua",
	id = skynet.PTYPE_LUA,
	pack = core.pack,
}
protocols.lua.unpack = core.unpack

skynet.register_protocol {
	name = "response",
	id = skynet.PTYPE_RESPONSE,
}

skynet.register_protocol {
	name = "error",
	id = skynet.PTYPE_ERROR,
	unpack = function(...)
		return ...
	end,
}

skynet._proto = protocols

---------------------------------------------------------------- start-up

local init_functions = {} ---@type function[]|nil

--- Runs f before the start function; at once when the service is already running.
---@param f function
function skynet.init(f)
	assert(type(f) == "function")
	if init_functions == nil then
		f()
	else
		init_functions[#init_functions + 1] = f
	end
end

local LAUNCHER <const> = ".launcher"

--- Runs the init functions and f, then tells the launcher how it went (sk 2.10).
---@async
function skynet.init_service(f)
	local ok <const>, message <const> = xpcall(function()
		local functions = init_functions
		while functions and #functions > 0 do
			init_functions = {}
			for _, init in ipairs(functions) do
				init()
			end
			functions = init_functions
		end
		init_functions = nil
		f()
	end, debug.traceback)
	if ok then
		core.rawsend(LAUNCHER, skynet.PTYPE_TEXT, "")
	else
		core.log("init service failed: " .. tostring(message), "error")
		core.rawsend(LAUNCHER, skynet.PTYPE_TEXT, "ERROR")
		core.exit()
	end
end

--- Starts the service: f runs in a coroutine, after this chunk.
---@param f function
function skynet.start(f)
	core.timeout(0, function()
		skynet.init_service(f)
	end)
end

--- Launches a service and waits until its start function returned. Raises when it failed.
---@async
---@return integer address
function skynet.newservice(name, ...)
	return core.call(LAUNCHER, "lua", "LAUNCH", "snlua", name, ...)
end

local SERVICE_MGR <const> = ".service"

--- Launches a service once; all callers get the same address. `true` as first argument asks for
--- one in the whole network, which is this process.
---@async
---@return integer address
function skynet.uniqueservice(global, ...)
	if global == true then
		return core.call(SERVICE_MGR, "lua", "LAUNCH", ...)
	end
	return core.call(SERVICE_MGR, "lua", "LAUNCH", global, ...)
end

--- The address of a unique service; waits until somebody launched it.
---@async
---@return integer address
function skynet.queryservice(global, ...)
	if global == true then
		return core.call(SERVICE_MGR, "lua", "QUERY", ...)
	end
	return core.call(SERVICE_MGR, "lua", "QUERY", global, ...)
end

---------------------------------------------------------------- message tracing: does nothing

function skynet.trace() end

function skynet.tracetag() end

function skynet.traceproto() end

return skynet
