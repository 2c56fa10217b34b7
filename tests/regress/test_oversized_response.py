"""A response that was too big: it could not be packed, the connection was closed, and its request
stayed "running" for ever, so that asking again hung and then closed the next connection, too. It is
answered as a failure, and nothing else changes."""

from players import Player


def test_it_is_an_error_and_poisons_nothing(server):
    """A request of 65531 bytes would be echoed with one byte too many."""
    player = Player(server)
    gate = player.connect()
    assert gate.response(gate.send_request(b"x" * 65531, 1)) == (0, b"")
    assert gate.response(gate.send_request(b"after", 2)) == (1, b"after")
    gate = player.reconnect()
    assert gate.response(gate.send_request(b"x" * 65531, 1)) == (0, b"")
    assert gate.response(gate.send_request(b"x" * 65530, 3)) == (1, b"x" * 65530)
