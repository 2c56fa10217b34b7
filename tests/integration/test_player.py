"""lua/game/player.lua, request by request, and what holds around its requests."""

import threading
import time

import pytest
from gatehouse_client import RequestFailed, login
from players import Player, fresh_name
from server import PATIENCE


@pytest.fixture
def player(server):
    return Player(server)


def test_echo_is_the_default(player):
    gate = player.connect()
    for text in (b"anything", b"counted", b"Count", b"\x00\xff binary", "严".encode(), b""):
        assert gate.request(text) == text


def test_count(player):
    gate = player.connect()
    assert [gate.request("count") for _ in range(12)] == [b"%d" % n for n in range(1, 13)]


def test_note(player):
    gate = player.connect()
    assert gate.request("note") == b""
    gate.request("note remember the milk")
    assert gate.request("note") == b"remember the milk"
    gate.request("note 严 and \U0001f600")
    assert gate.request("note") == "严 and \U0001f600".encode()


def test_players_do_not_share_their_data(server):
    one, two = Player(server).connect(), Player(server).connect()
    one.request("note mine")
    assert one.request("count") == b"1"
    assert two.request("note") == b""
    assert two.request("count") == b"1"


def test_sleep(player):
    gate = player.connect()
    start = time.monotonic()
    assert gate.request("sleep 300") == b"ok"
    assert 0.28 <= time.monotonic() - start < 2 * PATIENCE


def test_requests_of_one_player_run_one_after_the_other(player):
    gate = player.connect()
    gate.send_request("sleep 200", 1)
    gate.send_request("count", 2)
    gate.response(2)
    assert gate.responses[1] == [(1, b"ok")], "the sleep was answered first"


def test_players_do_not_wait_for_each_other(server):
    sleepers = [Player(server).connect() for _ in range(20)]
    start = time.monotonic()
    for gate in sleepers:
        gate.send_request("sleep 500", 1)
    assert [gate.response(1) for gate in sleepers] == [(1, b"ok")] * 20
    assert time.monotonic() - start < 3 * PATIENCE


def test_error_touches_its_request_only(server, player):
    other = Player(server).connect()
    gate = player.connect()
    assert gate.request("count") == b"1"
    with pytest.raises(RequestFailed):
        gate.request("error")
    assert gate.request("count") == b"2"
    assert other.request("fine") == b"fine"


def test_whoami(player):
    assert player.connect().request("whoami") == f"{player.user}@sample".encode()


def test_player_stays_while_not_connected(player):
    gate = player.connect()
    gate.request("count")
    gate = player.reconnect()
    assert gate.request("count") == b"2"


def test_kick_in_the_middle_of_a_request_keeps_what_was_done(server, player):
    gate = player.connect()
    assert gate.request("count") == b"1"
    gate.send_request("sleep 5000")
    gate.ping()
    again = Player(server, player.user)
    assert again.connect().request("count") == b"2"


def test_relogin_storm_loses_no_count(server):
    """Each login kicks the one before; every counted request stays counted."""
    name = fresh_name("storm")
    for n in range(1, 16):
        assert Player(server, name).connect().request("count") == str(n).encode()


def test_two_devices_fight_over_one_account(server):
    """Whatever the order, at most one is in, and nobody is locked out at the end."""
    name = fresh_name("fight")
    Player(server, name)
    codes = []

    def fight():
        for _ in range(10):
            codes.append(login(server.login, name, "secret", "sample").code)

    threads = [threading.Thread(target=fight) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 40 and set(codes) <= {200, 406}
    assert Player(server, name).connect().request("count") == b"1"


def test_afk_timeout_ends_the_session_and_saves(start_server):
    server = start_server({"agent": {"afk_timeout_ms": 400 * PATIENCE}})
    player = Player(server)
    gate = player.connect()
    gate.request("count")
    since = server.log_size()
    gate.close()
    server.wait_log(f"{player.user}@sample is logout", since)
    assert Player(server, player.user).connect().request("count") == b"2"


def test_one_vm_for_each_player(start_server):
    server = start_server({"agent": {"per_vm": 1}})
    one, two = Player(server).connect(), Player(server).connect()
    assert one.request("count") == b"1"
    assert two.request("count") == b"1"
    with pytest.raises(RequestFailed):
        one.request("error")
    assert two.request("whoami") is not None


def test_smallest_actor_module(start_server, tmp_path):
    module = tmp_path / "smallest.lua"
    module.write_text("return { request = function(self, msg) return msg end }\n")
    server = start_server({"agent": {"module": str(module)}})
    assert Player(server).connect().request("count") == b"count"
