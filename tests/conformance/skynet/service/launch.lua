-- How services are launched, and what they find (docs/skynet-rules.md 1.0, 2.10).
local skynet <const> = require "skynet"
local rules <const> = require "rules"
require "skynet.manager"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local launched = 0
local command <const> = {}

-- A unique service that starts says so, and goes on once those who asked for it before wait for it.
function command.launched()
	launched = launched + 1
	skynet.call(".service", "debug", "PING")
	skynet.retpack()
end

function command.starting() end

skynet.dispatch("lua", function(_, _, name, ...)
	command[name](...)
end)

-- f(i) in n coroutines: what each returned or raised.
local function all(n, f)
	local results <const>, left = {}, n
	for i = 1, n do
		skynet.fork(function()
			results[i] = tostring(select(2, pcall(f, i)))
			left = left - 1
		end)
	end
	rules.await(function()
		return left == 0
	end)
	return results
end

local function first_line()
	rule("1.0 arguments are strings without blanks", function()
		local other <const> = skynet.newservice("core_partner", 1, "two words", 2.5)
		same("1", "two", "words", "2.5")(skynet.call(other, "lua", "arguments"))
	end)
	rule("1.0 SERVICE_NAME and SERVICE_PATH", function()
		local other <const> = skynet.newservice "core_partner"
		local name <const>, path <const> =
			skynet.call(other, "lua", "globals", "SERVICE_NAME", "SERVICE_PATH")
		same("core_partner", "./tests/conformance/skynet/")(name, path)
	end)
	rule("1.0 the loader's globals are gone", function()
		same(nil, nil, nil, nil)(
			rawget(_G, "LUA_PATH"),
			rawget(_G, "LUA_CPATH"),
			rawget(_G, "LUA_SERVICE"),
			rawget(_G, "LUA_PRELOAD")
		)
	end)
	rule("1.0 each service has its own globals", function()
		rawset(_G, "own_global", 1)
		local other <const> = skynet.newservice "core_partner"
		same "nil"(skynet.call(other, "lua", "globals", "own_global"))
	end)
	rule("1.0 lua_path is in package.path, and our library first", function()
		assert(package.path:find("./tests/conformance/skynet/?.lua", 1, true), package.path)
		assert(package.path:find "^%./lua/lib/%?%.lua;", package.path)
	end)
	rule("1.0 resume and wrap keep their contract", function()
		local co <const> = coroutine.create(function(...)
			same(1, nil)(...)
			same "again"(coroutine.yield(2, nil))
			return "end"
		end)
		same(true, 2, nil)(coroutine.resume(co, 1, nil))
		same(true, "end")(coroutine.resume(co, "again"))
		same(false, "cannot resume dead coroutine")(coroutine.resume(co))
		raises("as asked", coroutine.wrap(function()
			error "as asked"
		end))
	end)
	rule("1.0 init functions run before start, in their order", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "init")
		same "main init1 init2 start"(skynet.call(other, "lua"))
	end)
	rule("1.0 init needs a function", function()
		raises("", skynet.init, 1)
	end)
end

local function newservice()
	rule("2.10 newservice returns after the child's start function ended", function()
		local other <const> = skynet.newservice(SERVICE_NAME, "slow")
		same("integer", "started")(math.type(other), skynet.call(other, "lua"))
	end)
	rule("2.10 an error in the start function raises call failed", function()
		raises("call failed", skynet.newservice, "core_partner", "raise")
	end)
	rule("2.10 an error in the main chunk raises call failed", function()
		raises("call failed", skynet.newservice, SERVICE_NAME, "main_error")
	end)
	rule("2.10 an error in an init function raises call failed", function()
		raises("call failed", skynet.newservice, SERVICE_NAME, "init_error")
	end)
	rule("2.10 a missing file raises call failed", function()
		raises("call failed", skynet.newservice, "no_such_service")
		raises("call failed", skynet.newservice, "no_such_service", "with", "arguments")
	end)
	rule("2.10 what failed to start is gone", function()
		local before <const> = skynet.call(".launcher", "lua", "LIST")
		all(10, function()
			return skynet.newservice("core_partner", "raise")
		end)
		rules.await(function()
			for address in pairs(skynet.call(".launcher", "lua", "LIST")) do
				if before[address] == nil then
					return false
				end
			end
			return true
		end)
	end)
	rule("2.10 a child may launch children while it starts", function()
		raises("call failed", skynet.newservice, SERVICE_NAME, "nested_error")
		same "nested"(skynet.call(skynet.newservice(SERVICE_NAME, "nested"), "lua"))
	end)
	rule("2.10 launch does not wait, and knows only snlua", function()
		local address <const> = skynet.launch("snlua", "core_partner", "x")
		same("integer", "x")(math.type(address), skynet.call(address, "lua", "arguments"))
		same(nil)((skynet.launch("no_such_module", "x")))
	end)
	rule("2.17 launch of snlua without a name crashes nothing", function()
		skynet.launch "snlua"
		same "alive"(skynet.call(skynet.newservice "core_partner", "lua", "echo", "alive"))
	end)
end

local function unique()
	rule("2.10 uniqueservice starts once, however many ask at once", function()
		local found <const> = all(10, function(i)
			if i % 2 == 0 then
				return skynet.queryservice(SERVICE_NAME)
			end
			return skynet.uniqueservice(SERVICE_NAME, "unique", skynet.self())
		end)
		for i = 2, 10 do
			same(found[1])(found[i])
		end
		same(1)(launched)
		same(found[1])(tostring(skynet.uniqueservice(SERVICE_NAME, "other arguments")))
	end)
	rule("2.10 uniqueservice true and queryservice true are of the same node", function()
		local address <const> = skynet.queryservice(SERVICE_NAME)
		same(address)(skynet.uniqueservice(true, SERVICE_NAME))
		same(address)(skynet.queryservice(true, SERVICE_NAME))
	end)
	rule("2.10 a failed start is remembered", function()
		for _ = 1, 3 do
			raises("call failed", skynet.uniqueservice, "no_such_service")
		end
		raises("call failed", skynet.queryservice, "no_such_service")
	end)
	rule("2.10 queryservice waits until the service is started", function()
		local found
		skynet.fork(function()
			found = skynet.queryservice "core_partner"
		end)
		skynet.yield()
		same "alive"(skynet.call(skynet.newservice "core_partner", "lua", "echo", "alive"))
		same(nil)(found)
		local address <const> = skynet.uniqueservice "core_partner"
		rules.await(function()
			return found
		end)
		same(address)(found)
	end)
end

local how <const>, creator <const> = ...
local steps = { "main" }

local function step(text)
	return function()
		steps[#steps + 1] = text
	end
end

local function child()
	skynet.dispatch("lua", function()
		skynet.retpack(table.concat(steps, " "))
	end)
	if how == "main_error" then
		error "raised by the main chunk"
	elseif how == "init_error" then
		skynet.init(function()
			error "raised by an init function"
		end)
	elseif how == "init" then
		skynet.init(step "init1")
		skynet.init(step "init2")
	end
	skynet.start(function()
		steps[#steps + 1] = "start"
		if how == "slow" then
			skynet.sleep(3)
			steps = { "started" }
		elseif how == "unique" then
			skynet.call(math.tointeger(creator), "lua", "launched")
		elseif how == "nested" then
			skynet.newservice(SERVICE_NAME, "slow")
			steps = { "nested" }
		elseif how == "nested_error" then
			skynet.newservice(SERVICE_NAME, "main_error")
		end
	end)
end

if how then
	child()
else
	rules.run("launch", function()
		first_line()
		newservice()
		unique()
	end)
end
