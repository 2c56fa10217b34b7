"""What many wait for must not be held by a few: rows that somebody has locked, of a handful of
players, keep no login and no save of others waiting; and a connection to the database that cannot
be made, and therefore is always idle, does not draw the logins that the others could serve."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from conftest import mysql_store
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE
from shop import shop_config

WAIT = 20 * PATIENCE
# A statement may take longer than anybody here waits.
LONG = {"timeout_ms": 300_000}


@contextlib.contextmanager
def locked_rows(mariadb, database, users):
    """What an operator's forgotten transaction does to these players' rows."""
    names = ", ".join(f"'{user}'" for user in users)
    rows = mariadb.query(f"SELECT id FROM account WHERE name IN ({names})", database)
    accounts = ", ".join(row[0] for row in rows)
    client = mariadb.open_client(database)
    try:
        client.stdin.write(
            b"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION;"
            b"SELECT 'locked' FROM player_data WHERE account IN (%s) FOR UPDATE;\n"
            % accounts.encode()
        )
        client.stdin.flush()
        for _ in users:
            assert client.stdout.readline() == b"locked\n"
        yield
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()


def test_locked_players_keep_nobody_waiting(own_mariadb, start_server, tmp_path):
    store = mysql_store(own_mariadb, "locked")
    changes = shop_config(tmp_path) | {
        "store": store.config | LONG | {"connections": 4},
        "limits": {"profile": "off"},
    }
    server = start_server(changes)
    locked = [Player(server) for _ in range(5)]
    for player in locked:
        assert player.connect(conversation="c").request("buy") == b"1"
    with locked_rows(own_mariadb, "locked", [player.user for player in locked]):
        asked = [player.gate.send_request("buy") for player in locked]
        with ThreadPoolExecutor(6) as pool:
            lines = list(pool.map(lambda _: play(server), range(12)))
        assert lines == [b"1"] * 12
    for player, session in zip(locked, asked, strict=True):
        assert player.gate.response(session, WAIT) == (1, b"2")


def play(server):
    entry = login(server.login, fresh_name(), "secret", "sample", timeout=WAIT)
    assert entry.code == 200, entry.line
    player = Player(server, entry.user)
    return player.connect(conversation="c").request("buy", timeout=WAIT)


def test_an_account_holds_one_connection(own_mariadb, start_server, tmp_path):
    store = mysql_store(own_mariadb, "greedy")
    changes = shop_config(tmp_path, concurrent=True) | {
        "store": store.config | LONG | {"connections": 2, "lock_timeout_ms": 200_000},
        "limits": {"profile": "off"},
    }
    server = start_server(changes)
    greedy = Player(server)
    assert greedy.connect(conversation="c").request("buy") == b"1"
    with locked_rows(own_mariadb, "greedy", [greedy.user]):
        asked = [greedy.gate.send_request("buy") for _ in range(4)]
        assert play(server) == b"1"
    counts = sorted(greedy.gate.response(session, WAIT) for session in asked)
    assert counts == [(1, b"2"), (1, b"3"), (1, b"4"), (1, b"5")]


def test_a_connection_that_cannot_be_made_draws_no_logins(own_mariadb, start_server):
    store = mysql_store(own_mariadb, "crowded")
    config = store.config | {"connections": 8}
    config["mysql"] = config["mysql"] | {"user": "few", "password": "few"}
    own_mariadb.query(
        "CREATE USER 'few'@'127.0.0.1' IDENTIFIED BY 'few' WITH MAX_USER_CONNECTIONS 5; "
        "GRANT ALL ON crowded.* TO 'few'@'127.0.0.1'"
    )
    server = start_server({"store": config, "limits": {"profile": "off"}})
    # The first ones find out which connections there are.
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            entries = [
                pool.submit(login, server.login, fresh_name(), "secret", "sample", timeout=WAIT)
                for _ in range(12)
            ]
            assert [entry.result().code for entry in entries] == [200] * 12
