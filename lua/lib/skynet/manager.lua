-- require "skynet.manager": the skynet table, enlarged by what manages other services
-- (docs/skynet-rules.md 1.2).
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local unsupported <const> = require "skynet.unsupported"

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

--- Handles messages of some types as others, { [type id] = type id }, and leaves their payload to
--- the handler: it passes it on, or frees it with skynet.trash. For proxies. f starts the service.
---@param types table<integer, integer>
---@param f async fun()
function skynet.forward_type(types, f)
	for from, to in pairs(types) do
		core.forward_type(from, to)
	end
	skynet.start(f)
end

--- Makes a unique service the one that gets a message of type client, from whom ended, whenever a
--- service ends.
---@async
---@param name string
---@param query? boolean it is running already
---@return integer address
function skynet.monitor(name, query)
	local address <const> = query and skynet.queryservice(name) or skynet.uniqueservice(name)
	assert(address, "the monitor did not start")
	skynet.call(".launcher", "lua", "MONITOR", address)
	return address
end

skynet.filter = unsupported("skynet.filter", "messages go to their handlers as they are")

--- Ends all services and the process.
function skynet.abort()
	core.abort()
end

return skynet
