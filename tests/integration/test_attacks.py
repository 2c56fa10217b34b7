"""Attacks of every kind of docs/limits.md, small: what they hold ends, is counted, and who plays
goes on playing. What they cost the honest is measured by `tools/bench --only attack`."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket

import pytest
from gatehouse_client import Closed, Gate, Stream, frame, login, make_token, request_frame
from metrics import read, refused, wait_refused
from players import Player, fresh_name
from server import PATIENCE, SANITIZED, write_private
from waiting import wait_until

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}
ATTACKERS = [f"127.0.9.{n}" for n in range(1, 9)]


def attacked(start_server, **limits):
    return start_server(ADMIN | {"limits": limits}, transport="tcp")


def door(server, where):
    return server.login if where == "login" else server.gate()


def connect(server, where, source):
    """A connection that says nothing; None when it is refused before it is there."""
    host, port = door(server, where).rsplit(":", 1)
    try:
        return socket.create_connection((host, int(port)), 20 * PATIENCE, (source, 0))
    except ConnectionError:
        return None


def ended(connection):
    """Whether the server has closed it; what it said is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def unauthenticated(server):
    return read(server)["gatehouse_connections_unauthenticated"]


def wait_nobody_waits(server):
    wait_until(lambda: unauthenticated(server) == 0, 20 * PATIENCE, "no place is held")


@pytest.mark.parametrize("where", ["login", "gate"])
def test_senders_that_trickle(start_server, where):
    """They keep sending, a byte at a time, and are closed all the same."""
    count = 40 if SANITIZED else 200
    server = attacked(
        start_server, handshake_progress_ms=1000, address_connections_max=count // 4
    )
    honest = Player(server).connect()
    with contextlib.ExitStack() as stack:
        slow = []
        for number in range(count):
            connection = connect(server, where, ATTACKERS[number % 8])
            slow.append(stack.enter_context(connection))
        number = 0

        def all_ended():
            nonlocal number
            number += 1
            assert honest.request(f"n{number}") == f"n{number}".encode()
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"\0" if where == "gate" and number == 1 else b"a")
            slow[:] = [connection for connection in slow if not ended(connection)]
            return not slow

        wait_until(all_ended, 30 * PATIENCE, "all of them are closed")
    stalled = refused(server, where, "handshake_stalled")
    # At a gate the second byte may complete a length that is too big, or a frame of nothing.
    others = sum(
        refused(server, where, reason)
        for reason in ("frame_too_big", "bad_request", "handshake_timeout", "user_not_found")
    )
    assert stalled + others == count
    assert stalled > 0
    wait_nobody_waits(server)


@pytest.mark.parametrize("where", ["login", "gate"])
def test_many_connections_of_one_address(start_server, where):
    count, room = (100, 10) if SANITIZED else (500, 20)
    server = attacked(start_server, address_connections_max=room, handshake_progress_ms=0)
    honest = Player(server).connect()
    with contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(count):
            connection = connect(server, where, ATTACKERS[0])
            if connection is not None:
                crowd.append(stack.enter_context(connection))
            assert honest.request("x") == b"x"
        wait_refused(server, where, "address_connections", count - room, 20 * PATIENCE)
        assert unauthenticated(server) <= room
        assert Player(server).connect().request("another address") == b"another address"
        # Both doors are one.
        other = "gate" if where == "login" else "login"
        before = refused(server, other, "address_connections")
        stack.enter_context(connect(server, other, ATTACKERS[0]) or contextlib.nullcontext())
        wait_refused(server, other, "address_connections", before + 1, 20 * PATIENCE)
    assert "address_connections" in server.log()
    wait_nobody_waits(server)


def test_an_address_that_begins_too_many_is_told_when_to_come_back(start_server):
    server = attacked(
        start_server, address_connections_per_s=1, address_connections_burst=5
    )
    lines = []
    for _ in range(20):
        with Stream(server.login, source=ATTACKERS[0]) as stream:
            with contextlib.suppress(Closed):
                lines.append(stream.read_line())
    told = [line for line in lines if line.startswith("429 Too Many Requests ")]
    assert len(told) >= 10 and int(told[0].split()[-1]) > 0
    assert refused(server, "login", "address_connections_per_second") >= 10


def test_limits_of_connections_change_at_a_reload(start_server):
    server = attacked(start_server, address_connections_max=2)

    def first_line():
        with Stream(server.login, source=ATTACKERS[0]) as stream:
            return stream.read_line()

    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Stream(server.gate(), source=ATTACKERS[0]))
        wait_until(lambda: unauthenticated(server) == 2, 20 * PATIENCE, "both are there")
        assert first_line().startswith("429 ")
        server.config["limits"]["address_connections_max"] = 3
        write_private(server.config_path, json.dumps(server.config))
        since = server.log_size()
        server.signal(signal.SIGHUP)
        server.wait_log("limits of connections", since)
        assert not first_line().startswith("429 ")
        assert "takes a restart" not in server.log(since)


def test_the_one_who_floods_pays(start_server):
    """All places are taken by a few addresses; whoever comes from another one gets in."""
    server = attacked(start_server, unauthenticated_max=20, handshake_progress_ms=0)
    honest = Player(server).connect()
    with contextlib.ExitStack() as stack:
        crowd = []
        for number in range(60):
            where = "login" if number % 2 else "gate"
            connection = connect(server, where, ATTACKERS[number % 2])
            if connection is not None:
                crowd.append(stack.enter_context(connection))
        wait_until(lambda: unauthenticated(server) == 20, 20 * PATIENCE, "all places are taken")
        for _ in range(30):
            player = Player(server)
            assert player.connect().request("in") == b"in"
        assert honest.request("still in") == b"still in"
    shed = sum(refused(server, where, "unauthenticated_limit") for where in ("login", "gate"))
    assert shed >= 40
    wait_nobody_waits(server)


def test_readers_that_do_not_read_while_the_game_pushes(start_server):
    count = 10 if SANITIZED else 40
    server = attacked(
        start_server,
        gate_unsent_bytes_max=65_536,
        gate_push_log_bytes_max=65_536,
        gate_frames_per_s_max=0,
        gate_bytes_per_s_max=0,
        gate_address_frames_per_s_max=0,
        gate_address_bytes_per_s_max=0,
    )
    honest = Player(server).connect(conversation="honest")
    before = server.memory_kib()
    deaf = []
    for _ in range(count):
        player = Player(server)
        gate = Gate(server.gate(), receive_buffer=4096)
        assert gate.handshake(player.login, conversation="deaf").startswith("200 OK")
        deaf.append((player, gate))
    text = "x" * 60_000
    for number in itertools.count(1):
        # Each push of one is asked for by another, who reads.
        for player, _ in deaf:
            assert honest.request(f"tell {player.user} {text}") in (b"ok", b"offline")
        if refused(server, "gate", "slow_reader") == count:
            break
        assert number < 400, "every reader that never reads is closed"
    if not SANITIZED:
        assert server.memory_kib() - before < 64 * 1024
    for _, gate in deaf:
        gate.close()
    assert honest.request("still served") == b"still served"


GAME = """
local M <const> = {}
function M.load(self) self.kept = {} end
function M.request(self, msg)
	if msg == "grow" then
		self.kept[#self.kept + 1] = string.rep("x", 16 << 20)
	elseif msg == "shrink" then
		self.kept = {}
		collectgarbage()
	end
	return msg
end
return M
"""


def test_when_memory_runs_out_no_login_begins_and_players_go_on(start_server, tmp_path):
    game = tmp_path / "grow.lua"
    game.write_text(GAME)
    changes = {
        "agent": {"module": str(game)},
        "limits": {"memory_bytes": 512 << 20 if SANITIZED else 128 << 20},
    }
    server = start_server(ADMIN | changes, transport="tcp")
    player = Player(server)
    honest = player.connect()

    def answer():
        with Stream(server.login, source="127.0.0.3") as stream:
            return stream.read_line()

    for _ in range(50):
        if answer() == "503 Service Unavailable":
            break
        assert honest.request("grow") == b"grow"
    else:
        wait_until(
            lambda: answer() == "503 Service Unavailable", 20 * PATIENCE, "no login begins"
        )
    assert refused(server, "login", "memory") > 0
    server.wait_log("memory: .* limits.memory_bytes")
    assert honest.request("still here") == b"still here"
    # A quarter more, and who has not logged in is closed; the player is not.
    for _ in range(20 if SANITIZED else 4):
        assert honest.request("grow") == b"grow"

    def gate_is_shut():
        with Stream(server.gate(), source="127.0.0.3") as stream:
            try:
                return stream.read_to_end(0.2) == b""
            except TimeoutError:
                return False

    wait_until(gate_is_shut, 20 * PATIENCE, "nobody comes in")
    assert refused(server, "gate", "memory") > 0
    assert honest.request("even now") == b"even now"
    assert honest.request("shrink") == b"shrink"
    if not SANITIZED:  # which keeps what was freed
        wait_until(lambda: answer()[:3] != "503", 20 * PATIENCE, "logins begin again")
        assert login(server.login, fresh_name(), "secret", "sample").code == 200


def sockets(server):
    folder = f"/proc/{server.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
    return count


def garbage(seed):
    """Input that no client sends, for either door: (what, bytes)."""
    noise = random.Random(seed)
    token = make_token("ada", "secret", "sample").encode()
    yield "nothing", b""
    yield "an end of line", b"\n"
    yield "zeros", bytes(64)
    yield "ones", b"\xff" * 64
    yield "a line that does not end", b"a" * 9_000
    yield "a token that is cut", token[:-4] + b"\n"
    yield "a token of separators", b"@:!@:!@:!\n"
    yield "a token that is no UTF-8", b"/w==@c2FtcGxl:c2VjcmV0\n"
    yield "a key of the wrong size", b"AAAA\n" * 4
    yield "a key of zeros", b"AAAAAAAAAAA=\n" * 4
    yield "lines of lines", b"\n" * 2_000
    yield "a frame that is too big", b"\xff\xff" + b"x" * 4_000
    yield "a frame of nothing", frame(b"") * 20
    yield "a handshake of colons", frame(b":" * 1_000)
    yield "a handshake without a mac", frame(b"YQ==@c2FtcGxl#MQ==:1:")
    yield "a handshake with a huge index", frame(b"YQ==@c2FtcGxl#MQ==:" + b"9" * 900 + b":AAAA")
    yield "a handshake with zeros in it", frame(b"YQ==\0@\0#\0:1:AAAAAAAAAAA=")
    yield "requests before the handshake", request_frame(b"x", 1) * 10
    yield "HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "HTTP without an end", b"GET /" + b"x" * 12_000
    yield "an upgrade of nonsense", (
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: \xff\r\nSec-WebSocket-Version: 99\r\n\r\n"
    )
    yield "a ClientHello of nonsense", b"\x16\x03\x01\x02\x00" + noise.randbytes(512)
    yield "TLS of another time", b"\x80\x2e\x01\x00\x02" + bytes(40)
    yield "a PROXY header", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
    yield "a PROXY header, version 2", (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(range(12))
    )
    for number in range(10):
        yield f"noise {number}", noise.randbytes(noise.randrange(1, 3_000))


@pytest.mark.parametrize("where", ["login", "gate"])
def test_malformed_input(start_server, where):
    server = attacked(start_server, handshake_progress_ms=500 * PATIENCE)
    honest = Player(server).connect()
    before = sockets(server)
    with contextlib.ExitStack() as stack:
        waiting = []
        for number, (_, data) in enumerate(garbage(20_261_128)):
            connection = connect(server, where, ATTACKERS[number % 8])
            stack.enter_context(connection)
            with contextlib.suppress(OSError):
                connection.sendall(data)
                if number % 3 == 0:
                    connection.shutdown(socket.SHUT_WR)
            waiting.append(connection)
            assert honest.request("x") == b"x"

        def all_ended():
            waiting[:] = [connection for connection in waiting if not ended(connection)]
            return not waiting

        wait_until(all_ended, 30 * PATIENCE, "all of them are closed")
    wait_nobody_waits(server)
    wait_until(lambda: sockets(server) <= before, 20 * PATIENCE, "descriptors are back")
    assert Player(server).connect().request("well") == b"well"


def test_malformed_requests_of_a_player_who_is_in(start_server):
    """He is closed; his session is there when he comes back."""
    server = attacked(start_server)
    player = Player(server)
    for data in (
        frame(b""), frame(b"abc"), b"\xff\xff" + os.urandom(65_535), frame(os.urandom(3)),
        request_frame(b"", 0xFFFFFFFF) * 3_000, os.urandom(300_000),
    ):
        gate = player.connect(conversation="malformed")
        with contextlib.suppress(Closed):
            gate.send(data)
        gate.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(Closed, TimeoutError):
            gate.read_to_end(20 * PATIENCE)
        gate.close()

    def comes_back():
        with contextlib.suppress(Closed):
            return player.connect(conversation="malformed").request("count")

    wait_until(comes_back, 20 * PATIENCE, "he comes back, once the rate has room")
