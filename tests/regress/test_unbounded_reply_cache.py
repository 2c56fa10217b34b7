"""A cache of replies without a bound in bytes: what a client may ask for again was counted, not
measured, so that one player could make the server keep some 16 MiB. It is bounded in bytes; what
does not fit any more is forgotten, the oldest first."""

from players import Player

REPLY_BYTES = 30_000
SERVER = {"gate": {"reply_cache_count": 128, "reply_cache_bytes": 4 * REPLY_BYTES}}


def asked_again(server, between):
    """What a count is answered that is asked again behind so many big replies."""
    player = Player(server)
    gate = player.connect()
    assert gate.request("count", 1) == b"1"
    for n in range(between):
        assert gate.request(b"x" * REPLY_BYTES, 100 + n) == b"x" * REPLY_BYTES
    gate = player.reconnect()
    return gate.request("count", 1)


def test_what_does_not_fit_is_forgotten(server):
    assert asked_again(server, 2) == b"1"
    assert asked_again(server, 20) == b"2", "far below the bound in number, and yet forgotten"
