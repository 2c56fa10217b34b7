"""Many at once: players who talk, and connections that never do."""

import time

import pytest
from mass_client import SilentCrowd, run_players
from players import Player
from server import PATIENCE, SANITIZED

PLAYERS = 300 if SANITIZED else 2000
SILENT = 1500 if SANITIZED else 10_000


@pytest.mark.parametrize("suite", ["skynet", "plain"])
def test_players_logged_in_and_connected_at_once(start_server, suite):
    server = start_server({"limits": {"profile": "off"}})
    report = run_players(server, PLAYERS, rounds=10, suite=suite)
    print(report)
    assert report.logged_in == PLAYERS, report
    assert report.most_at_once == PLAYERS, report
    assert (report.right, report.wrong, report.missing) == (PLAYERS * 10, 0, 0), report


@pytest.mark.parametrize("port", ["login", "gate"])
def test_silent_connections_are_closed_while_a_player_plays(start_server, port):
    timeout_ms = 3000 * PATIENCE
    server = start_server(
        {
            "login": {"handshake_timeout_ms": timeout_ms},
            "limits": {
                "profile": "off",
                "gate_handshake_timeout_ms": timeout_ms,
            },
            "gate": {
                "gates": [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": 15_000}]
            },
        }
    )
    honest = Player(server).connect()
    assert honest.request("before") == b"before"
    before = server.memory_kib()
    slowest = 0.0
    with SilentCrowd(server.login if port == "login" else server.gate(), SILENT) as crowd:
        opened = time.monotonic()
        number = 0
        while crowd.reap(0.05):
            number += 1
            start = time.monotonic()
            assert honest.request(f"n{number}") == f"n{number}".encode()
            slowest = max(slowest, time.monotonic() - start)
            assert time.monotonic() - opened < timeout_ms / 1000 + 30 * PATIENCE
        assert crowd.closed == SILENT
    assert slowest < 1.0 * PATIENCE, "an honest player is served all the while"
    grown = server.memory_kib("VmHWM") - before
    print(f"{port}: peak grew by {grown} KiB, slowest answer {slowest * 1000:.1f} ms")
    if not SANITIZED:
        assert grown < SILENT * 8, "at most 8 KiB a connection that never spoke"
    assert Player(server).connect().request("after") == b"after"
