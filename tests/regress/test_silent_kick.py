"""A kick without a reason: the client saw its connection close and could not tell a second login
from a broken network, and the log named a number in a spelling that nobody could read. A client
that asks for control frames is told a code and a reason, and the log names both."""

from players import Player
from server import PATIENCE


def test_a_second_login(stored_server):
    first = Player(stored_server)
    gate = first.connect(conversation="c1")
    second = Player(stored_server, first.user)
    control = gate.wait_for(gate.controls)[0]
    assert control["type"] == "kick" and control["code"] == 409 and control["reason"], control
    gate.read_until_closed()
    assert second.connect().request("in") == b"in"


def test_a_number_that_is_in_use(server):
    player = Player(server)
    since = server.log_size()
    gate = player.connect()
    for _ in range(3):
        gate.send_request(f"sleep {400 * PATIENCE}", 1)
    gate.read_until_closed(10 * PATIENCE)
    server.wait_log("closed: session_conflict", since)
