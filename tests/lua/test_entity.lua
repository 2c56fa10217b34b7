-- entity: one registration an id, and nothing is left of an actor that ended.
local skynet <const> = require "skynet"
local testing <const> = require "testing"
local entity <const> = require "entity"
local waiting <const> = require "waiting"
require "skynet.manager"

testing.run(function()
	local me <const> = skynet.self()
	testing.equal(entity.find("player", "严"), nil)
	testing.equal(entity.count "player", 0)
	testing.equal(entity.register("player", "严"), true)
	testing.equal(entity.find("player", "严"), me)
	testing.equal(entity.online "严", me)
	testing.equal(entity.find("room", "严"), nil, "kinds are apart")

	local ok <const>, message <const>, code <const> = entity.register("player", "严")
	testing.equal(ok, nil)
	testing.equal(type(message), "string")
	testing.equal(code, "exists")

	testing.equal(entity.unregister("player", "严"), true)
	testing.equal(entity.online "严", nil)
	testing.equal(select(3, entity.unregister("player", "严")), "not_found")
	testing.equal(entity.register("player", ""), true, "an id may be empty")
	testing.equal(entity.register("player", "a\0b"), true)
	testing.equal(entity.find("player", "a\0b"), me)
	testing.equal(entity.register("room", 7), true)
	testing.equal(entity.find("room", "7"), me)

	-- Entries of another actor vanish when it ends, whether it exits or is killed.
	for _, how in ipairs { "exit", "kill" } do
		local other <const> = skynet.newservice "echo_service"
		testing.equal(entity.register("pet", "rex", other), true)
		testing.equal(entity.register("pet", "tom", skynet.address(other)), true)
		testing.equal(entity.count "pet", 2)
		local seen <const> = {}
		for id, address in entity.each "pet" do
			testing.equal(address, other)
			seen[id] = true
			entity.unregister("pet", id) -- the iterator goes over a copy
		end
		testing.check(seen.rex and seen.tom)
		testing.equal(entity.count "pet", 0)
		testing.equal(entity.register("pet", "rex", other), true)
		if how == "exit" then
			pcall(skynet.call, other, "lua", "exit")
		else
			skynet.kill(other)
		end
		waiting.wait_until(function()
			return not entity.find("pet", "rex")
		end)
		testing.equal(entity.count "pet", 0)
		local gone <const>, _, why <const> = entity.register("pet", "rex", other)
		testing.equal(gone, nil, "the actor has ended")
		testing.equal(why, "not_found")
		testing.equal(entity.find("pet", "rex"), nil)
	end

	for i = 1, 1000 do
		entity.register("many", i)
	end
	local count = 0
	for _ in entity.each "many" do
		count = count + 1
	end
	testing.equal(count, 1000)
	testing.equal(entity.count "many", 1000)

	testing.raises("non-empty", entity.register, "", "x")
	testing.raises("non-empty", entity.count, "a\0b")
	testing.raises("string expected", entity.register, "player")
	testing.raises("string expected", entity.register, nil, "x")
	testing.raises("dest address type", entity.register, "player", "x", {})
	testing.raises("Invalid service address 0", entity.register, "player", "x", 0)
end)
