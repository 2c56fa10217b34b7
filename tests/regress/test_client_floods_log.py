"""The kind of fault: somebody who is let in writes as much into the log as he likes, and nobody
sees who it was. What he does wrong is said a few times, with his name, and then counted."""

import re

import pytest
from gatehouse_client import RequestFailed, login
from players import Player, fresh_name
from server import PATIENCE, Server

GAME = """
return {
	request = function(self, msg)
		if msg == "fine" then return msg end
		error("bad request: " .. msg)
	end,
	resume = function(self) if self.uid:find "^resumer" then error "cannot resume" end end,
}
"""
PER_MINUTE = 10  # log.player_errors_per_min


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flood")
    (folder / "game.lua").write_text(GAME)
    changes = {
        "agent": {"module": str(folder / "game.lua")},
        "admin": {"listen": "127.0.0.1:0"},
    }
    with Server(folder, changes) as instance:
        yield instance


def fails(gate, text):
    with pytest.raises(RequestFailed):
        gate.request(text)


def lines_about(server, user, since):
    """The log is in order: what was said before another player came is there with his line."""
    marker = Player(server).user
    server.wait_log(f"{marker} is login", since)
    return [line for line in server.log(since).splitlines() if "error" in line and user in line]


def test_one_player(server):
    since = server.log_size()
    player = Player(server)
    gate = player.connect()
    for _ in range(60):
        fails(gate, "x" * 3000)
    assert gate.request("fine") == b"fine"
    said = lines_about(server, player.user, since)
    assert len(said) == PER_MINUTE, said
    for line in said:
        assert f"{player.user}@sample request " in line, line
        assert re.search(r" request \d+: lua error : .*bad request", line), line
    assert len(server.log(since)) < 40_000, "neither often nor at length"
    other = Player(server)
    fails(other.connect(), "mine")
    assert len(lines_about(server, other.user, since)) == 1, "others are still heard"
    assert metric(server, "gatehouse_log_lines_left_out_total") >= 60 - PER_MINUTE
    # A new session is the same player.
    again = Player(server, player.user).connect()
    fails(again, "again")
    assert len(lines_about(server, player.user, since)) == PER_MINUTE


def test_hooks_count_as_well(server):
    since = server.log_size()
    user = fresh_name("resumer")
    player = Player(server, user)
    player.connect()
    for _ in range(25):
        player.reconnect()
    assert player.gate.request("fine") == b"fine"
    said = lines_about(server, user, since)
    assert 1 <= len(said) <= PER_MINUTE, said
    assert f"{user}@sample resume: lua error" in said[0]


def test_all_players_share_one_budget(start_server, tmp_path):
    (tmp_path / "game.lua").write_text(GAME)
    server = start_server(
        {
            "agent": {"module": str(tmp_path / "game.lua")},
            "log": {"player_errors_per_min": 3, "all_player_errors_per_min": 7},
        }
    )
    gates = [Player(server).connect() for _ in range(5)]
    for gate in gates:
        for _ in range(3):
            fails(gate, "x")
    lines_about(server, "", 0)
    assert server.log().count("lua error : ") == 7


def test_what_was_left_out_is_said(server):
    """The last of the module: it ends the server's minute by ending the server."""
    since = server.log_size()
    user = fresh_name("counted")
    gate = Player(server, user).connect()
    for _ in range(30):
        fails(gate, "x")
    gate.close()
    server.stop()
    said = server.log(since).count("lua error : ")
    told = re.findall(rf"{user}: (\d+) more errors", server.log(since))
    assert sum(map(int, told)) == 30 - said, server.log(since)[-2000:]
    server.start()
    assert login(server.login, fresh_name(), "secret", "sample").code == 200


def metric(server, name):
    from raw_http import exchange

    text = exchange(
        server.ready["admin"], b"GET /metrics HTTP/1.0\r\n\r\n", 30 * PATIENCE
    )
    return float(re.search(rf"^{name} (\S+)", text, re.MULTILINE)[1])
