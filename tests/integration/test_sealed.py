"""Sealed frames (docs/protocol.md 3.19) at the real server, after a login by x25519 against a
pinned identity: keys and seals by Python's cryptography."""

import base64
import json
import struct
import subprocess
import urllib.request

import pytest
from gatectl import GATECTL
from gatehouse_client import Closed, Gate, frame
from players import Player
from server import PATIENCE
from waiting import wait_until
from x25519_suite import Seal

CONTENT_MAX = 65_535 - 16 - 5  # of a response
ANY = {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["x25519", "plain", "skynet"]}
SERVER = {
    "login": {"listen": [ANY], "identity_key_file": "identity.pem", "identity_key_make": True},
    "admin": {"listen": "127.0.0.1:0"},
}


@pytest.fixture(scope="module")
def pinned(server):
    """The raw public half of the server's identity."""
    command = [GATECTL, "--json", "identity", server.folder / "identity.pem", "--show"]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return base64.b64decode(shown["public_key"]["base64"])


@pytest.fixture
def player(server, pinned):
    return Player(server, suite="x25519", identity=pinned)


def sealed(player, **more):
    """A new connection, whose frames are sealed."""
    gate = player.connect(options="window,sealed", **more)
    assert gate.sealing and gate.opening
    return gate


def metric(server, name):
    """The value of the one metric whose name and labels contain this."""
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    [line] = [line for line in lines if name in line and not line.startswith("#")]
    return int(float(line.rpartition(" ")[2]))


def refused_seals(server):
    return metric(server, 'reason="bad_seal"')


def test_requests_pings_pushes_and_errors(player):
    gate = sealed(player, conversation="c")
    assert gate.request("hello") == b"hello"
    assert gate.ping(b"are you there") == (1, b"are you there")
    assert gate.request("push news") == b"ok"
    assert gate.wait_for(gate.pushes) == [(1, b"news")]
    assert gate.response(gate.send_request("error")) == (0, b"")
    for size in (0, 1, 1000, CONTENT_MAX):
        assert gate.request(b"x" * size) == b"x" * size
    assert gate.response(gate.send_request(b"x" * (CONTENT_MAX + 1))) == (0, b""), "too long"


def test_what_was_missed_comes_under_the_keys_of_the_next_connection(player):
    gate = sealed(player, conversation="c")
    assert gate.request("count", 1) == b"1"
    gate.send_request("sleep 300", 2)
    gate.close()
    other = Player(player.server)
    assert other.connect().request(f"tell {player.user} missed") == b"ok"
    gate = sealed(player, conversation="c", last_push=0)
    [(number, text)] = gate.wait_for(gate.pushes)
    assert (number, text) == (1, f"{other.user}: missed".encode())
    assert gate.request("count", 1) == b"1", "it ran once"
    assert gate.request("sleep 300", 2) == b"ok"


def test_sealed_or_not_by_each_connection(player):
    assert sealed(player, conversation="c").request("count") == b"1"
    gate = player.reconnect(conversation="c")
    assert gate.sealing is None
    assert gate.request("count") == b"2"
    player.gate.close()
    assert sealed(player, conversation="c").request("count") == b"3"


def test_a_client_that_has_been_granted_it_need_not_wait(player):
    sealed(player, conversation="c").close()
    text = player.login.handshake(2, conversation="c", options="sealed")
    salt = text.rpartition(":")[0].encode()
    sealing = Seal(player.login.secret, salt, "c2s")
    body = b"".join(
        frame(sealing.seal(b"count" + struct.pack(">I", number))) for number in range(1, 21)
    )
    with Gate(player.server.gate()) as gate:
        gate.send(frame(text.encode()) + body)
        assert gate.read_frame() == b"200 OK sealed"
        gate.opening = Seal(player.login.secret, salt, "s2c")
        for number in range(1, 21):
            assert gate.response(number) == (1, str(number).encode())


def test_a_newer_login_says_so_under_seal(server, pinned, player):
    gate = sealed(player)
    Player(server, player.user, suite="x25519", identity=pinned)
    [kick] = gate.wait_for(gate.controls, timeout=10 * PATIENCE)
    assert kick["type"] == "kick" and kick["code"] == 409
    gate.read_until_closed()


WAYS = {
    "a bit": lambda first, second: frame(first[:3] + bytes([first[3] ^ 64]) + first[4:]),
    "the tag": lambda first, second: frame(first[:-1] + bytes([first[-1] ^ 1])),
    "cut": lambda first, second: frame(first[:-1]),
    "longer": lambda first, second: frame(first + b"\0"),
    "empty": lambda first, second: frame(b""),
    "in clear": lambda first, second: frame(b"count" + struct.pack(">I", 1)),
    "out of order": lambda first, second: frame(second) + frame(first),
    "one missing": lambda first, second: frame(second),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_changed_is_not_looked_at(server, player, way):
    before = refused_seals(server)
    gate = sealed(player, conversation="c")
    first, second = (
        gate.sealing.seal(b"count" + struct.pack(">I", number)) for number in (1, 2)
    )
    gate.send(WAYS[way](first, second))
    gate.read_until_closed()
    assert gate.controls == [{"type": "kick", "code": 401, "reason": "bad_seal"}]
    assert gate.responses == {}
    assert refused_seals(server) == before + 1
    assert sealed(player, conversation="c").request("count") == b"1", "the session goes on"


def test_a_frame_said_twice_is_served_once(player):
    gate = sealed(player, conversation="c")
    body = frame(gate.sealing.seal(b"count" + struct.pack(">I", 1)))
    gate.send(body + body)
    gate.read_until_closed()
    assert gate.responses == {1: [(1, b"1")]}
    assert [control["reason"] for control in gate.controls] == ["bad_seal"]


def test_a_recorded_connection_cannot_be_played_again(player):
    """Neither the handshake, whose index is used, nor its frames behind the next one."""
    text = player.login.handshake(1, conversation="c", options="sealed")
    gate = sealed(player, conversation="c")
    recorded = frame(gate.sealing.seal(b"count" + struct.pack(">I", 1)))
    gate.send(recorded)
    assert gate.response(1) == (1, b"1")
    with Gate(player.server.gate()) as copy:
        copy.send(frame(text.encode()) + recorded)
        assert copy.read_frame() == b"403 Index Expired"
    again = sealed(player, conversation="c")
    again.send(recorded)
    again.read_until_closed()
    assert [control["reason"] for control in again.controls] == ["bad_seal"]


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_other_suites_are_not_granted_it(server, suite):
    player = Player(server, suite=suite)
    gate = player.connect(conversation="c", options="sealed,window")
    assert gate.sealing is None
    assert gate.request("hello") == b"hello"


def test_refusals_of_the_handshake_are_in_clear(server, player):
    with Gate(server.gate()) as gate:
        assert gate.handshake(player.login, 0, options="sealed") == "403 Index Expired"
        with pytest.raises(Closed):
            gate.read_frame()


def test_the_gauge_counts_connections_that_are_sealed(server, player):
    def gauge():
        return metric(server, "gate_connections_sealed")

    gate = sealed(player)
    before = gauge()
    assert before >= 1
    gate.close()
    wait_until(lambda: gauge() == before - 1, 10 * PATIENCE, "one connection less")
