-- skynet.coroutine (docs/skynet-rules.md 1.5).
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket" -- before: the order must not matter
local co <const> = require "skynet.coroutine"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

if ... == "partner" then
	skynet.dispatch("lua", function(_, _, ...)
		if ... == "raise" then
			error "as asked"
		elseif ... == "exit" then
			skynet.exit()
		end
		skynet.retpack(...)
	end)
	skynet.start(function() end)
	return
end

local function values_pass()
	local c <const> = co.create(function(...)
		same(1, nil, "x")(...)
		same("back", nil)(co.yield(nil, 2, nil))
		return "end", nil
	end)
	same "suspended"(co.status(c))
	same(true, nil, 2, nil)(co.resume(c, 1, nil, "x"))
	same "suspended"(co.status(c))
	same(true, "end", nil)(co.resume(c, "back", nil))
	same "dead"(co.status(c))
	same(false, "cannot resume dead coroutine")(co.resume(c))
end

local function errors()
	local failed <const> = {}
	local c <const> = co.create(function()
		error(failed)
	end)
	same(false, failed)(co.resume(c))
	same(false, "cannot resume none skynet coroutine")(co.resume(coroutine.create(print)))
	same(false, "cannot resume none skynet coroutine")(co.resume(co.running()))
	local itself <const> = co.wrap(function()
		return co.resume(co.running())
	end)
	same(false, "cannot resume non-suspended coroutine")(itself())
	raises("outside", co.yield, 1)
end

local function blocking(partner)
	local steps <const> = {}
	local f <const> = co.wrap(function()
		for i = 1, 3 do
			skynet.sleep(1)
			co.yield((skynet.call(partner, "lua", i)))
		end
		raises("call failed", skynet.call, partner, "lua", "raise")
		raises("call to invalid address", skynet.call, 0xfffff0, "lua")
		local request <const>, size <const> = skynet.pack("raw", 1)
		same("raw", 1)(skynet.unpack(skynet.rawcall(partner, skynet.PTYPE_LUA, request, size)))
		skynet.yield()
		return "last"
	end)
	for i = 1, 4 do
		steps[i] = f()
	end
	same(1, 2, 3, "last")(table.unpack(steps))
end

local function nested(partner)
	local inner <const> = co.wrap(function()
		for i = 1, 3 do
			co.yield(skynet.call(partner, "lua", i) * 10)
		end
	end)
	local outer <const> = co.wrap(function()
		for _ = 1, 3 do
			co.yield(inner() + skynet.call(partner, "lua", 1))
		end
	end)
	same(11, 21, 31)(outer(), outer(), outer())
end

local function blocked()
	local c
	local token <const> = {}
	local done = false
	c = co.create(function()
		skynet.wait(token)
		return "woken"
	end)
	skynet.fork(function()
		same "blocked"(co.status(c))
		same(false, "cannot resume a skynet coroutine suspend by skynet framework")(co.resume(c))
		done = true
		skynet.wakeup(token)
	end)
	same(true, "woken")(co.resume(c))
	same(true)(done)

	-- Without a token the coroutine itself is the token, as anywhere else.
	local sleeper <const> = co.create(function()
		return skynet.sleep(6000)
	end)
	skynet.fork(function()
		skynet.wakeup(sleeper)
	end)
	same(true, "BREAK")(co.resume(sleeper))
end

local function threads()
	local me <const> = co.running()
	same(me, true)(co.thread())
	local c <const> = co.create(function(self)
		same(self)((co.running()))
		same(me, false)(co.thread())
		same(true)(co.isyieldable())
		co.wrap(function()
			same(me, false)(co.thread())
		end)()
	end)
	same(nil, false)(co.thread(c))
	same(true)(co.resume(c, c))
end

local function closing()
	local closed = 0
	local function guarded()
		local _ <close> = setmetatable({}, {
			__close = function()
				closed = closed + 1
			end,
		})
		co.yield()
	end
	local c <const> = co.create(guarded)
	same(true)(co.resume(c))
	same(true)(co.close(c))
	same(1)(closed)
	same "dead"(co.status(c))
	local f <const> = co.wrap(function()
		local _ <close> = setmetatable({}, {
			__close = function()
				closed = closed + 1
			end,
		})
		error({ "kept" })
	end)
	local _, message <const> = pcall(f)
	same "kept"(message[1])
	same(2)(closed)
end

local function another_resumes()
	local c <const> = co.create(function()
		co.yield(1)
		skynet.sleep(1)
		return (co.thread())
	end)
	co.resume(c)
	local found
	local other <const> = skynet.fork(function()
		found = select(2, co.resume(c))
	end)
	rules.await(function()
		return found ~= nil
	end)
	same(other)(found)
end

local function sockets()
	local listener <const>, address <const>, port <const> = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		co.wrap(function()
			assert(socket.start(id))
			socket.write(id, "echo " .. socket.readline(id) .. "\n")
			socket.close(id)
		end)()
	end)
	local client <const> = co.wrap(function()
		local id <const> = assert(socket.open(address, port))
		co.yield "connected"
		socket.write(id, "hello\n")
		co.yield(socket.readline(id))
		local data <const>, rest <const> = socket.read(id)
		socket.close(id)
		return data, rest
	end)
	same "connected"(client())
	same "echo hello"(client())
	same(false, "")(client())
	socket.close(listener)
end

local function plain_between(partner)
	local plain <const> = coroutine.wrap(function()
		return pcall(co.wrap(function()
			skynet.call(partner, "lua", 1)
		end))
	end)
	local ok <const>, message <const> = plain()
	-- What the plain coroutine's resumer gets is not a reply; nothing hangs.
	assert(ok == false and tostring(message):find "plain", "raises: " .. tostring(message))
end

rules.run("coroutine", function()
	local partner <const> = skynet.newservice(SERVICE_NAME, "partner")
	rule("1.5 resume and yield pass values", values_pass)
	rule("1.5 resume tells what it cannot do", errors)
	rule("1.5 blocking functions work inside", function()
		blocking(partner)
	end)
	rule("1.5 they work at any depth", function()
		nested(partner)
	end)
	rule("1.5 a coroutine in such a call is blocked", blocked)
	rule("1.5 thread is the service's coroutine", threads)
	rule("1.5 close runs the pending variables", closing)
	rule("1.5 another coroutine may resume it", another_resumes)
	rule("1.5 a plain coroutine between is an error", function()
		plain_between(partner)
	end)
	rule("1.5 sockets work inside", sockets)
	rule("1.5 a callee that ends raises inside", function()
		raises("call failed", co.wrap(function()
			skynet.call(partner, "lua", "exit")
		end))
	end)
	rule("1.5 exit works inside", function()
		local leaver <const> = skynet.newservice("coroutine_leaver")
		raises("call failed", skynet.call, leaver, "lua", "exit")
		raises("call to invalid address", skynet.call, leaver, "lua", "exit")
	end)
	rule("1.5 ret and context are those of the request", function()
		local answerer <const> = skynet.newservice("coroutine_leaver")
		same(skynet.self(), "seen")(skynet.call(answerer, "lua", "answer", "seen"))
	end)
end)
