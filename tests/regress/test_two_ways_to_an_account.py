"""An account that a login policy vouches for was found or made by two functions with two rules. The
one behind login.place let players into a server that operators had closed, and failed where
another login made the account between its look-up and its insert."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import sqlite_store
from gatehouse_client import login
from players import fresh_name
from server import PATIENCE
from waiting import wait_until

WAIT = 30 * PATIENCE
AUTH = """
local login = require "gatehouse.login"
return {
    auth_handler = function(token) return token.server, token.user end,
    %s
}
"""
PLACES = "login_handler = login.place,"


@pytest.fixture(params=["", PLACES], ids=["auth", "auth-and-login"])
def policy(request, tmp_path):
    path = tmp_path / "policy.lua"
    path.write_text(AUTH % request.param)
    return {"login": {"policy": str(path)}, "limits": {"profile": "off"}}


def enter(server, name):
    return login(server.login, name, "any", "sample", "skynet", WAIT).code


def test_a_closed_server_lets_no_player_of_a_policy_in(start_server, policy):
    server = start_server(policy)
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    known, staff, stranger = fresh_name(), fresh_name("staff"), fresh_name("stranger")
    assert [enter(server, known), enter(server, staff)] == [200, 200]
    store.query(f"UPDATE account SET staff = 1 WHERE name = '{staff}'")
    store.query("INSERT INTO game_server (name, state) VALUES ('sample', 'closed')")
    for state, staff_gets in (("closed", 403), ("maintenance", 200)):
        store.query(f"UPDATE game_server SET state = '{state}'")
        assert enter(server, known) == 403
        assert enter(server, stranger) == 403
        assert enter(server, staff) == staff_gets
    assert stranger.encode() not in store.names(), "nor is an account made"
    store.query("UPDATE game_server SET state = 'open'")
    assert enter(server, known) == 200


@contextlib.contextmanager
def uncommitted(mariadb, database, statement):
    """Runs a statement in a transaction that stays open until the block calls what it gets."""
    client = mariadb.open_client(database)

    def commit():
        client.communicate(b"COMMIT;\n", timeout=WAIT)
        assert client.returncode == 0

    try:
        client.stdin.write(f"BEGIN; {statement};\n".encode())
        client.stdin.flush()
        yield commit
    finally:
        client.kill()
        client.wait()


def wait_transaction(mariadb, condition, what):
    count = f"SELECT COUNT(*) FROM information_schema.innodb_trx WHERE {condition}"
    # The table is made anew for who has not read it for 0.1 s.
    wait_until(lambda: mariadb.query(count) != [["0"]], WAIT, what, interval=0.25)


def test_an_account_made_since_the_look_up_is_taken(start_server, own_mariadb, policy):
    database = own_mariadb.create_database("race")
    server = start_server(policy | {"store": own_mariadb.store_config(database)})
    name = fresh_name()
    made = f"INSERT INTO account (name, password_hash) VALUES ('{name}', '!')"
    with ThreadPoolExecutor(1) as pool, uncommitted(own_mariadb, database, made) as commit:
        wait_transaction(own_mariadb, "trx_rows_modified > 0", "the insert")
        coming = pool.submit(enter, server, name)
        # It has found no account, and its own insert waits for the other one's end.
        wait_transaction(own_mariadb, "trx_state = 'LOCK WAIT'", "the login's insert")
        commit()
        assert coming.result(WAIT) == 200
    assert own_mariadb.query("SELECT COUNT(*) FROM account", database) == [["1"]]
