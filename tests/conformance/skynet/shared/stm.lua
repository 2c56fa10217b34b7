-- skynet.stm (docs/skynet-rules.md 1.5, 2.13).
local skynet <const> = require "skynet"
local stm <const> = require "skynet.stm"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local function partner()
	local reader
	local command <const> = {}

	function command.take(copy)
		reader = stm.newcopy(copy)
	end

	function command.read()
		return reader(skynet.unpack)
	end

	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	skynet.start(function() end)
end

if ... == "partner" then
	partner()
	return
end

local function reading()
	local writer <const> = stm.new(skynet.pack(1, { 2 }))
	local reader <const> = stm.newcopy(stm.copy(writer))
	local changed <const>, one <const>, two <const> = reader(skynet.unpack)
	same(true, 1, 2)(changed, one, two[1])
	same(false)(reader(skynet.unpack))
	same()(writer(skynet.pack "new"))
	writer "newest"
	same(true, "newest", 6, "given")(reader(function(pointer, size, given)
		return skynet.tostring(pointer, size), size, given
	end, "given"))
	same(true)(stm.newcopy(stm.copy(writer))(function() end))
	writer "for an error"
	raises("no use", reader, function()
		error "no use"
	end)
	same(false)(reader(skynet.unpack))
end

local function services()
	local writer <const> = stm.new(skynet.pack(0))
	local readers <const> = {}
	for i = 1, 3 do
		readers[i] = skynet.newservice(SERVICE_NAME, "partner")
		skynet.call(readers[i], "lua", "take", stm.copy(writer))
	end
	for value = 1, 20 do
		writer(skynet.pack(value))
		for _, reader in ipairs(readers) do
			same(true, value)(skynet.call(reader, "lua", "read"))
			same(false)(skynet.call(reader, "lua", "read"))
		end
	end
	for _, reader in ipairs(readers) do
		skynet.kill(reader)
	end
end

local function ends()
	local function make()
		local writer <const> = stm.new "text"
		return stm.copy(writer), stm.copy(writer)
	end
	local first <const>, second <const> = make()
	local reader <const> = stm.newcopy(first)
	raises("taken", stm.newcopy, first)
	collectgarbage()
	collectgarbage()
	same(false)(reader(skynet.tostring))
	raises("writer is gone", stm.newcopy, second)
	same(false)((pcall(stm.copy, reader)))
	same(false)((pcall(stm.newcopy, "text")))
end

rules.run("stm", function()
	rule("1.5 a reader tells only what is new", reading)
	rule("1.5 other services read without a message", services)
	rule("2.13 nothing is read after the writer is gone", ends)
end)
