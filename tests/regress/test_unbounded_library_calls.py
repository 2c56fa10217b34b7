"""Work without a bound in one call of a library function: a pattern, a number or a `__len` that a
client chooses kept C code busy for ever, where no interrupt reached it."""

import pytest
from gatehouse_client import RequestFailed
from players import Player
from server import PATIENCE, Server

CALLS = {
    "match": 'S:match((".-"):rep(8) .. "b")',
    "find": 'S:find((".*"):rep(8) .. "b")',
    "find_class": 'S:find(("[%w]*"):rep(8) .. "b")',
    "gmatch": 'for _ in S:gmatch((".-"):rep(8) .. "b") do end',
    "gsub": 'S:gsub((".-"):rep(8) .. "b", "")',
    "gsub_function": 'S:gsub((".-"):rep(8) .. "b", print)',
    "captures": 'S:match(("(.-)"):rep(8) .. "%1%2%3%4b")',
    "optional": 'S:match(("a?"):rep(100) .. "b" .. ("a?"):rep(50))',
    "balance": 'string.find(("("):rep(1000000), "%b()")',
    "caught": 'while true do pcall(string.match, S, (".-"):rep(8) .. "b") end',
    "in_coroutine": 'coroutine.wrap(function() S:match((".-"):rep(8) .. "b") end)()',
    "in_comparison": 'table.sort({2, 1}, function() S:match((".-"):rep(8) .. "b") end)',
    "move": "table.move({}, 1, math.maxinteger - 1, 2)",
    "move_back": "table.move({}, 2, math.maxinteger, 1)",
    "move_elsewhere": "table.move({}, 1, math.maxinteger - 1, 1, {})",
    "insert": "table.insert(setmetatable({}, LONG), 1, 1)",
    "remove": "table.remove(setmetatable({}, LONG), 1)",
    "concat": 'table.concat(setmetatable({}, { __index = tostring }), "", 1, math.maxinteger)',
    "concat_empty": "table.concat(setmetatable({}, EMPTY), '', 1, math.maxinteger)",
    "sort_native": "table.sort(setmetatable({}, MANY), rawequal)",
    "pack": "skynet.packstring(TWICE)",
    "pack_pairs": "skynet.packstring(setmetatable({}, ENDLESS))",
    "json": "require('json').encode(TWICE)",
}
SHORT = {
    "rep_nothing": 'string.rep("", math.maxinteger)',
    "rep_nothing_between": 'string.rep("", math.maxinteger, "")',
    "plain": 'assert(not ("a"):rep(400000):find(("a"):rep(200000) .. "b", 1, true))',
    "unpack": "assert(not pcall(table.unpack, {}, 1, 1e8))",
    "rep_too_much": 'assert(not pcall(string.rep, "x", 1 << 40))',
    "format": 'assert(not pcall(string.format, "%99999d", 1))',
}

MODULE = """
local S = ("a"):rep(2500)
local LONG = { __len = function() return math.maxinteger - 1 end }
local EMPTY = { __index = function() return "" end }
local MANY = { __len = function() return (1 << 31) - 10 end }
local ENDLESS = { __pairs = function() return tostring, 1 end }
local TWICE = {}
for _ = 1, 30 do TWICE = { TWICE, TWICE } end
local skynet = require "skynet"
local call = {}
%s
return { request = function(self, msg)
	if call[msg] then call[msg]() end
	return "ok"
end }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bounds")
    functions = [
        f"function call.{name}() {body} end" for name, body in {**CALLS, **SHORT}.items()
    ]
    (folder / "calls.lua").write_text(MODULE % "\n".join(functions))
    changes = {
        "workers": 1,
        "limits": {
            "endless_loop_report_ms": 50,
            "endless_loop_break_ms": 400,
            "vm_memory_bytes_max": 64 << 20,
        },
        "agent": {"module": str(folder / "calls.lua")},
    }
    instance = Server(folder, changes).start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def players(server):
    pair = [Player(server), Player(server)]
    for player in pair:
        player.connect()
    yield pair


@pytest.mark.parametrize("call", CALLS)
def test_a_call_without_end_is_interrupted(players, call):
    with pytest.raises(RequestFailed):
        players[0].gate.request(call, timeout=20 * PATIENCE)
    for player in players:
        assert player.gate.request("echo", timeout=20 * PATIENCE) == b"ok"


@pytest.mark.parametrize("call", SHORT)
def test_a_call_that_can_be_short_is(players, call):
    assert players[0].gate.request(call, timeout=20 * PATIENCE) == b"ok"
