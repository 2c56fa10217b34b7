"""How long answers of the login take, and whether two kinds of them can be told apart by that."""

import itertools
import re
import socket
import time

from gatehouse_client import Stream, make_token


def answer_seconds(
    server, user, password="wrong", game="sample", expected="401 Unauthorized", **proof
):
    """From the token to the answer, on a connection that is there already.

    expected: a pattern of the whole answer.
    """
    with Stream(server.login) as stream:
        stream.read_line()
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        token = make_token(user, password, game, **proof).encode() + b"\n"
        began = time.perf_counter()
        stream.send(token)
        line = stream.read_line()
        took = time.perf_counter() - began
    assert re.fullmatch(expected, line), line
    return took


def chance_of_longer(one, other):
    """That one of the first takes longer than one of the others: Mann and Whitney's U, divided by
    the number of pairs. One half when nothing tells them apart, near 0 or 1 when something does."""
    pairs = itertools.product(one, other)
    longer = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs)
    return longer / (len(one) * len(other))
