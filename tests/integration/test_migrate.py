"""The schema at start: brought up to date, or with store.migrate "check" only by gatectl."""

import subprocess

import pytest
from conftest import mysql_store, sqlite_store
from gatehouse_client import login
from players import Player, fresh_name
from server import BINARY, PATIENCE, ROOT, Server
from waiting import wait_until

MENDS = "gatectl --config FILE migrate"


def migrate(server):
    """What an operator does."""
    command = [BINARY.with_name("gatectl"), "--config", server.config_path, "migrate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60 * PATIENCE, check=True)
    assert done.stdout.startswith(b"the schema has version ")


def refusal(server):
    """What a server that does not start logs."""
    since = server.log_size()
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    return server.log(since)


def checked(store):
    return store.config | {"migrate": "check"}


@pytest.fixture
def new_store(own_mariadb):
    return mysql_store(own_mariadb, "fresh")


def test_mysql_is_migrated_by_the_operator(new_store, start_server, tmp_path):
    refused = Server(tmp_path / "refused", {"store": checked(new_store)})
    assert MENDS in refusal(refused)
    assert new_store.query("SHOW TABLES") == [], "nothing was made"
    migrate(refused)
    server = start_server({"store": checked(new_store)})
    Player(server)
    assert new_store.query("SELECT COUNT(*) FROM account") == [["1"]]


def test_a_new_mysql_database_is_migrated_at_start(new_store, start_server):
    Player(start_server({"store": new_store.config}))
    assert new_store.query("SELECT COUNT(*) FROM account") == [["1"]]


def test_older_and_newer_schemas_are_refused(new_store, tmp_path):
    server = Server(tmp_path / "server", {"store": checked(new_store)})
    refusal(server)
    migrate(server)
    new_store.query("DELETE FROM schema_migration ORDER BY version DESC LIMIT 1")
    assert MENDS in refusal(server)
    migrate(server)
    new_store.query(
        "INSERT INTO schema_migration (version, name, checksum) "
        "SELECT MAX(version) + 1, 'future', '' FROM schema_migration"
    )
    assert "older than the database" in refusal(server)


def test_store_that_was_away_is_used_once_it_is_migrated(own_mariadb, new_store, start_server):
    own_mariadb.stop()
    server = start_server({"store": checked(new_store) | {"timeout_ms": 1500 * PATIENCE}})
    own_mariadb.start()
    server.wait_log(MENDS)

    def first_line():
        return login(server.login, fresh_name(), "secret", "sample", timeout=20 * PATIENCE).line

    assert first_line() == "503 Service Unavailable"
    migrate(server)
    wait_until(lambda: first_line().startswith("200 "), 30 * PATIENCE, "logins once migrated")
    assert server.log().count(MENDS) == 1, "said once"


def test_sqlite_is_migrated_at_start_unless_told_otherwise(start_server, tmp_path):
    store = sqlite_store(tmp_path / "check.db")
    refused = Server(tmp_path / "refused", {"store": store.config | {"migrate": "check"}})
    assert MENDS in refusal(refused)
    migrating = start_server({"store": store.config})
    Player(migrating)
    assert store.query("SELECT COUNT(*) FROM account") == [["1"]]
    migrating.stop()  # one server a file
    refused.start().stop()
