"""A request that ran twice: it was answered between the handshake of the client's new connection
and the moment the client asked for it again, and was new then. A purchase was made twice. What
counts is the connection that a request came with: asked again on a newer one, it is answered from
what is kept."""

from players import Player


def test_answered_after_the_handshake_and_asked_again_afterwards(server):
    player = Player(server)
    gate = player.connect()
    gate.send_request("sleep 300", 1)
    gate.send_request("count", 2)
    assert gate.ping() == (1, b"")
    gate = player.reconnect()
    assert gate.request("whoami", 3) is not None  # runs behind the count, so that one is done
    assert gate.request("count", 2) == b"1"
    assert gate.request("count", 4) == b"2"
