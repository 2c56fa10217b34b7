"""WebSocket at the real ports of login and gate (docs/protocol.md 1.8), by real clients: curl,
Python's websockets, Chromium. What frames may be is in tests/unit/protocol/ws_reader_test.cpp."""

import asyncio
import json
import re
import struct
import subprocess

import pytest
from browser import CHROMIUM, Pages
from gatehouse_client import Gate, Login, frame, make_token, unb64
from players import Player, fresh_name
from raw_http import exchange
from server import PATIENCE, ROOT, SANITIZED, Server
from transports import Endpoint, UpgradeRefused
from waiting import wait_until

SERVER = {
    "login": {"listen": [{"transport": "ws", "address": "127.0.0.1:0", "suites": ["plain"]}]},
    "admin": {"listen": "127.0.0.1:0"},
}
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server"), SERVER, transport="ws") as instance:
        yield instance


def address(endpoint):
    return endpoint.address


def metric(server, name):
    """The sum of all that begin so."""
    request = f"GET /metrics HTTP/1.1\r\nHost: {server.ready['admin']}\r\nConnection: close\r\n\r\n"
    text = exchange(server.ready["admin"], request.encode(), 10 * PATIENCE)
    values = re.findall(rf"^gatehouse_{re.escape(name)}\S* (\S+)$", text, re.MULTILINE)
    return sum(float(value) for value in values)


def curl(url, *arguments):
    command = ["curl", "-sS", "-i", "--max-time", str(20 * PATIENCE), *arguments, url]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.decode(errors="replace")


def test_curl_is_told_what_this_port_is(server):
    for port, protocol in (("login", "gatehouse.login.1"), ("gate", "gatehouse.gate.1")):
        there = address(server.login if port == "login" else server.gate())
        answer = curl(f"http://{there}/index.html")
        head, _, body = answer.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n")
        assert "game server" in body and protocol in body


def test_curl_upgrades(server):
    headers = [
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: gatehouse.login.1",
    ]
    arguments = [part for header in headers for part in ("-H", header)]
    # It stays until the login's deadline; what came until then was said at once.
    answer = curl(f"http://{address(server.login)}/", *arguments, "--max-time", "1", "--no-buffer")
    assert answer.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert "Sec-WebSocket-Protocol: gatehouse.login.1" in answer
    assert curl(f"http://{address(server.gate())}/", "-0").startswith("HTTP/1.1 505 ")


def test_a_player_plays(server):
    upgrades = metric(server, "websocket_upgrades")
    player = Player(server, user=fresh_name("严"))
    gate = player.connect(conversation="one", options="window")
    assert gate.request("echo") == b"echo"
    assert gate.request(bytes(65_530)) == bytes(65_530)
    assert gate.request("push news") == b"ok"
    wait_until(lambda: gate.pushes or gate.read_event(), 10 * PATIENCE, "the push")
    assert gate.pushes == [(1, b"news")]
    assert gate.ping(b"beat") == (1, b"beat")
    gate.channel.fragment_bytes = 7
    assert gate.request("in fragments") == b"in fragments"
    # It comes back, and what was pushed meanwhile is sent again.
    gate = player.reconnect(conversation="one", last_push=0)
    assert gate.request("count") == b"1"
    assert metric(server, "websocket_upgrades") == upgrades + 3
    assert metric(server, 'websocket_messages{direction="in"') + metric(
        server, 'websocket_messages{where="gate",direction="in"') > 0


def test_players_of_both_workers(server):
    """The gate accepts anywhere, and half of the connections go to the agent's worker."""
    players = [Player(server) for _ in range(12)]
    for round_number in range(3):
        for player in players:
            gate = player.connect()
            assert gate.request(f"round {round_number}") == f"round {round_number}".encode()


def test_within_tls(start_server):
    server = start_server(transport="wss")
    players = [Player(server) for _ in range(6)]
    for player in players:
        gate = player.connect(conversation="c")
        assert gate.request(bytes(50_000)) == bytes(50_000)
        player.connect(conversation="c")
        gate.read_to_end(10 * PATIENCE)
        assert gate.channel.close_code == 4409


def test_the_close_frame_says_why(server):
    player = Player(server)
    for extended in ({}, {"conversation": "c"}):
        older = player.connect(**extended)
        player.connect(**extended)
        older.read_to_end(10 * PATIENCE)
        assert (older.channel.close_code, older.channel.close_reason) == (4409, "replaced")
    unknown = Gate(server.gate())
    assert unknown.handshake(player.login, 1) == "403 Index Expired"
    unknown.read_to_end(10 * PATIENCE)
    assert (unknown.channel.close_code, unknown.channel.close_reason) == (4403, "Index Expired")
    short = player.connect()
    short.send(frame(b"abc"))
    short.read_to_end(10 * PATIENCE)
    assert short.channel.close_code == 4400
    first = Gate(server.gate())
    first.send_frame(bytes(1025))
    assert first.read_to_end(10 * PATIENCE) == b""
    assert first.channel.close_code == 1009
    server.wait_log("WebSocket, the message is too big")


def test_shutdown_goes_away(start_server):
    server = start_server(SERVER, transport="ws")
    player = Player(server)
    gate = player.connect(conversation="c")
    server.stop()
    gate.read_until_closed()
    assert [control["type"] for control in gate.controls][-1] == "kick"
    assert gate.channel.close_code == 1001
    assert "stops" in gate.channel.close_reason


def test_origins(start_server):
    origins = ["https://play.example.com", "https://*.example.org"]
    server = start_server({**SERVER, "net": {"websocket": {"origins": origins}}}, transport="ws")
    for there in (server.login, server.gate()):
        for origin in (None, "https://play.example.com", "https://a.b.example.org"):
            Gate(Endpoint("ws", there.address, origin=origin)).close()
        for origin in ("https://example.org", "http://play.example.com", "null"):
            with pytest.raises(UpgradeRefused) as refused:
                Gate(Endpoint("ws", there.address, origin=origin))
            assert refused.value.status == 403
    assert metric(server, 'refused_total{where="gate",reason="upgrade_origin"') == 3
    server.wait_log("WebSocket upgrade, origin")


async def session_of_websockets(server, user):
    """Login and one request by the library's own client, with its own pings."""
    from websockets.client import connect

    async with connect(
        f"ws://{address(server.login)}/", subprotocols=["gatehouse.login.1"], ping_interval=None
    ) as login:
        assert login.subprotocol == "gatehouse.login.1"
        assert len(unb64(await login.recv())) == 8
        await login.send(make_token(user, "secret", "sample"))
        line = await login.recv()
        await login.wait_closed()
        assert login.close_code == 1000
    done = Login(line, "plain", user, "sample")
    done.extras = json.loads(unb64(line.split(" ")[2]))
    done.secret = unb64(done.extras["secret"])
    async with connect(
        f"ws://{address(server.gate())}/play?a=b", subprotocols=["chat", "gatehouse.gate.1"]
    ) as gate:
        assert gate.subprotocol == "gatehouse.gate.1"
        assert gate.extensions == []  # it offers permessage-deflate
        await gate.send(done.handshake(1))
        assert await gate.recv() == b"200 OK"
        await (await gate.ping(b"are you there"))
        await gate.send([b"in ", b"frag", b"ments", struct.pack(">I", 1)])
        assert await gate.recv() == b"in fragments" + struct.pack(">BI", 1, 1)
        await gate.close(3001, "enough")
        assert gate.close_code == 3001


def test_the_client_of_websockets(server):
    asyncio.run(asyncio.wait_for(session_of_websockets(server, fresh_name()), 30 * PATIENCE))


def test_every_byte_by_itself(server):
    """The upgrade, the handshake and a request."""
    login = Player(server).login
    masked = [UPGRADE.encode()]
    for opcode, body in ((1, login.handshake(1).encode()), (2, b"echo\x00\x00\x00\x01")):
        head = bytes([0x80 | opcode, 0x80 | min(len(body), 126)])
        if len(body) > 125:
            head += struct.pack(">H", len(body))
        masked.append(head + b"\x00\x00\x00\x00" + body)
    gate = Gate(address(server.gate()))  # TCP
    for byte in b"".join(masked):
        gate.send(bytes([byte]))
    received = b""
    wanted = b"\x82\x06200 OK" + b"\x82\x09echo\x01\x00\x00\x00\x01"
    while not received.endswith(wanted):
        gate.fill()
        received += gate.take(len(gate.buffer))
    assert received.startswith(b"HTTP/1.1 101 ")


@pytest.mark.skipif(SANITIZED, reason="a browser has no patience")
def test_chromium_plays(start_server):
    assert CHROMIUM, "tools/test installs chromium"
    with Pages(ROOT / "tests/browser/websocket.html") as pages:
        origins = {"net": {"websocket": {"origins": [pages.origin]}}}
        server = start_server({**SERVER, **origins}, transport="ws")
        who = {"user": "网友", "password": "secret"}
        there = {"login": address(server.login), "gate": address(server.gate())}
        result = pages.open(**who, **there)
        assert "error" not in result, result
        assert result["login"]["protocol"] == "gatehouse.login.1"
        assert result["login"]["end"] == {"code": 1000, "reason": "", "wasClean": True}
        gate = result["gate"]
        assert gate["protocol"] == "gatehouse.gate.1"
        assert gate["answer"] == "200 OK"
        assert (gate["response"], gate["tail"]) == ("hello 严", [1, 0, 0, 0, 1])
        assert gate["end"] == {"code": 1000, "reason": "", "wasClean": True}
