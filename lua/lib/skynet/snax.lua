-- require "skynet.snax": services whose file declares functions: accept.NAME, which are posted,
-- and response.NAME, which are requested; with init(...) and exit(...) (docs/skynet-rules.md 1.9,
-- 2.13). lua/service/snaxd.lua is what runs such a file.
--
-- On the wire: PTYPE_SNAX, skynet's serialisation of the function's number and the arguments. The
-- numbers are skynet's, too: init, exit, hotfix and profile, then the file's own in its order.
local skynet <const> = require "skynet"
local interface <const> = require "snax.interface"

local M <const> = {}

---@class snax.Object a snax service, as its users see it
---@field post table<string, fun(...)> sends
---@field req table<string, async fun(...): ...> requests; raise "call failed" like skynet.call
---@field type string
---@field handle integer its address

skynet.register_protocol {
	name = "snax",
	id = skynet.PTYPE_SNAX,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

M.interface = interface.interface

local INIT <const>, EXIT <const>, HOTFIX <const>, PROFILE <const> = 1, 2, 3, 4

local objects <const> = setmetatable({}, { __mode = "v" }) ---@type table<integer, snax.Object>

local Object <const> = {
	__tostring = function(self)
		return string.format("[%s:%x]", self.type, self.handle)
	end,
}

-- Functions that send: made when they are first used.
local function functions(prefix, names, typename, handle, transmit)
	return setmetatable({}, {
		__index = function(self, name)
			if names[name] == nil then
				error(string.format("%s %s:%s no exist", prefix, typename, tostring(name)), 2)
			end
			local f <const> = transmit(handle, names[name])
			self[name] = f
			return f
		end,
	})
end

local function poster(handle, number)
	return function(...)
		skynet.send(handle, "snax", number, ...)
	end
end

local function requester(handle, number)
	return function(...)
		return skynet.call(handle, "snax", number, ...)
	end
end

--- The object of a service. Raises when this VM knows the address as another type.
---@param handle integer
---@param typename string
---@return snax.Object
function M.bind(handle, typename)
	local object = objects[handle]
	if object then
		if object.type ~= typename then
			error(string.format("%s is no %s", tostring(object), typename), 2)
		end
		return object
	end
	local methods <const> = interface.interface(typename)
	object = setmetatable({
		type = typename,
		handle = handle,
		post = functions("post", methods.accept, typename, handle, poster),
		req = functions("request", methods.response, typename, handle, requester),
	}, Object)
	objects[handle] = object
	return object
end

--- Starts a service and runs its init(...); raises when that does.
---@async
---@param name string
---@return integer address
function M.rawnewservice(name, ...)
	interface.interface(name) -- raises here for a file that is not there
	local handle <const> = skynet.newservice("snaxd", name)
	objects[handle] = nil -- an object of a service that had this address before
	skynet.call(handle, "snax", INIT, ...)
	return handle
end

---@async
---@param name string
---@return snax.Object
function M.newservice(name, ...)
	return M.bind(M.rawnewservice(name, ...), name)
end

--- Starts the service once, however many ask; init gets the arguments of the first.
---@async
---@param name string
---@return snax.Object
function M.uniqueservice(name, ...)
	return M.bind(skynet.uniqueservice("snaxd", name, ...), name)
end

--- The same for the whole network, which is this process; with a service of its own.
---@async
---@param name string
---@return snax.Object
function M.globalservice(name, ...)
	return M.bind(skynet.uniqueservice(true, "@snaxd", name, ...), name)
end

--- The service of uniqueservice; waits until it has been started.
---@async
---@param name string
---@return snax.Object
function M.queryservice(name)
	return M.bind(skynet.queryservice("snaxd", name), name)
end

--- The service of globalservice.
---@async
---@param name string
---@return snax.Object
function M.queryglobal(name)
	return M.bind(skynet.queryservice(true, "@snaxd", name), name)
end

--- Runs the service's exit(...) and ends it.
---@async
---@param object snax.Object
function M.kill(object, ...)
	skynet.call(object.handle, "snax", EXIT, ...)
end

--- In a snax service: itself.
---@return snax.Object
function M.self()
	return M.bind(skynet.self(), _ENV.SERVICE_NAME)
end

--- In a snax service: ends it, after exit(...).
---@async
function M.exit(...)
	M.kill(M.self(), ...)
end

--- Replaces functions of a running service: lua/lib/snax/hotfix.lua. Raises when the patch does
--- not fit.
---@async
---@param object snax.Object
---@param source string
---@return any ... what the patch's hotfix(...) returned
function M.hotfix(object, source, ...)
	local function results(ok, ...)
		if not ok then
			error((...), 0)
		end
		return ...
	end
	return results(skynet.call(object.handle, "snax", HOTFIX, source, ...))
end

--- How often each function of the service ran, and for how long.
---@async
---@param object snax.Object
---@return table<string, { count: integer, time: number }> # seconds, without waiting
function M.profile_info(object)
	return skynet.call(object.handle, "snax", PROFILE)
end

--- Logs a line in string.format's way.
---@param format string
function M.printf(format, ...)
	skynet.error(string.format(format, ...))
end

--- In a snax service: takes the same messages as "lua" messages, too, as another node sends them.
function M.enablecluster()
	skynet.dispatch("lua", skynet.dispatch "snax")
end

return M
