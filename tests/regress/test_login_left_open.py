"""A login that leaves its connection open: the server answered and then waited for the client to
close, so that each login, and each client that spoke garbage, kept a descriptor for as long as the
client liked. Whatever the answer is, the server closes behind it."""

import pytest
from gatehouse_client import Stream, login_plain, login_skynet, make_token
from players import fresh_name
from server import PATIENCE
from waiting import wait_until


@pytest.mark.parametrize("run", [login_plain, login_skynet], ids=["plain", "skynet"])
def test_closed_after_a_good_answer(server, run):
    with Stream(server.login) as stream:
        assert run(stream, fresh_name(), "secret", "sample").code == 200
        assert stream.read_to_end(10 * PATIENCE) == b""


@pytest.mark.parametrize("line, answer", [
    (make_token("nobody", "secret", "no such server"), "403 Forbidden"),
    ("garbage", "400 Bad Request"),
])
def test_closed_after_a_refusal(server, line, answer):
    with Stream(server.login) as stream:
        stream.read_line()
        stream.send(line.encode() + b"\n")
        assert stream.read_line() == answer
        assert stream.read_to_end(10 * PATIENCE) == b""


def test_no_descriptor_stays(server):
    before = server.sockets()
    streams = [Stream(server.login) for _ in range(20)]
    for number, stream in enumerate(streams):
        stream.read_line()
        stream.send(b"garbage\n" if number % 2 else make_token("a", "b", "c").encode() + b"\n")
    for stream in streams:
        stream.read_to_end(10 * PATIENCE)
    # The clients still hold their ends.
    wait_until(lambda: server.sockets() <= before, 10 * PATIENCE, "descriptors given back")
    for stream in streams:
        stream.close()
