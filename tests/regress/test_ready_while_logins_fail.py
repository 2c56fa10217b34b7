"""The kind of fault: a health page tells that the process lives, where who asks wants to know
what a player would get; and it does not speak with the one who asks."""

import json
import sqlite3

import pytest
from conftest import mysql_store, sqlite_store
from gatehouse_client import login
from mariadb import MariaDb, free_port
from players import Player, fresh_name
from raw_http import exchange, status
from server import PATIENCE, Server
from waiting import wait_until

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}
PLAIN_CHECK = b"OPTIONS / HTTP/1.0\r\n\r\n"  # HAProxy's `option httpchk` without words


def ask(server, request=b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"):
    return exchange(server.ready["admin"], request, 30 * PATIENCE)


def readiness(server):
    answer = ask(server)
    head, body = answer.split("\r\n\r\n", 1)
    assert "content-type: application/json" in head.lower(), head
    told = json.loads(body)
    assert told["ready"] == (status(answer) == 200), answer
    return told


def wait_ready(server, ready):
    wait_until(
        lambda: readiness(server)["ready"] == ready, 30 * PATIENCE, f"ready={ready}", 0.1
    )
    return readiness(server)


def line_of_login(server, user):
    return login(server.login, user, "secret", "sample", timeout=30 * PATIENCE).line


def assert_away(server, words):
    """Not ready because of the store, in words that hold `words`; a login is told the same."""
    told = wait_ready(server, False)
    assert told["login"].startswith("503 store: "), told
    assert words in told["parts"]["store"]["why"], told
    assert told["parts"]["workers"] == {"ok": True}, told
    assert line_of_login(server, fresh_name()).startswith("503")
    assert status(ask(server, PLAIN_CHECK)) == 503


def assert_back(server):
    wait_ready(server, True)
    assert line_of_login(server, fresh_name()).startswith("200 ")
    assert status(ask(server, PLAIN_CHECK)) == 200


@pytest.fixture(scope="module")
def down(tmp_path_factory):
    """A server on a MariaDB of its own, as a user without rights beyond the tables."""
    mariadb = MariaDb(tmp_path_factory.mktemp("db")).start()
    store = mysql_store(mariadb, "ready")
    mariadb.query(
        "CREATE USER game@'127.0.0.1' IDENTIFIED BY 'game'; "
        "GRANT ALL ON ready.* TO game@'127.0.0.1'"
    )
    mysql = store.config["mysql"] | {"user": "game", "password": "game"}
    config = {"driver": "mysql", "mysql": mysql, "timeout_ms": 2000 * PATIENCE,
              "watch_interval_ms": 200}
    try:
        with Server(tmp_path_factory.mktemp("down"), ADMIN | {"store": config}) as server:
            server.store, server.mariadb = store, mariadb
            assert_back(server)
            yield server
    finally:
        mariadb.stop()


def test_read_only_mysql(down):
    down.store.query("SET GLOBAL read_only = 1")
    assert_away(down, "read-only")
    down.wait_log("the store takes no logins: ")
    down.store.query("SET GLOBAL read_only = 0")
    assert_back(down)
    down.wait_log(r"the store takes logins again, after \d+ s")


def test_missing_table(down):
    down.store.query("RENAME TABLE account TO moved")
    assert_away(down, "account")
    down.store.query("RENAME TABLE moved TO account")
    assert_back(down)


def test_table_of_the_players_missing(down):
    down.store.query("RENAME TABLE player_data TO moved")
    told = wait_ready(down, False)
    assert "player_data" in told["parts"]["store"]["why"], told
    down.store.query("RENAME TABLE moved TO player_data")
    wait_ready(down, True)


def test_killed_mysql(down):
    down.mariadb.kill()
    assert_away(down, "connect")
    down.mariadb.start()
    assert_back(down)


def test_silent_mysql(down):
    down.mariadb.pause()
    try:
        told = wait_ready(down, False)
        assert not told["parts"]["store"]["ok"], told
        # The page itself stays quick to answer for others.
        assert status(ask(down, b"GET /healthz HTTP/1.0\r\n\r\n")) == 200
    finally:
        down.mariadb.resume()
    wait_ready(down, True)


def test_mysql_never_reached(start_server, mariadb):
    config = mysql_store(mariadb, "never").config
    config = config | {"mysql": config["mysql"] | {"port": free_port()}}
    server = start_server(ADMIN | {"store": config})
    assert_away(server, "connect")


def test_sqlite_locked_by_another(start_server, tmp_path):
    path = tmp_path / "ready.db"
    store = sqlite_store(path)
    server = start_server(ADMIN | {"store": store.config | {"timeout_ms": 300}})
    wait_ready(server, True)
    other = sqlite3.connect(path, timeout=10, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert_away(server, "locked")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert_back(server)


def test_sqlite_without_tables(start_server, tmp_path):
    store = sqlite_store(tmp_path / "ready.db")
    server = start_server(ADMIN | {"store": store.config})
    wait_ready(server, True)
    store.query("ALTER TABLE player_data RENAME TO moved")
    told = wait_ready(server, False)
    assert "player_data" in told["parts"]["store"]["why"], told
    store.query("ALTER TABLE moved RENAME TO player_data")
    wait_ready(server, True)


def test_closed_game_server_is_said_and_no_failure(start_server, tmp_path):
    store = sqlite_store(tmp_path / "ready.db")
    server = start_server(
        ADMIN | {"store": store.config | {"watch_interval_ms": 100}}
    )
    store.query("INSERT INTO game_server (name, state) VALUES ('sample', 'maintenance')")

    def said():
        told = readiness(server)
        assert told["ready"], told
        by_name = {entry["server"]: entry["login"] for entry in told["servers"]}
        return by_name["sample"].startswith("403") and by_name["cocos1"] == "200"

    wait_until(said, 20 * PATIENCE, "the game server's state")


def test_a_full_gate_is_said(start_server):
    gates = [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": 1}]
    server = start_server(ADMIN | {"gate": {"gates": gates}})
    gate = Player(server).connect()
    told = wait_ready(server, False)
    assert told["servers"][0]["login"].startswith("503"), told
    gate.close()
    wait_ready(server, True)


@pytest.mark.parametrize(
    "request_line, expected",
    [
        (b"OPTIONS / HTTP/1.0\r\n\r\n", 200),
        (b"OPTIONS * HTTP/1.0\r\n\r\n", 200),
        (b"OPTIONS /readyz HTTP/1.0\r\n\r\n", 200),
        (b"GET /readyz HTTP/1.0\r\n\r\n", 200),
        (b"HEAD /readyz HTTP/1.0\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost:80\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: game.example\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\nHost: game.example\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: 127.0.0.1.game.example\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nReferer: http://game.example/\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n\r\n", 200),
        (b"POST /drain HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n"
         b"Content-Length: 0\r\n\r\n", 403),
        (b"POST /drain HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n"
         b"Content-Length: 0\r\n\r\n", 403),
    ],
)
def test_who_is_served(checked, request_line, expected):
    assert status(ask(checked, request_line)) == expected


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("checked"), ADMIN) as server:
        yield server
