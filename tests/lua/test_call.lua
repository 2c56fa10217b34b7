-- Requests, replies and their failures: docs/skynet-rules.md 2.2 to 2.4.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local waiting <const> = require "waiting"
require "skynet.manager"

testing.run(function()
	local echo <const> = skynet.newservice("echo_service", "first", 2)
	testing.equal(math.type(echo), "integer")

	local nested <const> = { 4, five = { 5 } }
	local r <const> = table.pack(skynet.call(echo, "lua", "echo", 1, nil, "three", nested))
	testing.equal(r.n, 4)
	testing.equal(r[1], 1)
	testing.equal(r[2], nil)
	testing.equal(r[3], "three")
	testing.equal(r[4].five[1], 5)
	testing.equal(select("#", skynet.call(echo, "lua", "echo")), 0)
	testing.equal(table.concat({ skynet.call(echo, "lua", "arguments") }, ","), "first,2")

	testing.raises("call failed", skynet.call, echo, "lua", "fail")
	testing.equal(skynet.call(echo, "lua", "echo", "alive"), "alive", "errors do not kill")
	testing.raises("call to invalid address :0000007f", skynet.call, 0x7f, "lua", "x")
	testing.raises("call to invalid address .nope", skynet.call, ".nope", "lua", "x")
	testing.raises("Invalid service address 0", skynet.call, 0, "lua", "x")
	testing.raises("dest address type (nil)", skynet.call, nil, "lua", "x")
	testing.equal(skynet.send(0x7f, "lua", "x"), nil)
	testing.equal(skynet.send(echo, "lua", "echo"), 0)
	testing.raises("Unsupport type function", skynet.send, echo, "lua", print)

	-- Late answers, two at once, and the second use of a closure.
	local answered <const> = {}
	for i = 1, 3 do
		skynet.fork(function()
			local value <const> = skynet.call(echo, "lua", "later", i)
			answered[#answered + 1] = value
		end)
	end
	skynet.yield()
	testing.equal(#answered, 0)
	testing.equal(skynet.call(echo, "lua", "release"), 3)
	waiting.wait_until(function()
		return #answered == 3
	end)
	testing.equal(table.concat(answered, ","), "1,2,3")
	testing.equal(skynet.call(echo, "lua", "twice"), "first")
	testing.equal(
		skynet.call(echo, "lua", "last_error"):find("Can't response more than once", 1, true) ~= nil,
		true
	)

	-- Callee exits or is killed while it serves, and while the request waits in its queue.
	testing.raises("call failed", skynet.call, echo, "lua", "exit")
	testing.raises("call to invalid address", skynet.call, echo, "lua", "echo")
	for _, how in ipairs { "hang", "forget", "keep" } do
		local victim <const> = skynet.newservice "echo_service"
		local failed = nil
		skynet.fork(function()
			local ok <const>, text <const> = pcall(skynet.call, victim, "lua", how)
			failed = not ok and text
		end)
		testing.equal(skynet.call(victim, "lua", "echo", how), how)
		skynet.kill(victim)
		waiting.wait_until(function()
			return failed ~= nil
		end)
		testing.check(failed and failed:find("call failed", 1, true), how .. " fails when killed")
	end

	-- rawcall hands out the packed reply.
	local other <const> = skynet.newservice "echo_service"
	local message <const>, size <const> =
		skynet.rawcall(other, skynet.PTYPE_LUA, skynet.packstring("echo", "raw"))
	testing.equal(type(message), "userdata")
	testing.equal(skynet.unpack(message, size), "raw")
	testing.equal(skynet.call(skynet.address(other), "lua", "echo", "by text"), "by text")
	skynet.name(".other", other)
	testing.equal(skynet.call(".other", "lua", "echo", "by name"), "by name")
	testing.equal(skynet.localname ".other", other)
	skynet.name(".other", skynet.self())
	testing.equal(skynet.localname ".other", other, "the first registration wins")
	skynet.kill(other)
	waiting.wait_until(function()
		return not skynet.localname ".other"
	end)

	-- A send has no answer; ret outside a request raises.
	testing.raises("No session", skynet.ret)
	testing.raises("no session", skynet.response)

	-- Children that fail or exit while they start.
	testing.raises("call failed", skynet.newservice, "no_such_service_anywhere")
	testing.raises("call failed", skynet.newservice, "echo_service", "raise")
	testing.equal(skynet.newservice("echo_service", "leave"), nil)
	local a <const> = skynet.uniqueservice "echo_service"
	testing.equal(skynet.uniqueservice "echo_service", a)
	testing.equal(skynet.queryservice "echo_service", a)
	testing.raises("call failed", skynet.uniqueservice, "no_such_service_anywhere")
	testing.raises("call failed", skynet.uniqueservice, "no_such_service_anywhere")
end)
