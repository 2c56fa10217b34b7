"""A login line without an end: only a buffer somewhere below bounded what a client could send
before it had said who it is. A line has a bound of its own, and who goes beyond it is closed."""

from gatehouse_client import Closed, Stream, make_token
from players import fresh_name
from server import PATIENCE


def test_it_is_closed(server):
    since = server.log_size()
    with Stream(server.login) as stream:
        stream.read_line()
        try:
            stream.send(b"x" * 100_000)
            answer = stream.read_to_end(10 * PATIENCE)
        except Closed:
            answer = b""
    assert answer in (b"", b"400 Bad Request\n")
    server.wait_log("line_too_long", since)


def test_a_line_may_be_long(server):
    """The longest password that a client of ours sends is far below the bound of 8 KiB."""
    line = make_token(fresh_name(), "p" * 500, "sample").encode()
    with Stream(server.login) as stream:
        stream.read_line()
        stream.send(line + b"\n")
        assert stream.read_line().split(" ")[0] in ("200", "401")
