-- require "skynet.inject": runs text in a service, with its functions' upvalues in reach
-- (docs/skynet-rules.md 1.6).
local collect <const> = require "skynet.upvalues"
local traceback <const> = debug.traceback

-- name -> value of the upvalues of the functions among the arguments.
local function upvalues_of(...)
	local variables <const>, seen <const>, found <const> = {}, {}, {}
	for i = 1, select("#", ...) do
		local f <const> = select(i, ...)
		if type(f) == "function" then
			collect(variables, seen, f)
		end
	end
	for name, variable in pairs(variables) do
		local _, value <const> = debug.getupvalue(variable.owner, variable.index)
		found[name] = value
	end
	return found
end

--- Runs `source` with the values of `args`. It sees `_U`, the upvalues of the functions that
--- are given; `_P`, for each message type with a handler its upvalues; a `print` whose lines are
--- returned; and the service's globals.
---@async
---@param skynet table the module "skynet"
---@param source string
---@param filename string its name in messages
---@param args? table
---@return boolean ok, string[] lines what was printed, then the error
return function(skynet, source, filename, args, ...)
	local lines <const> = {}
	local function print_line(...)
		local words <const> = table.pack(...)
		for i = 1, words.n do
			words[i] = tostring(words[i])
		end
		lines[#lines + 1] = table.concat(words, "\t")
	end

	local handlers <const> = {}
	for name, protocol in pairs(skynet._proto) do
		local handler <const> = type(name) == "string" and skynet.dispatch(name)
		if handler then
			handlers[protocol.name] = upvalues_of(handler)
		end
	end
	local environment <const> = setmetatable(
		{ print = print_line, _U = upvalues_of(...), _P = handlers },
		{ __index = _ENV, __newindex = _ENV }
	)
	local f <const>, message <const> = load(source, filename, "bt", environment)
	if f == nil then
		return false, { message }
	end
	args = args or {}
	local ok <const>, failure <const> =
		xpcall(f, traceback, table.unpack(args, 1, args.n or #args))
	if not ok then
		lines[#lines + 1] = tostring(failure)
	end
	return ok, lines
end
