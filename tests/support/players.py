"""A player as the tests use one: logs in, connects, and comes back with a higher index."""

import itertools

from gatehouse_client import Gate, login

_numbers = itertools.count(1)


def fresh_name(prefix="player"):
    """A user name that no other test of this run uses."""
    return f"{prefix}{next(_numbers)}"


class Player:
    """Logged in on construction; `gate` is the newest connection."""

    def __init__(
        self, server, user=None, password="secret", game="sample", suite="plain", **proof
    ):
        self.server = server
        self.user = user or fresh_name()
        self.password = password
        self.game = game
        self.login = login(server.login, self.user, password, game, suite, **proof)
        assert self.login.code == 200, self.login.line
        self.index = 0
        self.gate = None

    def connect(self, **extended):
        """A new connection with the next index; the older one is left as it is."""
        self.index += 1
        gate = Gate(self.server.gate(self.game))
        answer = gate.handshake(self.login, self.index, **extended)
        assert answer.split(" ")[:2] == ["200", "OK"], answer
        if self.gate is not None:
            gate.next_session = self.gate.next_session
        self.gate = gate
        return gate

    def reconnect(self, **extended):
        """As after a broken connection."""
        self.gate.close()
        return self.connect(**extended)
