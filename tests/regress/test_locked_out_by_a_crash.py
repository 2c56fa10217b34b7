"""A crash that locks its player out: when an agent died by itself, the gate and the login kept its
player as online, the kick of the next login failed, and all logins of the account were refused
until the server was started again. An agent's death, however it comes, frees the account at
once."""

import dying
import pytest
from gatehouse_client import Gate
from players import Player


@pytest.mark.parametrize("per_vm", [1, 100])
def test_the_account_is_free_at_once(start_server, tmp_path, per_vm):
    server = dying.start(start_server, tmp_path, per_vm)
    for way in dying.WAYS:
        player = Player(server)
        gate = player.connect()
        assert gate.request("count") == b"1"
        gate.send_request(way)
        dying.read_to_end(gate)
        again = Player(server, player.user)
        assert again.connect().request("echo") == b"echo"
        with Gate(server.gate()) as old:
            assert old.handshake(player.login, 2) == "404 User Not Found"
        # And a second login finds somebody to kick.
        assert Player(server, player.user).connect().request("count") in (b"1", b"2")
