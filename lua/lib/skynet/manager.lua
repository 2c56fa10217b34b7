-- require "skynet.manager": the skynet table, enlarged by what manages other services (sk 1.2).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"

--- Launches a service without waiting for it.
---@return integer|nil address
function skynet.launch(module, ...)
	assert(type(module) == "string", "skynet.launch needs the name of a module")
	return core.launch(module, table.concat({ ... }, " "))
end

-- A name with a dot is local, one without is for the whole network, which is this process.
local function check_name(name)
	if string.byte(name) ~= string.byte "." then
		assert(#name < 16 and tonumber(name) == nil, "a global name has at most 15 characters")
	end
end

--- Names the current service. The first registration of a name wins, silently.
---@param name string
function skynet.register(name)
	check_name(name)
	core.name(name)
end

--- Names another service.
---@param name string
---@param address integer|string
function skynet.name(name, address)
	check_name(name)
	core.name(name, address)
end

--- Ends a service without its consent. Its requesters get an error.
---@param address integer|string
function skynet.kill(address)
	if type(address) == "string" and address:sub(1, 1) == "." then
		address = core.query(address)
		if address == nil then
			return
		end
	end
	core.kill(address)
end

-- Gives the messages of a type to the handler of another one, as strings.
local function forward(from, to)
	local protocols <const> = skynet._proto
	local class <const> = protocols[from] or { name = "forward " .. from, id = from }
	local unpack <const> = class.unpack
	-- Register it anew: that is what sets how messages are unpacked.
	protocols[class.name], protocols[from] = nil, nil
	class.unpack = skynet.tostring
	if from == to then
		class.unpack = function(message, size)
			return unpack(skynet.tostring(message, size), size)
		end
	end
	skynet.register_protocol(class)
	class.unpack = unpack -- of answers
	if from ~= to then
		skynet.dispatch(class.name, function(session, source, message)
			local target <const> = assert(protocols[to], "forward_type: no such message type")
			local handler <const> = skynet.dispatch(target.name)
			return handler(session, source, target.unpack(message, #message))
		end)
	end
end

--- Starts a service that gets messages of some types as those of others: { [from id] = to id }.
--- The unpack function of the other type gets the message as a string and its size; it may be
--- kept, and sent or returned like the pointer that skynet gives. With PTYPE_RESPONSE in the map
--- skynet.rawcall gives strings, too.
---@param map table<integer, integer>
---@param start async fun()
function skynet.forward_type(map, start)
	for from, to in pairs(map) do
		if from ~= skynet.PTYPE_RESPONSE then
			forward(from, to)
		end
	end
	if map[skynet.PTYPE_RESPONSE] then
		local rawcall <const> = skynet.rawcall
		skynet.rawcall = function(...)
			local message <const>, size <const> = rawcall(...)
			return skynet.tostring(message, size), size
		end
	end
	skynet.start(start)
end

function skynet.filter()
	error("skynet.filter is not supported: answers reach their coroutines unseen", 2)
end

--- Launches a unique service, or waits for one, that gets a "client" message without data and
--- with session 0 from the address of each Lua service that ends.
---@async
---@param name string
---@param query? boolean do not launch it
---@return integer address
function skynet.monitor(name, query)
	local find <const> = query and skynet.queryservice or skynet.uniqueservice
	local address <const> = find(true, name)
	skynet.call(".launcher", "lua", "MONITOR", address)
	return address
end

--- Ends all services and the process.
function skynet.abort()
	core.abort()
end

return skynet
