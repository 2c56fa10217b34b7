"""The end of what a client says taken for the end of the client: who sent a whole request and then
FIN (a script, a proxy, a client that shuts its side down) got no answer when that was not ready at
once. Whatever listens answers what it was asked, and then closes."""

import json

import pytest
import skynet_crypto
from gatehouse_client import (
    Closed,
    Gate,
    Login,
    Stream,
    b64,
    finish_login,
    frame,
    make_token,
    parse_address,
    read_answer,
    request_frame,
    unb64,
)
from players import Player, fresh_name
from server import PATIENCE
from skynet_process import SkynetProcess


SERVER = {
    "admin": {"listen": "127.0.0.1:0"},
    "console": {"listen": "127.0.0.1:0", "password": "a password of 24 letters"},
}
WAIT = 20 * PATIENCE


def half_login(server, user=None, ending=b"\n"):
    stream = Stream(server.login, timeout=WAIT)
    stream.read_line()
    stream.send(make_token(user or fresh_name(), "secret", "sample").encode() + ending)
    stream.end_sending()
    return stream


@pytest.mark.parametrize("count", [1, 5])
def test_a_login_is_answered(server, count):
    for stream in [half_login(server) for _ in range(count)]:
        with stream:
            assert read_answer(stream).startswith("200 ")
            with pytest.raises(Closed):
                stream.fill(WAIT)


def test_a_login_of_the_skynet_suite_is_answered(server):
    user = fresh_name()
    with Stream(server.login, timeout=WAIT) as stream:
        challenge = unb64(stream.read_line())
        key = skynet_crypto.random_key()
        stream.send(b64(skynet_crypto.dh_exchange(key)).encode() + b"\n")
        secret = skynet_crypto.dh_secret(unb64(stream.read_line()), key)
        token = make_token(user, "secret", "sample").encode()
        stream.send(
            f"{b64(skynet_crypto.hmac64(challenge, secret))}\n"
            f"{b64(skynet_crypto.des_encode(secret, token))}\n".encode()
        )
        stream.end_sending()
        answer = finish_login(Login(read_answer(stream), "skynet", user, "sample", secret))
    assert answer.code == 200
    with Gate(server.gate()) as gate:
        assert gate.handshake(answer) == "200 OK"


def test_a_token_without_its_end_is_refused_with_words(server):
    with half_login(server, ending=b"") as stream:
        assert stream.read_line() == "400 Bad Request"


def test_who_only_looks_gets_nothing(server):
    with Stream(server.login, timeout=WAIT) as stream:
        stream.read_line()
        stream.end_sending()
        assert stream.read_to_end(WAIT) == b""


def test_a_slow_policy_is_awaited(start_server, tmp_path):
    policy = tmp_path / "policy.lua"
    policy.write_text(
        """
local skynet = require "skynet"
return { auth_handler = function(token) skynet.sleep(30) return token.server, token.user end }
"""
    )
    server = start_server({"login": {"policy": str(policy)}})
    with half_login(server) as stream:
        assert read_answer(stream).startswith("200 ")


def gate_stream(player, more=b""):
    """The handshake, `more` and FIN at once."""
    player.index += 1
    gate = Gate(player.server.gate())
    gate.timeout = WAIT
    gate.send(frame(player.login.handshake(player.index).encode()) + more)
    gate.end_sending()
    assert gate.read_frame().decode() == "200 OK"
    return gate


# Several players, so that some sessions live on another worker than the connection.
PLAYERS = 4


def test_a_handshake_is_answered(server):
    for player in [Player(server) for _ in range(PLAYERS)]:
        with gate_stream(player) as gate, pytest.raises(Closed):
            gate.read_frame(WAIT)


def test_requests_are_answered_however_long_they_take(server):
    for player in [Player(server) for _ in range(PLAYERS)]:
        asked = request_frame("sleep 300", 1) + request_frame("whoami", 2)
        with gate_stream(player, asked) as gate:
            assert gate.response(1) == (1, b"ok")
            assert gate.response(2) == (1, f"{player.user}@sample".encode())
            with pytest.raises(Closed):
                gate.read_frame(WAIT)


def test_its_agent_hears_at_once_that_the_client_is_away(server):
    player = Player(server)
    since = server.log_size()
    with gate_stream(player, request_frame("sleep 60000", 1)):
        server.wait_log(f"{player.user} is away", since)
        gate = player.connect()
        assert gate.ping(b"back") == (1, b"back")
    assert server.log(since).count(f"{player.user} is away") == 1


def test_half_a_handshake_is_refused_with_words(server):
    with Gate(server.gate()) as gate:
        gate.send(frame(b"a" * 50)[:20])
        gate.end_sending()
        assert gate.read_frame(WAIT).decode() == "400 Bad Request"


def test_it_waits_no_longer_than_configured(start_server):
    server = start_server({"limits": {"gate_half_closed_timeout_ms": 200}})
    with gate_stream(Player(server), request_frame("sleep 600000", 1)) as gate:
        with pytest.raises(Closed):
            gate.read_frame(WAIT)


def test_the_admin_port_answers(server):
    with Stream(server.ready["admin"], timeout=WAIT) as stream:
        stream.send(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        stream.end_sending()
        page = stream.read_to_end(WAIT)
    assert page.startswith(b"HTTP/1.1 200")
    json.loads(page.partition(b"\r\n\r\n")[2])


SCRIPT = r"""
local skynet = require "skynet"
local socket = require "skynet.socket"
skynet.start(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		local asked = socket.readall(fd)
		skynet.sleep(20)
		socket.write(fd, "answer to " .. asked)
		socket.close(fd)
	end)
	print("listens " .. port)
end)
"""


def test_a_service_of_a_script_may_answer(tmp_path):
    (tmp_path / "answering.lua").write_text(SCRIPT)
    paths = {"luaservice": f"{tmp_path}/?.lua;./lua/service/?.lua"}
    with SkynetProcess(tmp_path / "run", "answering", paths) as process:
        port = int(process.wait_line(r".*listens (\d+)")[1][1])
        streams = [Stream(("127.0.0.1", port), timeout=WAIT) for _ in range(4)]
        for number, stream in enumerate(streams):
            stream.send(f"question {number}".encode())
            stream.end_sending()
        for number, stream in enumerate(streams):
            with stream:
                assert stream.read_to_end(WAIT) == f"answer to question {number}".encode()


def test_the_debug_console_answers(server):
    address = parse_address(server.ready["console"])
    with Stream(address, timeout=WAIT) as stream:
        stream.send(b"a password of 24 letters\nlist\n")
        stream.end_sending()
        text = stream.read_to_end(WAIT)
    assert b"snlua debug_console" in text and b"<CMD OK>" in text
