"""A commit whose outcome was not known was answered as failed, and applied seconds later: an error
of the store was taken for "no". Not known is not "no": the answer is held while the store is tried
again, kind 0 says that nothing was written nor will be, and then `self` agrees with the store."""

import contextlib
import signal
import socket
import sqlite3
import threading

import pytest
from conftest import mysql_store, sqlite_store
from gatehouse_client import login
from players import Player
from server import PATIENCE
from shop import ROLLBACK, shop_config
from waiting import wait_until

WAIT = 60 * PATIENCE
TIMEOUT_MS = 200 * PATIENCE
NO_ANSWER = "the store does not answer yet"


def no_answer(gate, number):
    """Nothing came for the number; a ping that overtakes it says that the connection lives."""
    gate.ping(b"alive")
    return not gate.responses.get(number)


@contextlib.contextmanager
def locked(path):
    """The SQLite file, by another connection, for as long as the block runs."""
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


class Shop:
    """A server on SQLite with a player who has bought once."""

    def __init__(self, start_server, folder, **options):
        self.path = folder / "shop.db"
        self.store = sqlite_store(self.path)
        config = {"store": self.store.config | {"timeout_ms": TIMEOUT_MS}}
        self.server = start_server(config | shop_config(folder, **options))
        self.player = Player(self.server)
        self.gate = self.player.connect(conversation="shop")
        assert self.gate.request("buy", 1) == b"1"

    def log_in(self):
        self.player = Player(self.server, self.player.user)
        self.gate = self.player.connect(conversation="shop")
        return self.gate


@pytest.fixture
def shop(start_server, tmp_path):
    return Shop(start_server, tmp_path)


def buy_unknown(shop, number=2, word="buy"):
    """Asks, with the store locked, until the first try of the commit is over without an outcome."""
    since = shop.server.log_size()
    shop.gate.send_request(word, number)
    shop.server.wait_log(NO_ANSWER, since, timeout=120)


@pytest.mark.parametrize("word", ["buy", "flush"])
def test_the_answer_is_held_while_the_store_is_locked(shop, word):
    with locked(shop.path):
        buy_unknown(shop, word=word)
        assert no_answer(shop.gate, 2)
    assert shop.gate.response(2, WAIT) == (1, b"2")
    assert shop.gate.request("look", 3) == b"2"


def test_a_repeat_waits_for_the_same_answer(shop):
    with locked(shop.path):
        buy_unknown(shop)
        shop.gate.send_request("buy", 2)
        assert no_answer(shop.gate, 2)
        gate = shop.player.reconnect(conversation="shop")
        gate.send_request("buy", 2)
        gate.send_request("buy", 3)
        assert no_answer(gate, 2)
    assert gate.response(2, WAIT) == (1, b"2")
    assert gate.response(3, WAIT) == (1, b"3")
    assert gate.responses[2] == []


def test_a_crash_while_it_is_not_known(shop):
    with locked(shop.path):
        buy_unknown(shop)
        shop.server.kill()
        shop.gate.read_until_closed(WAIT)
        assert not shop.gate.responses.get(2)
    shop.server.start()
    gate = shop.log_in()
    assert gate.request("buy", 2) == b"2"
    assert gate.request("look", 3) == b"2"


@pytest.mark.parametrize("end", ["shutdown", "login"])
def test_an_end_while_it_is_not_known_says_no_no(shop, end):
    ended = threading.Event()

    def log_in_again():
        # A login whose look at the account waits together with a save is answered 503.
        while not ended.is_set():
            login(shop.server.login, shop.player.user, "secret", "sample", timeout=WAIT)

    newer = threading.Thread(target=log_in_again)
    with locked(shop.path):
        buy_unknown(shop)
        if end == "shutdown":
            shop.server.signal(signal.SIGTERM)
        else:
            newer.start()
        try:
            shop.gate.read_until_closed(WAIT)
        finally:
            ended.set()
        assert not shop.gate.responses.get(2), "nobody is told that it failed"
    if end == "shutdown":
        shop.server.finish()
        shop.server.start()
    else:
        newer.join()
    gate = shop.log_in()
    assert gate.request("buy", 2) == b"2", "the next login tells"
    assert gate.request("look", 3) == b"2"


@contextlib.contextmanager
def refusing(path):
    """Every save is refused for good, and so certainly not done."""
    connection = sqlite3.connect(path, timeout=WAIT)
    connection.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE OF data ON player_data "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    connection.commit()
    try:
        yield
    finally:
        connection.execute("DROP TRIGGER refuse")
        connection.commit()
        connection.close()


@pytest.mark.parametrize("concurrent", [False, True])
def test_kind_0_is_certain_and_memory_agrees_with_the_store(start_server, tmp_path, concurrent):
    shop = Shop(start_server, tmp_path, concurrent=concurrent)
    gate = shop.gate
    with refusing(shop.path):
        gate.send_request("buy", 2)
        assert gate.response(2, WAIT) == (0, b"")
        assert gate.request("look", 3) == b"1", "the player has what the store has"
    gate.send_request("buy", 2)
    assert gate.response(2) == (0, b""), "it stays failed"
    assert gate.request("buy", 4) == b"2"
    shop.server.kill()
    shop.server.start()
    assert shop.log_in().request("look", 5) == b"2"


def test_an_error_after_commit_is_taken_back(shop):
    shop.gate.send_request("fail 50", 2)
    assert shop.gate.response(2, WAIT) == (0, b"")
    assert shop.gate.request("look", 3) == b"1"
    with locked(shop.path):  # nothing is to be written, and what there is can be read
        shop.gate.send_request("fail", 4)
        assert shop.gate.response(4, WAIT) == (0, b"")
    assert shop.gate.request("buy", 5) == b"2"


def test_the_game_may_roll_back_by_itself(start_server, tmp_path):
    shop = Shop(start_server, tmp_path, hook=ROLLBACK)
    shop.gate.send_request("fail", 2)
    assert shop.gate.response(2, WAIT) == (0, b"")
    assert shop.gate.request("look", 3) == b"1000"


LOADS_ONCE = """
local load <const> = M.load
function M.load(self, data)
	assert(not self.loaded, "loaded already")
	self.loaded = true
	load(self, data)
end
"""


@pytest.mark.parametrize("hook", ["function M.rollback() error 'no' end", LOADS_ONCE])
def test_a_player_who_cannot_be_rolled_back_is_ended_unsaved(start_server, tmp_path, hook):
    shop = Shop(start_server, tmp_path, hook=hook)
    shop.gate.send_request("fail", 2)
    shop.gate.read_until_closed(WAIT)
    assert not shop.gate.responses.get(2)
    assert shop.gate.controls[-1]["code"] == 500
    gate = shop.log_in()
    assert gate.request("look", 3) == b"1"


def test_a_player_taken_over_is_ended_without_an_answer(shop):
    connection = sqlite3.connect(shop.path, timeout=WAIT)
    connection.execute("UPDATE player_data SET epoch = epoch + 1")
    connection.commit()
    connection.close()
    shop.gate.send_request("buy", 2)
    shop.gate.read_until_closed(WAIT)
    assert not shop.gate.responses.get(2)
    assert shop.gate.controls[-1]["code"] == 409


class Proxy:
    """Between server and database: on demand, what the database answers does not arrive."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.deaf = threading.Event()
        self.pairs = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for source, sink, answers in ((near, far, False), (far, near, True)):
                threading.Thread(
                    target=self.copy, args=(source, sink, answers), daemon=True
                ).start()

    def copy(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not (answers and self.deaf.is_set()):
                    sink.sendall(data)
        self.end(source, sink)

    @staticmethod
    def end(*sockets):
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self):
        for pair in self.pairs:
            self.end(*pair)

    def close(self):
        self.listener.close()
        self.cut()


@pytest.fixture
def sql_shop(own_mariadb, start_server, tmp_path):
    """The same on MariaDB, through a proxy."""
    shop = Shop.__new__(Shop)
    shop.store = mysql_store(own_mariadb, "shop")
    proxy = shop.proxy = Proxy(own_mariadb.port)
    config = shop.store.config | {"timeout_ms": 1000 * PATIENCE, "connections": 1}
    config["mysql"] = config["mysql"] | {"port": proxy.port}
    shop.server = start_server({"store": config} | shop_config(tmp_path))
    shop.player = Player(shop.server)
    shop.gate = shop.player.connect(conversation="shop")
    assert shop.gate.request("buy", 1) == b"1"
    shop.mariadb = own_mariadb
    yield shop
    proxy.close()


def assert_done_once(shop, gate):
    assert gate.response(2, WAIT) == (1, b"2")
    assert gate.request("look", 3) == b"2"
    shop.server.kill()
    shop.server.start()
    back = shop.log_in()
    assert back.request("buy", 2) == b"2"
    assert back.request("look", 4) == b"2"


def test_a_database_that_stops_answering(sql_shop):
    sql_shop.mariadb.pause()
    try:
        buy_unknown(sql_shop)
        assert no_answer(sql_shop.gate, 2)
    finally:
        sql_shop.mariadb.resume()
    assert_done_once(sql_shop, sql_shop.gate)


@pytest.mark.parametrize(
    "lock", ["SELECT * FROM player_data FOR UPDATE", "LOCK TABLES player_data WRITE"]
)
def test_a_lock_that_lasts_longer_than_the_time_outs(sql_shop, lock):
    hold = MariaDbLock(sql_shop.mariadb, "shop", lock)
    try:
        buy_unknown(sql_shop)
        assert no_answer(sql_shop.gate, 2)
    finally:
        hold.release()
    assert_done_once(sql_shop, sql_shop.gate)


class MariaDbLock:
    """Held by a client of its own until release()."""

    def __init__(self, mariadb, database, statement):
        self.process = mariadb.open_client(database)
        self.process.stdin.write(f"SET autocommit = 0; {statement}; SELECT 'held';\n".encode())
        self.process.stdin.flush()
        while b"held" not in self.process.stdout.readline():
            assert self.process.poll() is None

    def release(self):
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("crash", [False, True])
def test_a_statement_that_was_done_and_its_answer_lost(sql_shop, crash):
    version = sql_shop.store.query("SELECT version FROM player_data")
    sql_shop.proxy.deaf.set()
    sql_shop.gate.send_request("buy", 2)
    wait_until(lambda: sql_shop.store.query("SELECT version FROM player_data") > version, WAIT)
    if crash:
        sql_shop.mariadb.kill()
    sql_shop.proxy.deaf.clear()
    sql_shop.proxy.cut()
    if crash:
        sql_shop.mariadb.start()
    assert_done_once(sql_shop, sql_shop.gate)
