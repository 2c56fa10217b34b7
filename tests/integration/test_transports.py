"""Every way in: each transport with each suite, sealed or not, does the same.

What only one of them has is tested elsewhere; here the same life is led over all of them.
"""

import subprocess

import pytest
from gatehouse_client import Closed, Gate, b64, login
from players import Player, fresh_name
from server import PATIENCE, ROOT
from transports import TRANSPORTS

SUITES = ["plain", "skynet", "x25519"]
WAYS = [
    (transport, suite, sealed)
    for transport in TRANSPORTS
    for suite in SUITES
    for sealed in ([False, True] if suite == "x25519" else [False])
]
SERVER = {
    "login": {
        "listen": [
            {"transport": transport, "address": "127.0.0.1:0", "suites": SUITES}
            for transport in (*TRANSPORTS, "auto")
        ],
        "identity_key_file": "identity.pem",
        "identity_key_make": True,
    }
}


class Way:
    """How a player comes in."""

    def __init__(self, server, transport, suite, is_sealed):
        self.server = server.over(transport)
        self.suite = suite
        self.proof = {"identity": server.identity} if suite == "x25519" else {}
        self.options = "sealed" if is_sealed else ""
        self.is_websocket = transport in ("ws", "wss")

    def player(self, user=None):
        return Player(self.server, user, suite=self.suite, **self.proof)

    def connect(self, player, last_push=0):
        """In a conversation of this login's."""
        gate = player.connect(
            conversation=f"c{player.login.subid}", last_push=last_push, options=self.options
        )
        gate.timeout = 20 * PATIENCE
        assert bool(gate.sealing) == bool(self.options)
        return gate


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}{'-sealed' if way[2] else ''}")
def way(request, server):
    return Way(server, *request.param)


def test_requests_pushes_and_a_reconnect(way):
    player = way.player()
    gate = way.connect(player)
    assert gate.request("whoami") == f"{player.user}@sample".encode()
    for size in (0, 1, 125, 126, 60_000):
        assert gate.request(b"x" * size) == b"x" * size
    numbers = [gate.send_request(f"n{number}") for number in range(100)]
    assert [gate.response(number) for number in numbers] == [
        (1, f"n{number}".encode()) for number in range(100)
    ]
    assert gate.response(gate.send_request("error")) == (0, b"")
    assert gate.ping(b"beat") == (1, b"beat")
    assert gate.request("push good news") == b"ok"
    assert gate.wait_for(gate.pushes) == [(1, b"good news")]
    repeated = gate.send_request("count")
    gate.close()
    gate = way.connect(player, last_push=1)
    assert gate.request("count", repeated) == b"1", "it ran once"
    assert gate.request("push more") == b"ok"
    assert gate.wait_for(gate.pushes) == [(2, b"more")]


def test_who_ends_what_he_says_is_answered(way):
    gate = way.connect(way.player())
    number = gate.send_request("sleep 200")
    gate.end_sending()
    assert gate.response(number) == (1, b"ok")
    gate.read_until_closed(20 * PATIENCE)


def test_a_newer_login_kicks(way):
    player = way.player()
    gate = way.connect(player)
    assert gate.request("in") == b"in"
    newer = way.player(player.user)
    gate.read_until_closed(20 * PATIENCE)
    (kick,) = gate.controls
    assert (kick["type"], kick["code"]) == ("kick", 409)
    if way.is_websocket:
        assert (gate.channel.close_code, gate.channel.close_reason) == (4409, kick["reason"])
    assert way.connect(newer).request("in as well") == b"in as well"


def test_a_newer_handshake_replaces(way):
    player = way.player()
    older = way.connect(player)
    assert way.connect(player).request("newer") == b"newer"
    older.read_until_closed(20 * PATIENCE)
    assert older.controls == [{"type": "kick", "code": 409, "reason": "replaced"}]


def test_refusals_are_told(way):
    user = way.player().user
    answer = login(way.server.login, user, "wrong", "sample", way.suite, **way.proof)
    assert answer.line == "401 Unauthorized"
    player = way.player()
    with Gate(way.server.gate()) as gate:
        text = player.login.handshake(1, conversation="c", options=way.options)
        gate.send_frame(text[:-8] + "AAAAAAA=")
        assert gate.read_frame().decode() == "401 Unauthorized"
        with pytest.raises(Closed):
            gate.read_frame()
    assert way.connect(player).request("in") == b"in"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_login_port_serves_all(server, transport):
    (port,) = [entry["address"] for entry in server.ready["login"] if entry["transport"] == "auto"]
    user = fresh_name()
    endpoint = server.over(transport).endpoint(port)
    for suite in SUITES:
        assert login(endpoint, user, "secret", "sample", suite).code == 200
    server.wait_log(f"{user} is login")


def play(*options):
    command = [ROOT / "tools/play", *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60 * PATIENCE, check=False
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_play(server, transport):
    """The demonstration client, by its options and by URLs."""
    flags = {"tcp": [], "tls": ["--tls"], "ws": ["--ws"], "wss": ["--tls", "--ws"]}[transport]
    certificate = ["--ca", server.certificates.pem("issuer")]
    pin = ["--identity", server.folder / "identity.pem"]
    address, gate = server.over(transport).login_address, server.gate()
    for options in (
        ["--login", address, "--gate", gate, "--suite", "plain", *flags],
        ["--login", f"{transport}://{address}", "--gate", f"{transport}://{gate}", "--sealed"],
    ):
        done = play(*options, *certificate, *pin)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "not counted twice" in done.stdout
        assert ("200 OK sealed" in done.stdout) == ("--sealed" in options), done.stdout


def test_play_trusts_nobody_else(server):
    tls = ["--login", server.over("tls").login_address, "--tls"]
    done = play(*tls)
    assert done.returncode == 1 and "certificate verify failed" in done.stdout, done
    pin = ["--sealed", "--identity", b64(b"x" * 32)]
    done = play("--login", server.login, "--gate", server.gate(), *pin)
    assert done.returncode == 1 and "Another server's identity" in done.stdout, done
