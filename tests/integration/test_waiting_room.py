"""The waiting rooms: a place in line, kept for a while, and let in in order."""

import json
import re
import select
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import sqlite_store
from gatehouse_client import Closed, Stream, login, make_token, read_answer
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

FAST = {"waiting_update_ms": 100}


def kick(server, name):
    """By a ban that is lifted at once: an operator's way without an admin port."""
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query(f"UPDATE account SET status = 'banned' WHERE name = '{name}'")

    def offline():
        rows = store.query(f"SELECT session_gate FROM account WHERE name = '{name}'")
        return rows == [[""]]

    wait_until(offline, 10 * PATIENCE, f"{name} offline")
    store.query(f"UPDATE account SET status = 'active' WHERE name = '{name}'")


def wait_waiting(server, count):
    def waiting():
        with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics") as answer:
            text = answer.read().decode()
        found = re.search(r'^gatehouse_login_waiting\{room="server"\} (\d+)', text, re.MULTILINE)
        return found is not None and int(found[1]) == count

    wait_until(waiting, 10 * PATIENCE, f"{count} waiting")


class Visitor:
    """A login that may have to wait; its lines are read when asked for."""

    def __init__(self, server, name=None):
        self.name = name or fresh_name("visitor")
        self.stream = Stream(server.login, timeout=20 * PATIENCE)
        self.stream.read_line()
        self.stream.send(make_token(self.name, "secret", "sample").encode() + b"\n")

    def line(self):
        return self.stream.read_line()

    def wait_position(self, position):
        while True:
            line = self.line()
            assert line.startswith("102 Waiting "), line
            if line == f"102 Waiting {position}":
                return

    def answer(self):
        return read_answer(self.stream)


@pytest.fixture
def full(start_server):
    """A server with room for `capacity` players, and as many players in it."""

    def start(capacity=2, **limits):
        server = start_server(
            {
                "limits": FAST | limits,
                "store": {"watch_interval_ms": 100},
                "admin": {"listen": "127.0.0.1:0"},
            }
        )
        store = sqlite_store(server.config["store"]["sqlite"]["path"])
        store.query(f"INSERT INTO game_server (name, capacity) VALUES ('sample', {capacity})")
        players = [Player(server) for _ in range(capacity)]
        return server, store, players

    return start


def test_who_finds_the_server_full_waits_in_line(full):
    server, _, players = full(2)
    first = Visitor(server)
    first.wait_position(1)
    second = Visitor(server)
    second.wait_position(2)
    kick(server, players[0].user)
    assert first.answer().startswith("200 ")
    second.wait_position(1)
    kick(server, players[1].user)
    assert second.answer().startswith("200 ")


def test_a_player_who_is_in_needs_no_place(full):
    server, _, players = full(2)
    again = Player(server, players[0].user)
    assert again.login.waited == []
    assert login(server.login, again.user, "guess", "sample").line == "401 Unauthorized"


def test_staff_do_not_wait(full):
    server, store, _ = full(1)
    player = Visitor(server)
    player.wait_position(1)
    staff = Visitor(server)
    staff.wait_position(2)
    staff.stream.close()
    store.query(f"UPDATE account SET staff = 1 WHERE name = '{staff.name}'")
    wait_waiting(server, 1)
    assert Visitor(server, staff.name).line().startswith("200 ")
    player.stream.close()


def test_maintenance_stops_the_line(full):
    server, store, players = full(1)
    visitor = Visitor(server)
    visitor.wait_position(1)
    store.query("UPDATE game_server SET state = 'maintenance'")
    kick(server, players[0].user)
    behind = Visitor(server)
    assert behind.answer() == "403 Forbidden"
    wait_waiting(server, 1)
    store.query("DELETE FROM game_server")
    assert visitor.answer().startswith("200 ")


def test_the_status_tells_how_many_wait(full):
    server, _, _ = full(1)
    visitors = [Visitor(server), Visitor(server)]
    for visitor in visitors:
        assert visitor.line().startswith("102 Waiting ")
    with urllib.request.urlopen(f"http://{server.ready['admin']}/status") as answer:
        assert json.load(answer)["login"]["waiting"] == 2


def test_a_place_is_kept_for_a_client_that_drops(full):
    server, _, players = full(1)
    first, second = Visitor(server), None
    first.wait_position(1)
    second = Visitor(server)
    second.wait_position(2)
    first.stream.close()
    wait_waiting(server, 1)
    returned = Visitor(server, first.name)
    returned.wait_position(1)
    kick(server, players[0].user)
    assert returned.answer().startswith("200 ")
    second.wait_position(1)


def test_a_kept_place_holds_nobody_up_and_is_forgotten(full):
    server, _, players = full(1, waiting_keep_ms=300)
    first = Visitor(server)
    first.wait_position(1)
    second = Visitor(server)
    second.wait_position(2)
    first.stream.close()
    second.wait_position(1)
    returned = Visitor(server, first.name)
    returned.wait_position(2)
    kick(server, players[0].user)
    assert second.answer().startswith("200 ")


def test_a_skynet_client_just_waits(full):
    server, _, players = full(1)
    with ThreadPoolExecutor() as pool:
        name = fresh_name()
        waiting = pool.submit(
            login, server.login, name, "secret", "sample", "skynet", 30 * PATIENCE
        )
        wait_waiting(server, 1)
        behind = Visitor(server)
        behind.wait_position(2)
        assert not waiting.done()
        kick(server, players[0].user)
        assert waiting.result().code == 200
    behind.wait_position(1)


def test_raising_the_capacity_lets_in(full):
    server, store, _ = full(1)
    visitors = []
    for position in (1, 2, 3):
        visitors.append(Visitor(server))
        visitors[-1].wait_position(position)
    store.query("UPDATE game_server SET capacity = 3")
    assert visitors[0].answer().startswith("200 ")
    assert visitors[1].answer().startswith("200 ")
    visitors[2].wait_position(1)
    store.query("UPDATE game_server SET capacity = 0")
    assert visitors[2].answer().startswith("200 ")


def test_never_more_players_than_the_capacity(full):
    """Forty logins at once into a server with ten places, five of them taken."""
    server, store, _ = full(5)
    store.query("UPDATE game_server SET capacity = 10")
    visitors = [Visitor(server) for _ in range(40)]
    wait_waiting(server, 35)
    streams = {visitor.stream.socket: visitor.stream for visitor in visitors}
    while len(streams) > 35:
        ready = select.select(list(streams), [], [], 20 * PATIENCE)[0]
        assert ready, f"{len(streams)} are not let in"
        for socket in ready:
            streams[socket].fill()
            if b"\n200 " in b"\n" + streams[socket].buffer:
                del streams[socket]
    assert len(streams) == 35
    online = store.query("SELECT COUNT(*) FROM account WHERE session_gate <> ''")
    assert online == [["10"]]
    wait_waiting(server, 35)


def test_a_full_room_answers_503(full):
    server, _, _ = full(1, waiting_places_max=1)
    first = Visitor(server)
    first.wait_position(1)
    assert Visitor(server).answer() == "503 Service Unavailable"
    first.stream.close()


def test_logins_are_let_in_at_the_rate(start_server):
    server = start_server({"limits": FAST | {"login_rate_per_s": 4}})
    began = time.monotonic()
    with ThreadPoolExecutor(9) as pool:
        logins = list(pool.map(lambda _: Player(server).login, range(9)))
    seconds = time.monotonic() - began
    assert seconds > 1.5, "nine at four a second need two seconds"
    assert any(one.waited for one in logins)


def test_the_hash_line_tells_places_and_loses_nobody(start_server):
    # A hash takes longer than a position is kept back, on any machine; sanitizers do not slow it.
    server = start_server(
        {
            "limits": FAST | {"hash_threads": 1},
            "auth": {"argon2": {"memory_kib": 19456, "passes": 16}},
        }
    )
    with ThreadPoolExecutor(12) as pool:
        logins = list(pool.map(lambda _: Player(server).login, range(12)))
    assert [one.code for one in logins] == [200] * 12
    assert any(one.waited for one in logins), "some had to wait"
    for one in logins:
        assert one.waited == sorted(one.waited, reverse=True), "places only get better"


def test_who_leaves_the_hash_line_can_come_again_at_once(start_server):
    server = start_server(
        {
            "limits": {"hash_threads": 1},
            "auth": {"argon2": {"memory_kib": 19456, "passes": 8 // PATIENCE + 1}},
        }
    )
    crowd = [Visitor(server) for _ in range(10)]
    last = Visitor(server)
    for _ in range(3):
        last.stream.close()
        last = Visitor(server, last.name)
    for visitor in [*crowd, last]:
        line = visitor.answer()
        # The server may see the new connection before the end of the old one.
        assert line.startswith(("200 ", "406 ")), line


def test_shutdown_answers_who_waits(full):
    server, _, _ = full(1)
    visitor = Visitor(server)
    visitor.wait_position(1)
    server.stop()
    try:
        assert visitor.answer() == "503 Service Unavailable"
    except Closed:
        pytest.fail("closed without an answer")


def test_names_are_no_places_of_others(full):
    """A client that does not know the password gets no place, and nobody else's."""
    server, _, _ = full(1)
    visitor = Visitor(server)
    visitor.wait_position(1)
    visitor.stream.close()
    wait_waiting(server, 0)
    stranger = login(server.login, visitor.name, "guess", "sample")
    assert stranger.line == "401 Unauthorized" and stranger.waited == []
    returned = Visitor(server, visitor.name)
    returned.wait_position(1)
