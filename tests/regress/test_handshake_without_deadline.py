"""A handshake without a deadline: no step of login or gate had one, so that fifty clients which
said nothing stayed for ever, and those who came behind found no place. One deadline holds for a
whole handshake, whatever of it has come and however slowly; a player who is in has none."""

import time

import pytest
import skynet_crypto
from gatehouse_client import Closed, Gate, Stream, b64
from players import Player
from server import PATIENCE

TIMEOUT_MS = 400 * PATIENCE
SERVER = {
    "login": {"handshake_timeout_ms": TIMEOUT_MS},
    "limits": {"gate_handshake_timeout_ms": TIMEOUT_MS},
}


@pytest.mark.parametrize("sent", [b"", b"dGVz", b"a" * 8000], ids=len)
def test_silence_at_the_login(server, sent):
    since = server.log_size()
    with Stream(server.login) as stream:
        stream.read_line()
        stream.send(sent)
        assert b"200" not in stream.read_to_end(20 * PATIENCE)
    server.wait_log("handshake_timeout", since)


def test_silence_after_the_key_exchange(server):
    since = server.log_size()
    with Stream(server.login) as stream:
        stream.read_line()
        key = skynet_crypto.dh_exchange(skynet_crypto.random_key())
        stream.send(b64(key).encode() + b"\n")
        stream.read_line()
        assert b"200" not in stream.read_to_end(20 * PATIENCE)
    server.wait_log("handshake_timeout", since)


def test_a_trickle_does_not_move_the_deadline(server):
    deadline = time.monotonic() + 20 * PATIENCE
    with Stream(server.login) as stream:
        stream.read_line()
        with pytest.raises(Closed):
            # Eight kilobytes, which a line may have, would take minutes at this pace.
            while time.monotonic() < deadline:
                stream.send(b"a")
                try:
                    stream.fill(0.05)
                except TimeoutError:
                    continue


def test_silence_at_the_gate(server):
    since = server.log_size()
    with Gate(server.gate()) as silent, Gate(server.gate()) as half:
        half.send(b"\x00\x40dGVz")
        assert silent.read_to_end(20 * PATIENCE) == b""
        assert half.read_to_end(20 * PATIENCE) == b""
    server.wait_log("handshake_timeout", since)


def test_the_deadline_ends_with_the_handshake(server):
    gate = Player(server).connect()
    session = gate.send_request(f"sleep {3 * TIMEOUT_MS}")
    assert gate.response(session, timeout=20 * PATIENCE) == (1, b"ok")
