"""Requests, the reply window across reconnects (docs/skynet-rules.md 4.5), pushes and their replay,
pings."""

import struct

import pytest
from gatehouse_client import PING, frame
from players import Player

SERVER = {
    "limits": {"gate_push_log_count_max": 4},
    "gate": {"reply_cache_count": 128},
}


@pytest.fixture
def player(server):
    return Player(server)


def echoed(content):
    return (1, content)


@pytest.mark.parametrize("size", [0, 1, 4, 64, 4096, 65530])
def test_echo_of_every_size(player, size):
    content = (bytes(range(256)) * 257)[:size]
    gate = player.connect()
    assert gate.response(gate.send_request(content)) == echoed(content)


def test_bytes_of_a_response(player):
    gate = player.connect()
    gate.send(bytes.fromhex("0008 6563686f 00000001"))
    assert gate.read_frame() == bytes.fromhex("6563686f 01 00000001")
    gate.send_request("error", 2)
    assert gate.read_frame() == bytes.fromhex("00 00000002")


@pytest.mark.parametrize("body", [b"", b"a", b"abc"])
def test_frame_without_a_session_closes(player, body):
    gate = player.connect()
    gate.send(frame(body))
    gate.read_until_closed()
    assert player.connect().request("back") == b"back"


def test_many_requests_in_flight_are_answered_in_order(player):
    gate = player.connect()
    sessions = [gate.send_request(f"n{n}") for n in range(500)]
    for n, session in enumerate(sessions):
        assert gate.response(session) == echoed(f"n{n}".encode())


@pytest.mark.parametrize("content", [b"", b"beat", b"x" * 1000])
def test_ping(player, content):
    gate = player.connect()
    assert gate.ping(content) == echoed(content)
    assert gate.ping(content) == echoed(content), "a ping is never a repeated request"
    assert gate.request("count") == b"1"


def test_ping_overtakes_a_running_request(player):
    gate = player.connect()
    session = gate.send_request("sleep 300")
    assert gate.ping(b"now") == echoed(b"now")
    assert not gate.responses.get(session)
    assert gate.response(session) == echoed(b"ok")


def test_rule_1_answer_goes_to_the_connection_that_asked(player):
    gate = player.connect()
    assert gate.request("count", 5) == b"1"
    assert gate.request("count", 3) == b"2"


def test_rule_2_same_session_same_connection_runs_again(player):
    gate = player.connect()
    assert gate.request("count", 9) == b"1"
    assert gate.request("count", 9) == b"2"


def test_rule_3_second_duplicate_of_a_running_request_closes(player):
    gate = player.connect()
    gate.send_request("sleep 200", 7)
    gate.send_request("sleep 200", 7)
    assert gate.response(7) == echoed(b"ok"), "the first duplicate is swallowed"
    assert gate.ping(b"fence") == echoed(b"fence")
    assert not gate.responses.get(7)
    gate.send_request("sleep 400", 8)
    gate.send_request("sleep 400", 8)
    gate.send_request("sleep 400", 8)
    gate.read_until_closed()


def test_rule_4_repeat_after_reconnect_is_answered_from_the_cache(player):
    gate = player.connect()
    assert gate.request("count", 1) == b"1"
    gate = player.reconnect()
    assert gate.request("something else", 1) == b"1", "new content is ignored"
    assert gate.request("count", 2) == b"2"
    gate = player.reconnect()
    assert gate.request("count", 2) == b"2"
    assert gate.request("count", 1) == b"1"
    assert gate.request("count", 3) == b"3"


def test_rule_5_running_request_answers_the_new_connection_once(player):
    gate = player.connect()
    gate.send_request("sleep 400", 1)
    gate.send_request("count", 2)
    assert gate.ping() == echoed(b"")
    gate = player.reconnect()
    gate.send_request("sleep 400", 1)
    gate.send_request("count", 2)
    assert gate.response(2) == echoed(b"1")
    assert gate.response(1) == echoed(b"ok")
    assert gate.request("count", 3) == b"2"
    assert not gate.responses[1] and not gate.responses[2], "answered once"


def test_rule_5_answer_that_nobody_asks_for_again_is_not_pushed(player):
    gate = player.connect()
    gate.send_request("sleep 200", 1)
    assert gate.ping() == echoed(b"")
    gate = player.reconnect()
    assert gate.request("whoami", 2) is not None, "a player's requests run in order"
    assert not gate.responses.get(1)


def test_rule_7_an_answer_lives_for_128_more(player):
    gate = player.connect()
    assert gate.request("count", 1) == b"1"
    for n in range(120):
        gate.request("filler", 100 + n)
    gate = player.reconnect()
    assert gate.request("count", 1) == b"1"


def test_window_is_bounded(server, player):
    gate = player.connect()
    assert gate.request("count", 1) == b"1"
    for n in range(600):
        gate.send_request(b"x" * 2000, 100 + n)
    for n in range(600):
        gate.response(100 + n)
    gate = player.reconnect()
    assert gate.request("count", 1) == b"2", "so old an answer is forgotten, and runs again"


def test_rule_9_failed_request_is_cached_like_any_other(player):
    gate = player.connect()
    assert gate.response(gate.send_request("error", 1)) == (0, b"")
    gate = player.reconnect()
    assert gate.response(gate.send_request("count", 1)) == (0, b"")
    assert gate.request("count", 2) == b"1"


def test_conversation_keeps_its_requests_apart(player):
    gate = player.connect(conversation="first")
    assert gate.request("count", 1) == b"1"
    gate = player.reconnect(conversation="first")
    assert gate.request("count", 1) == b"1"
    gate = player.reconnect(conversation="second")
    assert gate.request("count", 1) == b"2", "a fresh client's session 1 is a new request"


def test_push(player):
    gate = player.connect(conversation="p")
    assert gate.request("push hello") == b"ok"
    assert gate.request("push 严") == b"ok"
    assert gate.wait_for(gate.pushes, 2) == [(1, b"hello"), (2, "严".encode())]


def test_pushes_are_replayed_after_a_reconnect(player):
    gate = player.connect(conversation="p")
    for n in range(1, 4):
        gate.request(f"push p{n}")
    gate.wait_for(gate.pushes, 3)
    gate = player.reconnect(conversation="p", last_push=1)
    assert gate.wait_for(gate.pushes, 2) == [(2, b"p2"), (3, b"p3")]
    gate = player.reconnect(conversation="p", last_push=3)
    gate.request("push p4")
    assert gate.wait_for(gate.pushes) == [(4, b"p4")]


def test_push_while_nobody_is_connected(player):
    gate = player.connect(conversation="p")
    gate.send_request("sleep 200")
    gate.send_request("push missed")
    assert gate.ping() == echoed(b"")
    gate = player.reconnect(conversation="p", last_push=0)
    assert gate.wait_for(gate.pushes) == [(1, b"missed")]


def test_push_gap_is_reported(player):
    gate = player.connect(conversation="p")
    for n in range(1, 11):
        gate.request(f"push p{n}")
    gate.wait_for(gate.pushes, 10)
    gate = player.reconnect(conversation="p", last_push=2)
    assert gate.wait_for(gate.pushes, 4) == [(n, f"p{n}".encode()) for n in range(7, 11)]
    assert gate.controls == [{"type": "push_gap", "last_push": 2, "next_push": 7}]


def test_plain_clients_get_no_push_frame(player):
    gate = player.connect()
    assert gate.request("push hidden") == b"ok"
    assert gate.ping(b"fence") == echoed(b"fence")
    assert gate.pushes == [] and gate.controls == []


def test_sessions_use_all_32_bits(player):
    gate = player.connect()
    for session in (0, 1, 2**31, PING - 1):
        gate.send(frame(b"edge" + struct.pack(">I", session)))
        assert gate.response(session) == echoed(b"edge")
