"""What lets a player in, what it let him into, and looks of the server that have passed."""

import base64
import os

from gatehouse_client import Gate, b64, login
from players import Player
from server import PATIENCE
from waiting import wait_until

WRONG = "401 Unauthorized"
GONE = 60 * PATIENCE  # a deadline, not a duration


def key():
    return base64.b64encode(os.urandom(32)).decode()


def settings(**auth):
    """A server that looks at the store often, counts no failures and takes second factors."""
    return {
        "store": {"watch_interval_ms": 100},
        "limits": {"profile": "off"},
        "auth": {"totp": {"keys": [base64.b64encode(bytes(32)).decode()]}, **auth},
    }


def with_ticket(server, done, ticket=None, **how):
    """A login with the ticket that another one brought."""
    ticket = ticket or done.extras["ticket"]
    game = how.pop("game", done.server)
    timeout = how.pop("timeout", GONE)
    return login(server.login, done.user, "", game, ticket=ticket, timeout=timeout, **how)


def is_let_in(done):
    assert done.code == 200, done.line
    return done


def is_kicked(gate, *codes):
    """By one of the codes; why."""
    gate.read_until_closed(timeout=GONE)
    assert gate.controls and gate.controls[-1]["type"] == "kick", gate.controls
    assert gate.controls[-1]["code"] in codes, gate.controls[-1]
    return gate.controls[-1]["reason"]


def connected(server, done, index=1, source=None):
    gate = Gate(server.gate(done.server), timeout=GONE, source=source)
    answer = gate.handshake(done, index, conversation="c1")
    assert answer.startswith("200 OK"), answer
    return gate


def is_forgotten(server, done):
    """The session of this login is not there any more, connected or not."""

    def gone():
        with Gate(server.gate(done.server), timeout=GONE) as gate:
            gate.send_frame(f"{done.name}:{1 << 30}:{b64(bytes(32))}")
            answer = gate.read_frame().decode()
            assert answer.split(" ")[0] in ("401", "404"), "a wrong mac changes nothing"
            return answer.startswith("404")

    wait_until(gone, GONE, f"the end of the session of {done.user}", interval=0.1)


def look_passes(server, store):
    """Returns after the server has looked into the store at least once from now."""
    marker = Player(server)
    gate = marker.connect(conversation="c1")
    store.query(
        "UPDATE account SET ticket_generation = ticket_generation + 1"
        f" WHERE name = '{marker.user}'"
    )
    is_kicked(gate, 401)
