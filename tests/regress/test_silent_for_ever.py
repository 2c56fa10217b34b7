"""A gate on which only clients could begin: it had no push, no heartbeat and no end for who went
silent, so that a phone without a network held its place for ever. A server may speak first, an idle
connection is closed when the configuration says so, and a ping is a sign of life."""

from players import Player
from server import PATIENCE

SERVER = {"limits": {"gate_idle_timeout_ms": 2000 * PATIENCE}}


def test_the_idle_end_and_the_living_stay(server):
    player = Player(server)
    since = server.log_size()
    idle = player.connect(conversation="i")
    living = Player(server).connect(conversation="l")
    assert living.request("push hello") == b"ok"
    assert living.wait_for(living.pushes) == [(1, b"hello")]
    while not idle.controls:
        assert living.ping(b"beat") == (1, b"beat")
        try:
            idle.read_event(0.05)
        except TimeoutError:
            continue
    assert [control["code"] for control in idle.controls] == [408]
    idle.read_until_closed(10 * PATIENCE)
    server.wait_log("idle_timeout", since)
    assert living.request("alive") == b"alive"
    assert player.connect().request("resumed") == b"resumed"
