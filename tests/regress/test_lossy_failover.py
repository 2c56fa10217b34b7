"""A database may forget what it has promised: after a failover to a replica that lagged it gives
the epoch of one session to another. Who may write a player is told by a random owner beside the
epoch, and a save that changed no row is refused aloud, never taken for done."""

import contextlib
import itertools

import pytest
from gatectl import Tool
from gatehouse_client import Closed
from mariadb import MariaDb
from players import Player
from server import PATIENCE
from shop import shop_config
from waiting import wait_until

WAIT = 30 * PATIENCE
DATABASE = "game"
CONVERSATIONS = itertools.count()


class Pair:
    """A primary and its replica, asynchronous, as many run them; servers know both."""

    def __init__(self, folder):
        self.first = MariaDb(folder / "a", ["--server-id=1", "--log-bin=bin"]).start()
        self.second = MariaDb(folder / "b", ["--server-id=2", "--log-bin=bin", "--read-only"])
        self.second.start()
        self.first.query(
            "CREATE USER 'repl'@'127.0.0.1' IDENTIFIED BY 'repl'; "
            "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'127.0.0.1'; "
            "CREATE USER 'game'@'127.0.0.1' IDENTIFIED BY 'game'; "
            f"GRANT ALL ON {DATABASE}.* TO 'game'@'127.0.0.1'"
        )
        self.first.create_database(DATABASE)
        self.second.query(
            f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {self.first.port}, "
            "MASTER_USER = 'repl', MASTER_PASSWORD = 'repl', MASTER_USE_GTID = slave_pos; "
            "START SLAVE"
        )
        self.config = self.first.store_config(DATABASE)
        self.config["mysql"] |= {
            "user": "game",
            "password": "game",
            "hosts": [f"127.0.0.1:{self.first.port}", f"127.0.0.1:{self.second.port}"],
        }

    def catch_up(self):
        """Until the replica has what the primary has."""
        position = self.first.query("SELECT @@gtid_binlog_pos")[0][0]
        reached = f"SELECT MASTER_GTID_WAIT('{position}', {60 * PATIENCE})"
        assert self.second.query(reached) == [["0"]]

    def lag(self):
        """From now on the replica gets nothing."""
        self.second.query("STOP SLAVE")

    def fail_over(self):
        self.first.kill()
        self.second.query("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0")

    def stop(self):
        self.first.stop()
        self.second.stop()


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path / "db")
    yield pair
    pair.stop()


def start_shop(start_server, pair, folder):
    folder.mkdir()
    return start_server(shop_config(folder) | {"store": pair.config, "limits": {"profile": "off"}})


def come_in(server, user):
    """Logs in, as often as it takes the server to find its database, and connects."""

    def try_login():
        with contextlib.suppress(AssertionError):
            return Player(server, user)

    player = wait_until(try_login, WAIT, f"a login of {user}", interval=0.2)
    player.connect(conversation=f"c{next(CONVERSATIONS)}")
    return player


def unreplicated_session(pair, server):
    """A session of `hero`, and what it bought, of which the replica knows nothing."""
    assert come_in(server, "hero").gate.request("buy") == b"1"
    pair.catch_up()
    pair.lag()
    player = Player(server, "hero")
    player.connect(conversation="d")
    assert player.gate.request("buy") == b"2"
    return player


def buy_is_refused(player):
    try:
        kind, answer = player.gate.response(player.gate.send_request("buy"), WAIT)
    except Closed:
        return
    assert kind == 0, f"{answer} was acknowledged"


def test_an_old_session_does_not_write_over_the_new_one(pair, start_server, tmp_path):
    one = start_shop(start_server, pair, tmp_path / "one")
    two = start_shop(start_server, pair, tmp_path / "two")
    old = unreplicated_session(pair, one)
    old_epoch = old.login.subid
    pair.fail_over()
    new = come_in(two, "hero")
    assert new.login.subid == old_epoch, "two sessions of one epoch"
    bought = int(new.gate.request("buy"))
    assert new.gate.request("buy") == str(bought + 1).encode()
    since = one.log_size()
    buy_is_refused(old)
    one.wait_log("hero@sample is not saved, it is fenced: the database has gone back", since)
    assert new.gate.request("look") == str(bought + 1).encode()
    assert come_in(two, "hero").gate.request("look") == str(bought + 1).encode()


def test_what_nobody_has_any_more_goes_to_a_file(pair, start_server, tmp_path):
    one = start_shop(start_server, pair, tmp_path / "one")
    old = unreplicated_session(pair, one)
    pair.fail_over()
    buy_is_refused(old)
    found = one.wait_log(r"what hero@sample had is in (\S+\.player)")
    tool = Tool(tmp_path / "tool", {"store": pair.config})
    tool.done("restore", found[1])
    assert come_in(one, "hero").gate.request("look") == b"3"


def test_a_promotion_raises_epochs_and_keeps_who_plays(pair, start_server, tmp_path):
    one = start_shop(start_server, pair, tmp_path / "one")
    plays = come_in(one, "plays")
    assert plays.gate.request("buy") == b"1"
    pair.catch_up()
    pair.fail_over()
    assert "1 account" in Tool(tmp_path / "tool", {"store": pair.config}).done("promote")
    assert plays.gate.response(plays.gate.send_request("buy"), WAIT) == (1, b"2")
    epoch = int(plays.login.subid)
    again = come_in(one, "plays")
    assert int(again.login.subid) > epoch + 999_999
    assert again.gate.request("look") == b"2"
