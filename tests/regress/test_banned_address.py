"""An address had two spellings and two doors: a network of one family banned the other, who was
banned kept a place while he was told so, the gate did not know of bans at all, and a row that
nobody can read was said in the log alone. A network is of one family, a banned connection takes
nothing at any port, and rows without effect are where operators look."""

import contextlib
import json
import socket
import urllib.request

import pytest
from conftest import sqlite_store
from gatectl import Tool
from gatehouse_client import Closed, Stream, frame, login
from players import Player
from server import PATIENCE
from waiting import wait_until

WATCH = {"store": {"watch_interval_ms": 100}, "admin": {"listen": "127.0.0.1:0"}}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def ban(server, *networks, table="address_ban"):
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    for network in networks:
        store.query(f"INSERT INTO {table} (network) VALUES ('{network}')")


def refused(server, source, address=None):
    """Whether a connection from the address is told 403 instead of the challenge."""
    try:
        with Stream(address or server.login, source=source) as stream:
            return stream.read_line() == "403 Forbidden"
    except Closed:
        return True


def wait_banned(server, source, address=None):
    wait_until(lambda: refused(server, source, address), 10 * PATIENCE, f"{source} is banned")


def status(server):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/status", timeout=10) as answer:
        return json.load(answer)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_a_network_is_of_one_family(start_server):
    suites = ["plain"]
    listeners = [
        {"transport": "tcp", "address": address, "suites": suites}
        for address in ("127.0.0.1:0", "[::1]:0")
    ]
    server = start_server(WATCH | {"login": {"listen": listeners}})
    v4, v6 = (entry["address"] for entry in server.ready["login"])
    ban(server, "::/0")
    wait_banned(server, "::1", v6)
    assert login(v4, "ada", "secret", "sample").code == 200
    ban(server, "::/1", "::ffff:127.0.7.0/120")
    wait_banned(server, "127.0.7.9", v4)
    assert login(v4, "ada", "secret", "sample").code == 200
    ban(server, "0.0.0.0/0")
    wait_banned(server, "127.0.0.1", v4)


def test_the_other_family_bans_nobody_here(start_server):
    server = start_server(WATCH)
    ban(server, "::/0", "::/3", "127.0.7.1")
    wait_banned(server, "127.0.7.1")
    assert login(server.login, "ada", "secret", "sample").code == 200


def test_who_is_banned_takes_no_place_at_the_login(start_server):
    server = start_server(WATCH | {"limits": {"login_connections_max": 4}})
    ban(server, "127.0.8.0/24")
    wait_banned(server, "127.0.8.1")
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            # It is told no, and does not go.
            stream = stack.enter_context(Stream(server.login, source="127.0.8.1"))
            assert stream.read_line() == "403 Forbidden"
        for number in range(3):
            assert login(server.login, f"player{number}", "secret", "sample").code == 200
        assert status(server)["login"]["connections"] <= 3


def test_who_is_banned_takes_no_place_at_a_gate(start_server):
    gates = [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": 2}]
    server = start_server(WATCH | {"gate": {"gates": gates}})
    ban(server, "127.0.8.0/24")
    wait_banned(server, "127.0.8.1")
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stream = stack.enter_context(Stream(server.gate(), source="127.0.8.1"))
            with contextlib.suppress(ConnectionError):
                assert stream.read_to_end(10 * PATIENCE) == b""
        player = Player(server)
        assert player.connect().request("count") == b"1"
        assert status(server)["gates"][0]["connections"] == 1
    # Who is allowed is allowed everywhere.
    ban(server, "127.0.8.2", table="address_allow")
    wait_until(lambda: not refused(server, "127.0.8.2"), 10 * PATIENCE, "127.0.8.2 is allowed")
    player = Player(server)
    with Stream(server.gate(), source="127.0.8.2") as stream:
        stream.send(frame(player.login.handshake(1).encode()))
        assert stream.socket.recv(8, socket.MSG_WAITALL) == frame(b"200 OK")


def test_a_row_that_nobody_can_read_is_said_where_operators_look(start_server):
    server = start_server(WATCH)
    ban(server, "127.0.0.0/99", "::ffff:127.0.9.0/24", "127.0.9.1")
    ban(server, "the office", table="address_allow")
    wait_banned(server, "127.0.9.1")
    wait_until(lambda: len(status(server)["bad_rows"]) == 3, 10 * PATIENCE, "three bad rows")
    rows = {(row["table"], row["network"]) for row in status(server)["bad_rows"]}
    assert rows == {
        ("address_ban", "127.0.0.0/99"),
        ("address_ban", "::ffff:127.0.9.0/24"),
        ("address_allow", "the office"),
    }
    assert login(server.login, "ada", "secret", "sample").code == 200
    tool = Tool(server.folder / "tool", server.config)
    said = tool.done("--set", f"admin.listen={server.ready['admin']}", "status")
    for word in ("127.0.0.0/99", "the office", "no effect"):
        assert word in said
    code, listed, error = tool("network", "list")
    assert code == 1 and "3" in error, error
    assert listed.count("NO EFFECT") == 3 and "127.0.9.1" in listed
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query("DELETE FROM address_allow")
    store.query("DELETE FROM address_ban WHERE network <> '127.0.9.1'")
    wait_until(lambda: status(server)["bad_rows"] == [], 10 * PATIENCE, "no bad row")
    assert "127.0.9.1" in tool.done("network", "list")
