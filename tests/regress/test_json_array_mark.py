"""What a value means is lost where it is copied: the mark that an empty array is an array, and
json.null. It survives the store, the packed form, calls, and every kind of shared table."""

import json

import pytest
from players import Player

MODULE = """
local json = require "json"
local skynet = require "skynet"
local service = require "skynet.service"
local sharedata = require "skynet.sharedata"
local sharetable = require "skynet.sharetable"
local datasheet = require "skynet.datasheet"
local builder = require "skynet.datasheet.builder"
local stm = require "skynet.stm"
local multicast = require "skynet.multicast"

local names = 0
local function fresh(self)
	names = names + 1
	return self.uid .. names
end

local ways = {}
local function repacked(value)
	local message, size = skynet.pack(value)
	local copy = skynet.unpack(message, size)
	skynet.trash(message, size)
	return copy
end
function ways.pack(_, value) return repacked(value) end
function ways.string(_, value) return skynet.unpack(skynet.packstring(value)) end
function ways.call(_, value)
	local echo = service.new("echo", function()
		local inner = require "skynet"
		inner.start(function()
			inner.dispatch("lua", function(_, _, given) inner.retpack(given) end)
		end)
	end)
	return skynet.call(echo, "lua", value)
end
function ways.player(self, value) return self:call(self.uid, value) end
function ways.sharedata(self, value)
	local name = fresh(self)
	sharedata.new(name, value)
	return sharedata.query(name)
end
function ways.sharedata_packed(self, value)
	return repacked(ways.sharedata(self, value))
end
function ways.sharedata_copied(self, value)
	local name = fresh(self)
	sharedata.new(name, value)
	return sharedata.deepcopy(name)
end
function ways.sharetable(self, value)
	local name = fresh(self)
	sharetable.loadtable(name, value)
	return sharetable.query(name)
end
function ways.sharetable_filled(self, value)
	local t = ways.sharetable(self, value)
	local function visit(node)
		for _, child in pairs(node) do
			if type(child) == "table" then visit(child) end
		end
	end
	visit(t)
	return t
end
function ways.sharetable_packed(self, value)
	return repacked(ways.sharetable_filled(self, value))
end
function ways.datasheet(self, value)
	local name = fresh(self)
	builder.new(name, value)
	return datasheet.query(name)
end
function ways.datasheet_compiled(self, value)
	local name = fresh(self)
	builder.new(name, builder.compile(value))
	return datasheet.query(name)
end
function ways.share_of_share(self, value)
	local name = fresh(self)
	sharedata.new(name, { inner = ways.sharetable(self, value) })
	return sharedata.query(name).inner
end
function ways.stm(_, value)
	local cell = stm.new(skynet.pack(value))
	local _, read = stm.newcopy(stm.copy(cell))(skynet.unpack)
	return read
end
function ways.multicast(_, value)
	local got
	local co = {}
	local channel
	channel = multicast.new { dispatch = function(_, _, given)
		got = given
		skynet.wakeup(co)
	end }
	channel:subscribe()
	channel:publish(value)
	if got == nil then skynet.wait(co) end
	channel:delete()
	return got
end

local M = { codec = "json" }
function M.load(self, data) self.data = data or {} end
function M.save(self) return self.data end
function M.receive(_, _, value) return value end
function M.request(self, msg)
	if msg.put then
		self.data.value = msg.put
		self.data.made = { list = json.array {}, object = {}, null = json.null }
		return true
	elseif msg.way then
		return ways[msg.way](self, msg.value)
	elseif msg.pop then
		for _ = 1, #msg.pop do table.remove(msg.pop) end
		return msg.pop
	end
	return self.data
end
return M
"""

VALUE = {
    "bag": [],
    "tags": {},
    "rows": [[], [1, []], {"deep": {"empty": []}}],
    "nothing": None,
    "mixed": [None, {"a": None}, "text", 1.5, -3, True],
    "wide": {f"k{n}": [] for n in range(40)},
    "long": [[] for _ in range(40)],
}

WAYS = [
    "pack",
    "string",
    "call",
    "player",
    "sharedata",
    "sharedata_packed",
    "sharedata_copied",
    "sharetable",
    "sharetable_filled",
    "sharetable_packed",
    "datasheet",
    "datasheet_compiled",
    "share_of_share",
    "stm",
    "multicast",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("arrays")
    module = folder / "game.lua"
    module.write_text(MODULE)
    instance = Server(folder, {"agent": {"module": str(module)}}).start()
    yield instance
    instance.stop()


def ask(gate, **message):
    return json.loads(gate.request(json.dumps(message)))


def test_arrays_and_null_are_the_same_after_the_next_login(server):
    player = Player(server)
    assert ask(player.connect(), put=VALUE) is True
    expected = {"value": VALUE, "made": {"list": [], "object": {}, "null": None}}
    for _ in range(3):  # what was loaded is saved again
        back = Player(server, player.user)
        assert ask(back.connect()) == expected


@pytest.mark.parametrize("way", WAYS)
def test_arrays_and_null_survive_every_copy(server, way):
    gate = Player(server).connect()
    assert ask(gate, way=way, value=VALUE) == VALUE
    assert ask(gate, way=way, value=[]) == []


def test_an_array_that_became_empty_is_one(server):
    assert ask(Player(server).connect(), pop=[1, [2], {"a": 3}]) == []
