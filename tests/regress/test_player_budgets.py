"""Budgets that belong to a connection, or count things and not their size: whoever has logged in
came back with a new connection, or a new login, and had everything again, and a thousand requests
held as much memory as he liked. What a player takes is charged to the player, in bytes too, and to
his address."""

import time

from gatehouse_client import PING, Closed, Gate, request_frame
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

MUTE = """
local skynet = require "skynet"
return { request = function() skynet.wait() end }
"""
RATE = 100


def pings(gate, count):
    """How many of so many pings, sent at once, are answered before the gate closes."""
    answered = 0
    try:
        gate.send(request_frame("", PING) * count)
        while answered < count:
            gate.response(PING, 10 * PATIENCE)
            answered += 1
    except Closed:
        pass
    return answered


def open_gate(player):
    """A connection of the player that was let in, or None."""
    player.index += 1
    gate = Gate(player.server.gate())
    try:
        if gate.handshake(player.login, player.index, conversation="").startswith("200 OK"):
            return gate
    except Closed:
        pass
    gate.close()
    return None


def assert_within(rate, answered, began):
    """Of a bucket with a burst of one second no more can have come, however slow the test is."""
    assert answered <= rate * (time.monotonic() - began + 1) + 5


def test_a_new_connection_brings_no_new_rate(start_server):
    server = start_server({"limits": {"gate_frames_per_s_max": RATE}})
    player = Player(server)
    began, answered = time.monotonic(), 0
    for _ in range(40):
        if gate := open_gate(player):
            with gate:
                answered += pings(gate, RATE)
    assert answered > RATE // 2
    assert_within(RATE, answered, began)


def test_a_new_connection_brings_no_new_bytes(start_server):
    rate = 100_000
    server = start_server({"limits": {"gate_bytes_per_s_max": rate}})
    player = Player(server)
    content = b"x" * 9_000
    began, answered = time.monotonic(), 0
    for _ in range(20):
        gate = open_gate(player)
        assert gate, "bytes do not count against handshakes"
        with gate:
            try:
                while True:
                    gate.send(request_frame(content, PING))
                    gate.response(PING, 10 * PATIENCE)
                    answered += len(content)
            except Closed:
                pass
    assert_within(rate, answered, began)


def test_a_new_login_brings_no_new_rate(start_server):
    server = start_server({"limits": {"gate_frames_per_s_max": RATE}})
    user = fresh_name()
    began, answered = time.monotonic(), 0
    for _ in range(8):
        if gate := open_gate(Player(server, user)):
            with gate:
                answered += pings(gate, RATE)
    assert_within(RATE, answered, began)


def test_handshakes_alone_have_a_rate(start_server):
    """Each runs two functions of the game."""
    server = start_server({"limits": {"gate_frames_per_s_max": 20}})
    player = Player(server)
    began, let_in = time.monotonic(), 0
    for _ in range(150):
        if gate := open_gate(player):
            gate.close()
            let_in += 1
    assert let_in <= 20 * (time.monotonic() - began + 2) + 5
    gate = wait_until(lambda: open_gate(player), 30 * PATIENCE, "room for a handshake")
    gate.close()


def test_the_rate_of_an_address_is_shared(start_server):
    server = start_server({"limits": {"gate_address_frames_per_s_max": RATE}})
    players = [Player(server) for _ in range(6)]
    began = time.monotonic()
    answered = sum(pings(gate, RATE) for gate in map(open_gate, players) if gate)
    assert_within(RATE + 6, answered, began)


def mute_server(start_server, tmp_path):
    module = tmp_path / "mute.lua"
    module.write_text(MUTE)
    limits = {"gate_bytes_per_s_max": 0}
    return start_server({"agent": {"module": str(module)}, "limits": limits})


def test_what_waits_is_bounded_in_bytes(start_server, tmp_path):
    server = mute_server(start_server, tmp_path)
    player = Player(server)
    with open_gate(player) as warm:
        assert warm.ping(b"x" * 60_000)
    before = server.memory_kib()
    with open_gate(player) as gate:
        try:
            for _ in range(1_000):
                gate.send_request(b"x" * 65_000)
        except Closed:
            pass
        try:
            gate.read_until_closed(20 * PATIENCE)
        except ConnectionError:
            pass
    assert server.memory_kib() - before < 24 * 1024 * PATIENCE
    assert Player(server, player.user).connect().ping() is not None
