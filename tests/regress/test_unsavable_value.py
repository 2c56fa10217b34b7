"""A failure that repeats in silence: one value that cannot be stored stopped every later save of a
player while requests went on being answered. Operators are told where it is, the store keeps what
was good, and the player's session ends before much is lost."""

import http.client
import json

import pytest
from gatehouse_client import RequestFailed
from players import Player
from server import PATIENCE
from waiting import wait_until

GAME = """
local skynet = require "skynet"
local M = {}

local function deep(n)
	local t = {}
	local top = t
	for _ = 1, n do t.down = {} t = t.down end
	return top
end

local bad = {
	["function"] = function(bag) bag.items = { {}, {}, { on_use = print } } end,
	coroutine = function(bag) bag["two words"] = { coroutine.create(print) } end,
	userdata = function(bag) bag.file = io.stdout end,
	pointer = function(bag)
		local pointer, size = skynet.pack(1)
		skynet.trash(pointer, size)
		bag.pointer = pointer
	end,
	cycle = function(bag) bag.inner = { back = bag } end,
	deep = function(bag) bag.chain = deep(60) end,
	key = function(bag) bag[print] = 1 end,
	list = function(bag) bag[4] = {} bag[4][true] = print end,
	big = function(bag) bag.text = ("x"):rep(9 * 1024 * 1024) end,
	raise = function(bag) bag.raise = true end,
	raise_odd = function(bag) bag.raise_odd = true end,
	hang = function(bag) bag.hang = true end,
	itself = function(_, self) self.itself = print end,
}

function M.load(self, data) self.data = data or { n = 0, bag = {} } end
function M.save(self)
	if self.itself then return self.itself end
	local bag = self.data.bag
	if bag.raise then error "save cannot" end
	if bag.raise_odd then error(setmetatable({}, { __tostring = function() error "no" end })) end
	if bag.hang then skynet.wait() end
	return self.data
end
function M.request(self, msg)
	local what, value = msg:match "^(%w+) ?(.*)$"
	if what == "add" then
		self.data.n = self.data.n + 1
	elseif what == "spoil" then
		bad[value](self.data.bag, self)
	elseif what == "mend" then
		self.data.bag = {}
	elseif what == "flush" then
		return select(2, pcall(self.flush, self)) or "flushed"
	elseif what == "commit" then
		self:commit()
	end
	return tostring(self.data.n)
end
return M
"""

PLACES = {
    "function": r"bag\.items\[3\]\.on_use is a function",
    "coroutine": r'bag\["two words"\]\[1\] is a coroutine',
    "userdata": r"bag\.file is a userdata",
    "pointer": r"bag\.pointer is a light userdata",
    "cycle": r"bag\.inner\.back is a table that contains it",
    "deep": r"bag\.chain\.down.*is nested deeper than 32 tables",
    "key": r"bag has a key that is a function",
    "list": r"bag\[4\]\[true\] is a function",
    "big": r"player data has \d+ bytes, more than \d+",
    "raise": r"save cannot",
    "raise_odd": r"save\(\) raises: \(error object is a table\)",
    "hang": r"save\(\) takes too long",
    "itself": r"what save\(\) returns is a function",
}


def config(tmp_path, **agent):
    module = tmp_path / "game.lua"
    module.write_text(GAME)
    settings = {"module": str(module), "save_timeout_ms": 300, **agent}
    return {"admin": {"listen": "127.0.0.1:0"}, "agent": settings}


def ask(server, path):
    host, port = server.ready["admin"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def unsaved(server):
    return json.loads(ask(server, "/status"))["players_unsaved"]


@pytest.mark.parametrize("value", PLACES)
def test_the_player_is_ended_and_the_last_good_state_stays(start_server, tmp_path, value):
    server = start_server(
        config(tmp_path, save_interval_ms=100, save_failures_max=3, rescue_after_ms=300)
    )
    player = Player(server)
    gate = player.connect(conversation="c")
    gate.request("add")
    assert gate.request("flush") == b"flushed"
    gate.request(f"spoil {value}")
    gate.request("add")
    controls = gate.wait_for(gate.controls, timeout=30 * PATIENCE)
    assert "cannot be saved" in json.dumps(controls)
    log = server.wait_log(f"{player.user}@sample is not saved, 3 times in a row: .*", timeout=20)
    assert log
    server.wait_log(f"{player.user}@sample is not saved.*{PLACES[value]}")
    # What has a form goes to a file when the store does not take it; the rest is lost.
    end = "what was done in the last .* is lost"
    if value == "big":
        end = "leaves unsaved; its data is in"
    server.wait_log(f"{player.user}@sample:? {end}", timeout=20)
    assert Player(server, player.user).connect().request("look") == b"1"
    assert unsaved(server) == 0


@pytest.mark.parametrize("value", [v for v in PLACES if v != "hang"])
def test_flush_and_commit_say_where(start_server, tmp_path, value):
    server = start_server(config(tmp_path, save_interval_ms=0, save_failures_max=0))
    gate = Player(server).connect(conversation="c")
    assert gate.request("commit") == b"0"
    gate.request(f"spoil {value}")
    import re

    assert re.search(PLACES[value], gate.request("flush").decode()), "flush raises the place"
    since = server.log_size()
    with pytest.raises(RequestFailed):
        gate.request("commit")
    server.wait_log(PLACES[value], since)
    assert unsaved(server) == 1


def test_a_player_who_is_mended_stays(start_server, tmp_path):
    server = start_server(config(tmp_path, save_interval_ms=0, save_failures_max=3))
    gate = Player(server).connect()
    for _ in range(3):
        gate.request("spoil function")
        for _ in range(2):
            assert b"on_use" in gate.request("flush")
        assert unsaved(server) == 1
        gate.request("mend")
        gate.request("add")
        assert gate.request("flush") == b"flushed"
        assert unsaved(server) == 0
    assert gate.request("look") == b"3"


def test_metrics_count_it(start_server, tmp_path):
    server = start_server(config(tmp_path, save_interval_ms=100, save_failures_max=0))
    gate = Player(server).connect()
    gate.request("spoil function")

    def errors():
        for line in ask(server, "/metrics").splitlines():
            if line.startswith("gatehouse_player_save_errors "):
                return float(line.split()[1])
        return 0

    wait_until(lambda: errors() >= 5, 20 * PATIENCE, "failed saves are counted")
    assert "gatehouse_players_unsaved 1" in ask(server, "/metrics")
    assert gate.request("look") == b"0"
