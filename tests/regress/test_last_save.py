"""An end that skips: a hook that hangs, raises something odd or asks for the end of its service
skipped what had to come after it, the player's last save. However a hook ends, save follows."""

import pytest
from gatehouse_client import RequestFailed
from players import Player, fresh_name
from server import PATIENCE

GAME = """
local skynet = require "skynet"
local manager = require "skynet.manager"
local M = {}
local bad = setmetatable({}, { __tostring = function() error "no text" end })
local worse = setmetatable({}, { __tostring = function() return 17 end, __name = 17 })
local tries = {}

local ends = {
	none = function() end,
	wait = function() skynet.wait() end,
	sleep = function() while true do skynet.sleep(5) end end,
	caught = function() while true do pcall(skynet.wait) end end,
	yield = function() coroutine.yield() end,
	raise = function() error "it raises" end,
	raise_nil = function() error() end,
	raise_table = function() error {} end,
	raise_bad = function() error(bad) end,
	raise_worse = function() error(worse) end,
	raise_closing = function()
		local guard <close> = setmetatable({}, { __close = function() error(bad) end })
		error(bad)
	end,
	wait_closing = function()
		local guard <close> = setmetatable({}, { __close = function() error(bad) end })
		skynet.wait()
	end,
	raise_userdata = function() error(io.stdout) end,
	raise_function = function() error(print) end,
	exit = function() skynet.exit() end,
	exit_caught = function() pcall(skynet.exit) end,
	exit_inside = function()
		local inner = coroutine.wrap(function() skynet.exit() end)
		inner()
	end,
	kill = function(self) manager.kill(self.address) end,
	kick = function(self) self:kick "again" end,
	self_call = function(self) self:call(self.uid, "wait") end,
	log = function() skynet.error(bad) end,
	fork = function() skynet.fork(function() error(bad) end) error(bad) end,
	flush_then_wait = function(self) self:flush() skynet.wait() end,
}

local HOST = skynet.self()
ends.host = function() manager.kill(HOST) end
local leave = {}
skynet.fork(function()
	skynet.wait(leave)
	skynet.exit()
end)
ends.host_exit = function() skynet.wakeup(leave) end

function M.load(self, data) self.data = data or { n = 0 } end
function M.save(self)
	local way = self.data.save or "none"
	local count = (tries[self.uid] or 0) + 1
	tries[self.uid] = count
	if way == "at_first" then
		if count < 3 then error(bad) end
	elseif way == "kick" then
		self:kick "while saving"
	elseif way == "exit" and count == 1 then
		skynet.exit()
	elseif way == "yield" then
		skynet.sleep(3)
	end
	return self.data
end
function M.logout(self)
	ends[self.data.logout or "none"](self)
end
function M.receive(self, _, what) return ends[what](self) end
function M.request(self, msg)
	local what, value = msg:match "^(%w+) ?(.*)$"
	if what == "add" then
		self.data.n = self.data.n + 1
	elseif what == "logout" or what == "save" then
		self.data[what] = value
		tries[self.uid] = 0
	elseif what == "do" then
		ends[value](self)
	elseif what == "kick" then
		self:kick "leave"
	elseif what == "kill" then
		local address = require "entity".online(value)
		if address then manager.kill(address) end
	end
	return tostring(self.data.n)
end
return M
"""

LOGOUTS = [
    "none", "wait", "sleep", "caught", "yield", "raise", "raise_nil", "raise_table", "raise_bad",
    "raise_worse", "raise_closing", "wait_closing", "raise_userdata", "raise_function", "exit",
    "exit_caught", "exit_inside", "kill", "kick", "self_call", "log", "fork", "flush_then_wait",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("last_save")
    module = folder / "game.lua"
    module.write_text(GAME)
    agent = {"module": str(module), "logout_timeout_ms": 600, "save_timeout_ms": 3000}
    instance = Server(folder, {"agent": agent}).start()
    yield instance
    instance.stop()


def assert_saved(server, player, expected):
    """Logs in again, which waits for the older agent, and looks."""
    back = Player(server, player.user)
    gate = back.connect()
    gate.request("logout none")
    assert gate.request("look") == expected


@pytest.mark.parametrize("way", LOGOUTS)
def test_save_follows_whatever_logout_does(server, way):
    player = Player(server)
    gate = player.connect()
    gate.request("add")
    gate.request(f"logout {way}")
    gate.send_request("kick")
    server.wait_log(f"{player.user}@sample is logout", timeout=20)
    assert_saved(server, player, b"1")


@pytest.mark.parametrize("way", ["exit", "exit_caught", "exit_inside", "kill"])
def test_save_follows_when_a_request_ends_the_service(server, way):
    player = Player(server)
    gate = player.connect()
    gate.request("add")
    gate.send_request(f"do {way}")
    server.wait_log(f"{player.user}@sample is logout", timeout=20)
    assert_saved(server, player, b"1")


@pytest.mark.parametrize("way", ["raise_bad", "raise_worse", "raise_nil", "raise_closing"])
def test_an_odd_error_of_a_request_touches_that_request_only(server, way):
    player = Player(server)
    gate = player.connect()
    gate.request("add")
    for _ in range(3):
        with pytest.raises(RequestFailed):
            gate.request(f"do {way}")
    assert gate.request("add") == b"2"
    gate.send_request("kick")
    server.wait_log(f"{player.user}@sample is logout", timeout=20)
    assert_saved(server, player, b"2")


@pytest.mark.parametrize("way", ["none", "wait", "raise_bad"])
def test_save_follows_a_kill_by_somebody_else(server, way):
    player, other = Player(server), Player(server).connect()
    gate = player.connect()
    gate.request("add")
    gate.request(f"logout {way}")
    other.request(f"kill {player.user}")
    other.request(f"kill {player.user}")
    server.wait_log(f"{player.user}@sample is logout", timeout=20)
    assert_saved(server, player, b"1")


@pytest.mark.parametrize("way", ["at_first", "exit", "kick", "yield"])
def test_what_save_does_does_not_lose_the_data(server, way):
    player = Player(server)
    gate = player.connect()
    gate.request("add")
    gate.request(f"save {way}")
    gate.send_request("kick")
    server.wait_log(f"{player.user}@sample is logout", timeout=20)
    assert_saved(server, player, b"1")


@pytest.mark.parametrize("way", ["host", "host_exit"])
def test_the_end_of_a_vm_saves_its_players(start_server, tmp_path, way):
    module = tmp_path / "game.lua"
    module.write_text(GAME)
    server = start_server({"workers": 1, "agent": {"module": str(module)}})
    players = [Player(server) for _ in range(5)]
    for player in players:
        player.connect().request("add")
    players[0].gate.send_request(f"do {way}")
    for player in players:
        server.wait_log(f"{player.user}@sample is logout", timeout=20)
    for player in players:
        assert_saved(server, player, b"1")


def test_two_players_who_wait_for_each_other_are_saved(server, tmp_path, start_server):
    module = tmp_path / "game.lua"
    module.write_text("""
local skynet = require "skynet"
return {
	load = function(self, data) self.data = data or {} end,
	save = function(self) return self.data end,
	receive = function(self, from) return (self:call(from, "and you?")) end,
	logout = function(self) self:call(self.data.friend, "bye") end,
	request = function(self, msg)
		if msg ~= "look" then self.data.friend = msg end
		return self.data.friend or "nobody"
	end,
}
""")
    own = start_server(
        {
            "agent": {"module": str(module), "logout_timeout_ms": 700},
            "admin": {"listen": "127.0.0.1:0"},
        }
    )
    one, two = Player(own, fresh_name()), Player(own, fresh_name())
    one.connect().request(two.user)
    two.connect().request(one.user)
    own.stop()  # both leave at once
    own.start()
    assert Player(own, one.user).connect().request("look") == two.user.encode()
    assert Player(own, two.user).connect().request("look") == one.user.encode()


SHUTDOWN_WAYS = ["wait", "caught", "raise_bad", "exit", "self_call"]


def test_the_end_of_the_server_saves_everybody(start_server, tmp_path):
    module = tmp_path / "game.lua"
    module.write_text(GAME)
    # The hooks may take far longer than the server's end: they are cut short there.
    agent = {"module": str(module), "logout_timeout_ms": 600_000, "save_timeout_ms": 600_000}
    server = start_server(
        {"agent": agent, "shutdown": {"timeout_ms": 8000 * PATIENCE}, "workers": 2}
    )
    players = []
    for way in SHUTDOWN_WAYS * 4:
        player = Player(server)
        gate = player.connect()
        gate.request("add")
        gate.request(f"logout {way}")
        players.append(player)
    # One leaves already, with all the time of the world, when the end comes.
    early = Player(server)
    gate = early.connect()
    gate.request("add")
    gate.request("logout wait")
    gate.send_request("kick")
    server.wait_log(f"kick {early.user}@sample")
    since = server.log_size()
    server.stop()
    assert "cut off" not in server.log(since)
    server.start()
    for player in [*players, early]:
        assert_saved(server, player, b"1")


def test_a_save_that_hangs_ends_and_says_what_is_lost(start_server, tmp_path):
    module = tmp_path / "game.lua"
    module.write_text("""
local skynet = require "skynet"
return {
	load = function(self, data) self.data = data or "nothing" end,
	save = function(self)
		if self.data == "hang" then skynet.wait() end
		return self.data
	end,
	request = function(self, msg)
		if msg == "kick" then self:kick() elseif msg ~= "look" then self.data = msg end
		if msg == "good" then self:flush() end
		return self.data
	end,
}
""")
    agent = {"module": str(module), "save_timeout_ms": 500, "save_interval_ms": 0}
    server = start_server({"agent": agent})
    player = Player(server)
    gate = player.connect()
    gate.request("good")
    gate.request("hang")
    gate.send_request("kick")
    server.wait_log(f"{player.user}@sample: what was done in the last .* is lost", timeout=20)
    assert Player(server, player.user).connect().request("look") == b"good"
