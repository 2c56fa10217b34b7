"""A need that only the documents knew: what the server needs of its database was found out by
players, one failed save at a time, instead of being asked for by name at the start."""

import json
import os
import re

import pytest
from conftest import mysql_store, sqlite_store
from gatectl import Tool
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE, Server, run, write_private
from waiting import wait_until


@pytest.fixture
def made(own_mariadb, tmp_path):
    """A migrated database, its tool, and a user with the rights that sql/README.md names."""
    store = mysql_store(own_mariadb, "needs")
    Tool(tmp_path / "root", {"store": store.config}).done("migrate")
    own_mariadb.query(
        "CREATE USER game@'127.0.0.1' IDENTIFIED BY 'pw';"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON needs.* TO game@'127.0.0.1'"
    )
    config = json.loads(json.dumps(store.config))
    config["mysql"] |= {"user": "game", "password": "pw"}
    config["migrate"] = "check"
    return own_mariadb, config


def what_it_says(folder, store):
    """Of a server that must refuse to start."""
    server = Server(folder, {"store": store})
    write_private(server.config_path, json.dumps(server.config))
    code, said = run("--config", server.config_path, timeout=60)
    assert code == 1, said
    return said


def test_all_is_there(made, start_server, tmp_path):
    _, store = made
    server = start_server({"store": store})
    Player(server).connect().request("count")
    assert "lacks" not in server.log()
    assert "error" not in Tool(tmp_path / "tool", {"store": store}).done("migrate")


@pytest.mark.parametrize(
    "statement, words",
    {
        "rights": (
            "REVOKE UPDATE ON needs.* FROM game@'127.0.0.1'",
            r"UPDATE command denied .*GRANT SELECT, INSERT, UPDATE, DELETE ON needs\.\*",
        ),
        "table": ("RENAME TABLE needs.player_data TO needs.other", "player_data.*gatectl migrate"),
        "column": ("ALTER TABLE needs.account DROP COLUMN staff", "staff.*gatectl migrate"),
        "engine": (
            "ALTER TABLE needs.game_server ENGINE = MyISAM",
            "table game_server has engine MyISAM; ALTER TABLE game_server ENGINE = InnoDB",
        ),
        "blob": ("ALTER TABLE needs.player_data MODIFY data BLOB", "player_data.data is blob"),
        "charset": (
            "ALTER TABLE needs.account MODIFY session_server VARCHAR(64) CHARACTER SET latin1 "
            "NOT NULL DEFAULT ''",
            "account.session_server has character set latin1",
        ),
    }.values(),
)
def test_what_is_missing_is_named_at_the_start(made, tmp_path, statement, words):
    mariadb, store = made
    mariadb.query(statement)
    assert re.search(words, what_it_says(tmp_path / "server", store))
    code, _, error = Tool(tmp_path / "tool", {"store": store}).run("migrate")
    assert code == 1 and re.search(words, error), error


@pytest.mark.parametrize(
    "statement, words",
    [
        ("SET GLOBAL max_allowed_packet = 1048576", "max_allowed_packet is 1048576"),
        (
            "REVOKE DELETE ON needs.* FROM game@'127.0.0.1'",
            "DELETE command denied .*login_audit",
        ),
    ],
)
def test_what_can_be_done_without_is_a_warning(made, start_server, tmp_path, statement, words):
    mariadb, store = made
    mariadb.query(statement)
    server = start_server({"store": store})
    server.wait_log("the store lacks something: .*" + words)
    Player(server).connect().request("count")
    assert "warning: " in Tool(tmp_path / "tool", {"store": store}).done("migrate")


def test_away_at_the_start_is_asked_later(made, start_server):
    mariadb, store = made
    mariadb.query("SET GLOBAL max_allowed_packet = 1048576")
    mariadb.command.append("--max-allowed-packet=1048576")
    mariadb.stop()
    server = start_server({"store": store | {"timeout_ms": 1500 * PATIENCE}})
    assert "max_allowed_packet is" not in server.log()
    mariadb.start()
    server.wait_log("max_allowed_packet is 1048576", timeout=60)


def test_another_server_is_asked_again(made, start_server):
    """After a failover the next server may be another one."""
    mariadb, store = made
    server = start_server({"store": store | {"watch_interval_ms": 200}})
    assert "max_allowed_packet is" not in server.log()
    mariadb.command.append("--max-allowed-packet=1048576")
    mariadb.stop()
    mariadb.start()
    server.wait_log("max_allowed_packet is 1048576", timeout=60)


def test_sqlite_names_what_is_missing(start_server, tmp_path):
    path = tmp_path / "own.db"
    store = sqlite_store(path)
    start_server({"store": store.config}).stop()
    store.query("ALTER TABLE player_data RENAME COLUMN replies TO other")
    said = what_it_says(tmp_path / "second", store.config)
    assert "no such column: replies" in said and "gatectl migrate" in said


def test_a_read_only_file_is_no_outage(start_server, tmp_path):
    """Unless one is root, whom no mode keeps out."""
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    path = tmp_path / "own.db"
    store = sqlite_store(path)
    start_server({"store": store.config}).stop()
    path.chmod(0o400)
    assert "readonly" in what_it_says(tmp_path / "second", store.config).replace("-", "")


def test_login_names_the_cause(made, start_server):
    mariadb, store = made
    server = start_server({"store": store})
    mariadb.query("REVOKE SELECT ON needs.* FROM game@'127.0.0.1'; KILL CONNECTION USER game")
    user = fresh_name()

    def refused():
        return login(server.login, user, "secret", "sample", timeout=20 * PATIENCE).code == 503

    wait_until(refused, 20 * PATIENCE, "a 503")
    server.wait_log(rf"login of {user}@sample is answered 503: the store is refused: .*denied")
    server.wait_log("bans and game servers cannot be read.*denied")
