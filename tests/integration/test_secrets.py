"""Nothing that a server prints, at any level, in any form, holds a secret.

A server runs through logins of every kind, at the log level that tells the most; then everything
that it printed, its metrics and its status are searched for every secret that went in or out, as
text, in base64 and in hexadecimal.
"""

import base64
import json
import os
import signal
import sqlite3
import subprocess
import urllib.request

import pytest
from conftest import mysql_store
from gatehouse_client import Gate, Stream, login, unb64
from players import Player
from server import BINARY, ROOT, write_private

GATECTL = BINARY.parent / "gatectl"


def forms(secret):
    """How a secret could be printed."""
    raw = secret.encode() if isinstance(secret, str) else secret
    return {
        raw,
        base64.b64encode(raw).rstrip(b"="),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        "".join(f"\\x{byte:02x}" for byte in raw).encode(),
    }


@pytest.fixture(params=["text", "json"])
def form(request):
    return request.param


@pytest.mark.parametrize("driver", ["sqlite", "mysql"])
def test_no_secret_in_anything_printed(start_server, request, tmp_path, form, driver):
    keys = [os.urandom(32), os.urandom(32)]
    secrets = {
        "ticket key": base64.b64encode(keys[0]).decode(),
        "totp key": base64.b64encode(keys[1]).decode(),
        "password": "correct horse battery",
        "wrong password": "a guess that is wrong",
        "password of a stranger": "stranger's own words",
        "password of a skynet client": "sk-pass-9137",
    }
    store = {}
    if driver == "mysql":
        store = mysql_store(request.getfixturevalue("mariadb"), f"secrets_{form}").config
        secrets["database password"] = store["mysql"]["password"] or "not-the-password-1"
    server = start_server(
        {
            "store": store,
            "log": {"level": "debug", "format": form},
            "admin": {"listen": "127.0.0.1:0"},
            "auth": {
                "tickets": {"keys": [secrets["ticket key"]]},
                "totp": {"keys": [secrets["totp key"]]},
            },
            "limits": {"login_account_failures_max": 3},
        }
    )
    player = Player(server, "test1", secrets["password"])
    gate = player.connect(conversation="c1")
    gate.request("hello")
    gate.send_frame("garbage:1:AAAA")
    secrets["session secret"] = player.login.secret
    secrets["ticket"] = unb64(player.login.extras["ticket"])
    secrets["handshake"] = player.login.handshake(7).rsplit(":", 1)[1]
    resumed = login(server.login, "test1", "", "sample", ticket=player.login.extras["ticket"])
    assert resumed.code == 200
    secrets["second session secret"] = resumed.secret
    for _ in range(4):
        login(server.login, "test1", secrets["wrong password"], "sample", source="127.0.0.2")
    skynet = login(
        server.login, "test2", secrets["password of a skynet client"], "cocos1", "skynet"
    )
    assert skynet.code == 200
    secrets["skynet session secret"] = skynet.secret
    strangers = secrets["password of a stranger"]
    assert login(server.login, "bad\x01name", strangers, "sample").code == 401
    assert login(server.login, "x", strangers, "elsewhere").code == 403
    with Stream(server.login) as stream:
        stream.read_line()
        stream.send(b"not base64 " + secrets["password of a stranger"].encode() + b"\n")
        stream.read_line()
    for arguments, words in (
        (["account", "passwd", "test2"], "another password 1"),
        (["account", "add", "test3"], "another password 2"),
    ):
        secrets[words] = words
        run_gatectl(server, arguments, words)
    wrong = Gate(server.gate())
    assert wrong.handshake(skynet, 9).startswith("40")
    server.signal(signal.SIGHUP)
    for path in ("metrics", "status"):
        with urllib.request.urlopen(f"http://{server.ready['admin']}/{path}") as answer:
            (tmp_path / path).write_bytes(answer.read())
    secrets |= {f"hash of {name}": text for name, text in hashes(server, driver, request, form)}
    server.stop()
    printed = b"".join(
        path.read_bytes()
        for path in (server.log_path, tmp_path / "metrics", tmp_path / "status")
    )
    printed += b"".join(path.read_bytes() for path in tmp_path.glob("gatectl.*"))
    assert b"test1" in printed and len(printed) > 5000, "the search looks at the right thing"
    for what, secret in secrets.items():
        for shape in forms(secret):
            assert shape not in printed, what


def run_gatectl(server, arguments, password):
    done = subprocess.run(
        [GATECTL, "--config", server.config_path, *arguments],
        cwd=ROOT,
        input=password.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    path = server.folder.parent / f"gatectl.{arguments[1]}"
    path.write_bytes(done.stdout)


def hashes(server, driver, request, form):
    statement = "SELECT name, password_hash FROM account"
    if driver == "mysql":
        return request.getfixturevalue("mariadb").query(statement, f"secrets_{form}")
    connection = sqlite3.connect(server.config["store"]["sqlite"]["path"])
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_check_prints_no_secret(tmp_path):
    """`check` explains a configuration, right or wrong, without its secrets."""
    key = base64.b64encode(os.urandom(32)).decode()
    config = {
        "login": {"listen": [{"address": "127.0.0.1:0", "suites": ["plain"]}]},
        "gate": {"gates": [{"server": "sample", "listen": "127.0.0.1:0"}]},
        "store": {"driver": "mysql", "mysql": {"password": "db-word-4711"}},
        "auth": {"tickets": {"keys": [key, key[:-8]]}, "totp": {"keys": [key, key]}},
    }
    for broken in (True, False):
        if not broken:
            config["auth"] = {"tickets": {"keys": [key]}}
        path = tmp_path / "config.json"
        write_private(path, json.dumps(config))
        done = subprocess.run(
            [BINARY, "check", "--config", path],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode != 0) == broken, done.stdout
        for secret in (key, key[:-8], "db-word-4711"):
            assert secret.encode() not in done.stdout
