"""A zombie connection: the older connection of a player stayed usable after a newer handshake, and
when it ended, the player counted as not connected; a kick then missed the newer one, which went on
with nobody behind it. A newer handshake closes the older connection, and the end of an older one
says nothing about the newer."""

import pytest
from gatehouse_client import Closed
from players import Player
from server import PATIENCE


@pytest.fixture
def player(server):
    return Player(server)


def test_a_newer_handshake_closes_the_older_connection(player):
    first = player.connect()
    second = player.connect()
    first.read_until_closed(10 * PATIENCE)
    assert second.request("second") == b"second"
    third = player.connect(conversation="c")
    second.read_until_closed(10 * PATIENCE)
    assert third.request("third") == b"third"
    player.connect()
    third.read_until_closed(10 * PATIENCE)
    assert [(c["type"], c["code"]) for c in third.controls] == [("kick", 409)]


def test_the_older_connection_gets_nothing_more(player):
    old = player.connect()
    new = player.connect()
    try:
        old.send_request("count", 50)
    except Closed:
        pass
    old.read_until_closed(10 * PATIENCE)
    assert not old.responses.get(50)
    assert new.request("count") == b"1"


def test_a_kick_finds_the_newer_connection_when_the_older_has_ended(server, player):
    old = player.connect()
    new = player.connect(conversation="c")
    old.read_until_closed(10 * PATIENCE)
    old.close()
    assert new.request("in") == b"in"
    Player(server, player.user)
    new.read_until_closed(10 * PATIENCE)
    assert [(c["type"], c["code"]) for c in new.controls] == [("kick", 409)]
