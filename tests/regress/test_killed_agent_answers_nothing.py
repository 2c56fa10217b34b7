"""An agent that was killed with requests in hand answered none of them, and its client waited for
ever on a connection that stayed open. Whoever waits is told: by an answer that says that it failed,
or, where nobody can say any more what became of it, by the end of the connection."""

import dying
import pytest
from gatehouse_client import Gate
from players import Player


@pytest.mark.parametrize("way", dying.WAYS)
@pytest.mark.parametrize("per_vm", [1, 100])
def test_whoever_waits_is_told(start_server, tmp_path, way, per_vm):
    server = dying.start(start_server, tmp_path, per_vm)
    player = Player(server)
    gate = player.connect()
    assert gate.request("echo", 1) == b"echo"
    gate.send_request("wait", 2)
    gate.send_request("wait", 3)
    gate.send_request(way, 4)
    responses = dying.read_to_end(gate)
    for session in (2, 3):
        assert responses.get(session, [(0, b"")]) == [(0, b"")]
    with Gate(server.gate()) as old:
        assert old.handshake(player.login, 2) == "404 User Not Found"
    assert Player(server, player.user).connect().request("echo") == b"echo"
