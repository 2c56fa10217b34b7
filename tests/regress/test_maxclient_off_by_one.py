"""An off by one: a gate with maxclient N let N - 1 clients in, and told its owner of the end of
connections of which it had never told the beginning. N are let in, and the next one is not."""

from gatehouse_client import Closed, Gate
from players import Player, fresh_name
from waiting import wait_until

SERVER = {
    "gate": {
        "gates": [
            {"server": "sample", "listen": "127.0.0.1:0", "maxclient": 1000},
            {"server": "tiny", "listen": "127.0.0.1:0", "maxclient": 3},
        ]
    },
}


def admitted(server, player):
    """True when the tiny gate lets this player in; the connection stays open then."""
    player.index += 1
    gate = Gate(server.gate("tiny"))
    try:
        answer = gate.handshake(player.login, player.index)
    except Closed:
        answer = "closed"
    if answer == "200 OK":
        player.gate = gate
        return True
    gate.close()
    return False


def test_exactly_that_many_are_let_in(server):
    def tiny_player():
        return Player(server, fresh_name("tiny"), game="tiny")

    # Players fill the gate; who is logged in but not connected does not count.
    players = [tiny_player() for _ in range(3)]
    assert all(admitted(server, player) for player in players)
    fourth = tiny_player()
    assert not admitted(server, fourth)
    server.wait_log("maxclient")
    assert [player.gate.request("in") for player in players] == [b"in"] * 3
    players[0].gate.close()
    wait_until(lambda: admitted(server, fourth), what="room after one left")
    assert all(player.gate.request("in") == b"in" for player in players[1:])
