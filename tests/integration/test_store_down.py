"""The store goes away: nobody is logged in by mistake, and all comes back by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import mysql_store
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

UNAVAILABLE = "503 Service Unavailable"
# Well under the client's time-out: the server has to give up on the store by itself.
IMPATIENT = {"timeout_ms": 1500 * PATIENCE}


def try_login(server, user):
    return login(server.login, user, "secret", "sample", timeout=20 * PATIENCE).line


def wait_for_recovery(server, user):
    wait_until(
        lambda: try_login(server, user).startswith("200 "), 30 * PATIENCE, "logins after recovery"
    )


@pytest.fixture
def down(own_mariadb, start_server):
    """A MariaDB, a server on it, and plain SQL on its tables."""
    store = mysql_store(own_mariadb, "down")
    return own_mariadb, start_server({"store": store.config | IMPATIENT}), store


def test_killed_between_connect_and_query(down):
    mariadb, server, store = down
    known, stranger = fresh_name(), fresh_name()
    player = Player(server, known)
    gate = player.connect()
    mariadb.kill()
    assert try_login(server, known) == UNAVAILABLE
    assert try_login(server, stranger) == UNAVAILABLE
    assert gate.request("players stay in") == b"players stay in"
    mariadb.start()
    assert store.names() == [known.encode()], "no account was made"
    wait_for_recovery(server, known)
    assert try_login(server, stranger).startswith("200 ")
    assert store.names() == [known.encode(), stranger.encode()]


def test_paused_in_the_middle(down):
    mariadb, server, store = down
    known, stranger = fresh_name(), fresh_name()
    gate = Player(server, known).connect()
    mariadb.pause()
    try:
        assert try_login(server, stranger) == UNAVAILABLE
        assert try_login(server, known) == UNAVAILABLE
        assert gate.request("count") == b"1", "a player's requests do not wait for the store"
    finally:
        mariadb.resume()
    assert store.names() == [known.encode()], "no account was made"
    wait_for_recovery(server, known)
    wait_for_recovery(server, stranger)


def test_data_is_kept_while_the_store_is_away(down):
    """The kicked player's save is retried until the store is back."""
    mariadb, server, _ = down
    player = Player(server)
    gate = player.connect()
    for _ in range(5):
        gate.request("count")
    mariadb.kill()
    assert try_login(server, player.user) == UNAVAILABLE
    assert gate.request("count") == b"6"
    mariadb.start()
    wait_for_recovery(server, player.user)
    assert Player(server, player.user).connect().request("count") == b"7"


def test_away_from_the_start(own_mariadb, start_server):
    store = mysql_store(own_mariadb, "later")
    own_mariadb.stop()
    server = start_server({"store": store.config | IMPATIENT})
    user = fresh_name()
    assert try_login(server, user) == UNAVAILABLE
    own_mariadb.start()
    wait_for_recovery(server, user)
    assert store.names() == [user.encode()]


def test_restart_of_an_idle_store_is_not_noticed(down):
    mariadb, server, _ = down
    player = Player(server)
    mariadb.stop()
    mariadb.start()
    wait_for_recovery(server, player.user)


def test_many_logins_while_the_store_hangs_all_get_an_answer(start_server, own_mariadb):
    store = mysql_store(own_mariadb, "queue")
    server = start_server({"store": store.config | IMPATIENT | {"queue_max": 8}})
    Player(server)
    own_mariadb.pause()
    try:
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: try_login(server, f"waiting{n}"), range(40)))
    finally:
        own_mariadb.resume()
    assert set(answers) == {UNAVAILABLE}
    assert len(store.names()) == 1
