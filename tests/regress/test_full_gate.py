"""Who holds the place is not asked: a full gate closed every newcomer without a word, also the one
whose own dead connection filled it. A newcomer may say who he is; the same player's older
connection makes room, and everybody else is told why not."""

import contextlib
import json
import urllib.request

import pytest
from conftest import sqlite_store
from gatehouse_client import Closed, Gate, Stream, login, make_token
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

FULL = "503 Service Unavailable full"


def tiny(start_server, places=1, **limits):
    return start_server(
        {
            "gate": {
                "gates": [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": places}]
            },
            "limits": limits,
            "admin": {"listen": "127.0.0.1:0"},
        }
    )


def answer(server, player):
    player.index += 1
    with Gate(server.gate()) as gate:
        return gate.handshake(player.login, player.index)


def test_a_full_gate_says_so(start_server):
    server = tiny(start_server)
    player = Player(server)
    player.connect()
    assert answer(server, Player(server)) == FULL
    with Gate(server.gate()) as silent:
        assert silent.read_frame(20 * PATIENCE).decode() == FULL
        with pytest.raises(Closed):
            silent.read_frame(20 * PATIENCE)
    server.wait_log("closed: maxclient")
    assert player.gate.request("in") == b"in"


def test_an_own_dead_connection_makes_room(start_server):
    """On both workers: the handshake may have to move to the session's."""
    server = tiny(start_server, 4)
    players = [Player(server) for _ in range(4)]
    dead = [player.connect() for player in players]
    stranger = Player(server)
    for player in players * 3:
        gate = player.connect()
        assert gate.request("alive") == b"alive"
        assert answer(server, stranger) == FULL, "no place has become free by that"
    for gate in dead:
        gate.read_until_closed(20 * PATIENCE)
    players[0].gate.close()
    wait_until(
        lambda: answer(server, stranger) == "200 OK", 20 * PATIENCE, "a place that somebody left"
    )


def test_a_wrong_mac_takes_nobodys_place(start_server):
    server = tiny(start_server)
    player = Player(server)
    gate = player.connect()
    with Gate(server.gate()) as thief:
        thief.send_frame(player.login.handshake(9).rsplit(":", 1)[0] + ":AAAAAAAAAAA=")
        assert thief.read_frame().decode() == "401 Unauthorized"
    assert gate.request("mine") == b"mine"


def from_address(server, source):
    gate = Gate.__new__(Gate)
    Stream.__init__(gate, server.gate(), 20 * PATIENCE, source=source)
    gate.responses, gate.pushes, gate.controls, gate.next_session = {}, [], [], 1
    return gate


def test_strangers_do_not_keep_the_owner_out(start_server):
    server = tiny(start_server, gate_handshake_timeout_ms=60_000)
    player = Player(server)
    player.connect()
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            with contextlib.suppress(Closed, OSError):
                stack.enter_context(from_address(server, "127.0.0.2"))
        assert player.connect().request("in") == b"in"


def test_places_come_back(start_server):
    server = tiny(start_server, 2)
    players = [Player(server) for _ in range(2)]
    for _ in range(20):
        for player in players:
            player.connect()
    for player in players:
        player.gate.close()

    def open_connections():
        with urllib.request.urlopen(f"http://{server.ready['admin']}/status") as page:
            return sum(gate["connections"] for gate in json.load(page)["gates"])

    wait_until(lambda: open_connections() == 0, 20 * PATIENCE, "no connection left")
    assert [answer(server, player) for player in players] == ["200 OK"] * 2


def seats_server(start_server, **agent):
    server = start_server(
        {
            "agent": agent,
            "limits": {"gate_seat_keep_ms": 1_000, "waiting_update_ms": 100},
            "store": {"watch_interval_ms": 100},
        }
    )
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query("INSERT INTO game_server (name, capacity) VALUES ('sample', 1)")
    return server


def begin_login(server):
    stream = Stream(server.login, timeout=30 * PATIENCE)
    stream.read_line()
    stream.send(make_token(fresh_name(), "secret", "sample").encode() + b"\n")
    return stream


def last_line(stream):
    while (line := stream.read_line()).startswith("102 "):
        pass
    return line


def test_the_seat_of_who_is_away_is_not_kept_for_ever(start_server):
    server = seats_server(start_server, afk_timeout_ms=0)
    player = Player(server)
    gate = player.connect()
    with begin_login(server) as stranger:
        assert stranger.read_line() == "102 Waiting 1"
        gate.close()
        assert last_line(stranger).startswith("200 ")
    assert player.connect().request("still in") == b"still in"
    assert login(server.login, player.user, "secret", "sample").code == 200, "and needs no seat"


def test_who_never_connects_keeps_no_seat_for_ever(start_server):
    server = seats_server(start_server, afk_timeout_ms=0)
    Player(server)
    with begin_login(server) as stranger:
        assert last_line(stranger).startswith("200 ")
