"""What the gate does with a client that takes too much: it is closed, with a reason in the log."""

import select
import socket

import pytest
from gatehouse_client import PING, Closed, Gate, frame, request_frame
from players import Player
from server import PATIENCE
from waiting import wait_until

UNSENT_BYTES_MAX = 262_144
SERVER = {
    "limits": {
        "gate_unsent_bytes_max": UNSENT_BYTES_MAX,
        "gate_frames_per_s_max": 1_000_000,
        "gate_bytes_per_s_max": 4_000_000_000,
        "gate_pending_requests_max": 64,
    }
}


def flood(gate, data, total_bytes):
    """Sends until the server closes, or total_bytes are out; True when it closed."""
    try:
        for _ in range(total_bytes // len(data)):
            gate.send(data)
        gate.read_until_closed(10 * PATIENCE)
        return True
    except Closed:
        return True
    except TimeoutError:
        return False


def test_slow_reader_is_closed_and_memory_stays_bounded(server):
    player = Player(server)
    honest = Player(server).connect()
    slow = Gate(server.gate(), receive_buffer=4096)
    assert slow.handshake(player.login) == "200 OK"
    honest.request("warm up")
    before = server.memory_kib()
    since = server.log_size()
    # Pings are answered by the gate itself: nothing but the unsent bytes can fill up.
    slow.socket.settimeout(20 * PATIENCE)
    closed = False
    try:
        for _ in range(2000):
            slow.send(request_frame(b"x" * 60_000, PING))
    except (Closed, TimeoutError) as error:
        closed = isinstance(error, Closed)
    assert closed, "a reader that never reads must be closed"
    server.wait_log("slow_reader", since)
    assert server.memory_kib() - before < 64 * 1024 * PATIENCE
    assert honest.request("still served") == b"still served"
    slow.close()
    assert Player(server, player.user).connect().request("back") == b"back"


def test_reader_that_pauses_below_the_bound_is_not_closed(server):
    gate = Player(server).connect()
    for n in range(3):
        gate.send(request_frame(b"x" * 60_000, n + 1))
    for n in range(3):
        assert gate.response(n + 1) == (1, b"x" * 60_000)


def test_too_many_pending_requests(server):
    """Beyond gate_pending_requests_max a request is refused or the connection is closed."""
    since = server.log_size()
    gate = Player(server).connect()
    gate.send_request("sleep 500", 1)
    try:
        for n in range(2, 400):
            gate.send_request("count", n)
        refused = sum(gate.response(n)[0] == 0 for n in range(1, 400))
        assert refused >= 400 - 2 - 64
    except Closed:
        server.wait_log("too_many_requests", since)


def rate_limited(start_server, limits):
    return start_server({"limits": limits})


def test_frame_rate(start_server):
    server = rate_limited(start_server, {"gate_frames_per_s_max": 50})
    calm, wild = Player(server).connect(), Player(server).connect()
    for n in range(20):
        assert calm.request(f"calm{n}") == f"calm{n}".encode()
    since = server.log_size()
    with pytest.raises(Closed):
        for _ in range(1000):
            wild.send(request_frame(b"", PING))
        wild.read_until_closed()
        raise Closed
    server.wait_log("frames_per_second", since)
    assert calm.request("calm") == b"calm"


def test_extended_clients_are_told_that_they_are_too_fast(start_server):
    server = rate_limited(start_server, {"gate_frames_per_s_max": 50})
    gate = Player(server).connect(conversation="w")
    gate.send(request_frame(b"", PING) * 120)
    gate.read_until_closed()
    assert [(control["type"], control["code"]) for control in gate.controls] == [("kick", 429)]
    assert gate.controls[0]["reason"]


def test_byte_rate(start_server):
    server = rate_limited(start_server, {"gate_bytes_per_s_max": 200_000})
    wild = Player(server).connect()
    since = server.log_size()
    assert flood(wild, request_frame(b"x" * 30_000, PING), 20_000_000)
    server.wait_log("bytes_per_second", since)


def test_profile_off_lifts_the_rates(start_server):
    server = rate_limited(start_server, {"profile": "off", "gate_frames_per_s_max": 50})
    gate = Player(server).connect()
    sessions = [gate.send_request("n") for _ in range(500)]
    assert all(gate.response(session) == (1, b"n") for session in sessions)


def test_unauthenticated_connections_are_bounded(start_server):
    """One too many takes the place of the oldest of the address that has the most."""
    server = rate_limited(start_server, {"unauthenticated_max": 5})
    since = server.log_size()
    # Which of the six is the oldest depends on the order in which the workers accept them.
    silent = [Gate(server.gate()) for _ in range(6)]
    ended, _, _ = select.select([gate.socket for gate in silent], [], [], 10 * PATIENCE)
    assert len(ended) == 1 and ended[0].recv(1) == b""
    server.wait_log("unauthenticated_limit", since)
    assert Player(server).connect().request("in") == b"in"


def test_connections_are_not_leaked(server):
    player = Player(server)
    player.connect().request("count")
    before = server.sockets()
    for _ in range(50):
        player.reconnect()
        Gate(server.gate()).close()
        with Gate(server.gate()) as reset:
            linger = b"\x01\0\0\0\0\0\0\0"
            reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            reset.send(frame(b"cut"))
    wait_until(lambda: server.sockets() <= before + 1, what="descriptors given back")
    assert player.reconnect().request("alive") == b"alive"
