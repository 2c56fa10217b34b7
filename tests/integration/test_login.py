"""The login port: both suites, every answer, lines in every shape, deadlines."""

import os
import threading

import pytest
import skynet_crypto
from gatehouse_client import (
    Gate,
    Login,
    Stream,
    b64,
    finish_login,
    login,
    login_plain,
    login_skynet,
    make_token,
    read_answer,
    unb64,
)
from players import Player, fresh_name

SERVER = {
    "login": {
        "listen": [
            {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["plain", "skynet"]},
            {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["skynet"]},
            {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["plain"]},
        ],
    }
}


def raw_login(address, lines):
    """Sends lines after the challenge, and returns all that the server says until it closes."""
    with Stream(address) as stream:
        stream.read_line()
        stream.send(lines)
        return stream.read_to_end().decode().splitlines()


def token_line(user, password="secret", server="sample"):
    return make_token(user, password, server).encode() + b"\n"


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_login_handshake_echo(server, suite):
    player = Player(server, suite=suite)
    gate = player.connect()
    assert gate.request("hello gatehouse") == b"hello gatehouse"
    assert gate.request("whoami") == f"{player.user}@sample".encode()


def test_plain_answer_has_all_that_the_next_step_needs(server):
    answer = login(server.login, fresh_name(), "secret", "cocos1")
    assert len(answer.secret) == 32
    endpoints = answer.extras["gate"]
    assert isinstance(endpoints, list) and endpoints
    with Gate(endpoints[0]) as gate:
        assert gate.handshake(answer) == "200 OK"


def test_challenge_is_8_fresh_bytes(server):
    challenges = set()
    for _ in range(20):
        with Stream(server.login) as stream:
            challenges.add(unb64(stream.read_line()))
    assert len(challenges) == 20 and {len(c) for c in challenges} == {8}


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_401_wrong_password(server, suite):
    user = fresh_name()
    Player(server, user)
    assert login(server.login, user, "wrong", "sample", suite).line == "401 Unauthorized"
    assert login(server.login, user, "", "sample", suite).line == "401 Unauthorized"
    server.wait_log(f'refused 401: wrong_password, user "{user}"')


def test_a_failed_login_leaves_the_player_in(server):
    player = Player(server)
    gate = player.connect()
    assert login(server.login, player.user, "wrong", "sample").code == 401
    assert gate.request("still here") == b"still here"


def test_unknown_game_server(server):
    assert login(server.login, fresh_name(), "secret", "atlantis").line == "403 Forbidden"
    server.wait_log("refused 403: server_unknown")


@pytest.mark.parametrize(
    "line", [b"hello", b"", b"YWJj", b"!!!!", b64(b"x" * 16).encode(), b"\xff\xfe\x00"]
)
def test_400_line_of_no_suite(server, line):
    assert raw_login(server.login, line + b"\n") == ["400 Bad Request"]


@pytest.mark.parametrize("token", [b"@", b"YQ==@YQ==", b"YQ==@:YQ==", b"a b@YQ==:YQ=="])
def test_plain_token_that_does_not_parse(server, token):
    assert raw_login(server.login, token + b"\n")[0][:3] in ("400", "401")


def test_426_suite_not_allowed_here(server):
    ports = [server.endpoint(entry["address"]) for entry in server.ready["login"]]
    skynet_only, plain_only = ports[1:]
    assert raw_login(skynet_only, token_line("nobody")) == ["426 Upgrade Required"]
    key = b64(skynet_crypto.dh_exchange(skynet_crypto.random_key())).encode()
    assert raw_login(plain_only, key + b"\n") == ["426 Upgrade Required"]
    assert login(skynet_only, fresh_name(), "secret", "sample", "skynet").code == 200
    assert login(plain_only, fresh_name(), "secret", "sample").code == 200


@pytest.mark.parametrize("broken", ["mac", "mac length", "des", "des length", "token"])
def test_401_broken_skynet_step(server, broken):
    with Stream(server.login) as stream:
        challenge = unb64(stream.read_line())
        key = skynet_crypto.random_key()
        stream.send(b64(skynet_crypto.dh_exchange(key)).encode() + b"\n")
        secret = skynet_crypto.dh_secret(unb64(stream.read_line()), key)
        mac = skynet_crypto.hmac64(challenge, secret)
        text = b"no token" if broken == "token" else make_token("a", "b", "sample").encode()
        data = skynet_crypto.des_encode(secret, text)
        mac = {"mac": os.urandom(8), "mac length": mac[:7]}.get(broken, mac)
        data = {"des": os.urandom(16), "des length": data[:-1]}.get(broken, data)
        stream.send(f"{b64(mac)}\n{b64(data)}\n".encode())
        assert stream.read_to_end() == b"401 Unauthorized\n"


def test_406_while_the_same_account_logs_in(start_server, tmp_path):
    policy = tmp_path / "policy.lua"
    policy.write_text(
        'local skynet = require "skynet"\n'
        "local M = {}\n"
        "function M.auth_handler(token) return token.server, token.user end\n"
        "function M.login_handler(server, uid, secret)\n"
        '  skynet.error("handler of " .. uid)\n'
        "  skynet.sleep(150)\n"
        "  return 7\n"
        "end\n"
        "return M\n"
    )
    server = start_server({"login": {"policy": str(policy)}})
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(login(server.login, "twin", "secret", "sample").line)
    )
    first.start()
    server.wait_log("handler of twin")
    assert login(server.login, "twin", "secret", "sample").line == "406 Not Acceptable"
    assert login(server.login, "other", "secret", "sample").code == 200
    first.join()
    assert answers[0].startswith("200 Nw==")


def test_many_logins_of_one_account_at_once(server):
    user = fresh_name()
    Player(server, user)
    streams = [Stream(server.login, timeout=20) for _ in range(6)]
    for stream in streams:
        stream.send(token_line(user))
    logins = []
    for stream in streams:
        stream.read_line()
        logins.append(finish_login(Login(read_answer(stream), "plain", user, "sample")))
        stream.close()
    assert {answer.code for answer in logins} <= {200, 406}
    alive = 0
    for answer in logins:
        if answer.code == 200:
            with Gate(server.gate()) as gate:
                alive += gate.handshake(answer) == "200 OK"
    assert alive == 1, "exactly one of the logins owns the session"


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_cr_before_lf(server, suite):
    with Stream(server.login) as stream:
        original = stream.send
        stream.send = lambda data: original(data.replace(b"\n", b"\r\n"))
        run = {"plain": login_plain, "skynet": login_skynet}[suite]
        assert run(stream, fresh_name(), "secret", "sample").code == 200


def test_line_sent_before_the_challenge_is_read(server):
    with Stream(server.login) as stream:
        stream.send(token_line(fresh_name()))
        stream.read_line()
        assert read_answer(stream).startswith("200 ")


def test_line_sent_byte_by_byte(server):
    with Stream(server.login) as stream:
        for byte in token_line(fresh_name()):
            stream.send(bytes([byte]))
        stream.read_line()
        assert read_answer(stream).startswith("200 ")


def test_lines_behind_the_token_change_nothing(server):
    lines = raw_login(server.login, token_line(fresh_name()) + b"garbage\n" * 50)
    assert len(lines) == 1 and lines[0].startswith("200 ")


def test_no_secret_in_the_log(server):
    player = Player(server, password="a-password-to-look-for")
    player.connect().request("hello")
    log = server.log()
    for secret in (
        player.password,
        b64(player.password),
        b64(player.login.secret),
        player.login.secret.hex(),
    ):
        assert secret not in log
