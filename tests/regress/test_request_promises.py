"""What the documents promise to a request, cell by cell of the table in docs/lua-api.md: the
promises were never written down as a whole, and the code kept others."""

import contextlib
import sqlite3

import pytest
from conftest import sqlite_store
from players import Player
from server import PATIENCE, ROOT
from shop import shop_config

WAIT = 60 * PATIENCE
GONE = (0, b"410 Gone")
KINDS = {"commits": "buy", "does not commit": "take"}


class World:
    """A player in a conversation, and the store behind it."""

    def __init__(self, start_server, folder):
        self.path = folder / "promises.db"
        config = {"store": sqlite_store(self.path).config | {"timeout_ms": 200 * PATIENCE}}
        self.server = start_server(config | shop_config(folder))
        self.player = Player(self.server)
        self.gate = self.player.connect(conversation="shop")
        assert self.gate.request("take", 1) == b"1"

    def ask(self, word, number=2):
        self.gate.send_request(word, number)
        return self.gate.response(number, WAIT)

    def new_connection(self):
        self.gate = self.player.reconnect(conversation="shop")

    def new_login(self, conversation="shop"):
        self.player = Player(self.server, self.player.user)
        self.gate = self.player.connect(conversation=conversation)

    def crash(self):
        self.server.kill()
        self.server.start()

    @contextlib.contextmanager
    def store_away(self):
        connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def count(self):
        return int(self.ask("look", 99)[1])


@pytest.fixture
def world(start_server, tmp_path):
    return World(start_server, tmp_path)


def same_connection(world, word):
    answer = world.ask(word)
    assert answer == world.ask(word) == (1, b"2")
    assert world.count() == 2


def same_connection_while_it_runs(world, word):
    for _ in range(3):
        world.gate.send_request(f"{word} 200", 2)
    assert world.gate.response(2, WAIT) == (1, b"2")
    assert world.count() == 2
    assert world.gate.responses[2] == [], "one answer"


def new_connection(world, word):
    answer = world.ask(word)
    world.new_connection()
    assert answer == world.ask(word) == (1, b"2")
    assert world.count() == 2


def new_connection_while_it_runs(world, word):
    world.gate.send_request(f"{word} 300", 2)
    world.gate.ping()
    world.new_connection()
    assert world.ask(word) == (1, b"2")
    assert world.count() == 2
    assert world.gate.responses[2] == [], "one answer"


def new_login_same_conversation(world, word):
    answer = world.ask(word)
    world.new_login()
    assert world.ask(word) == (answer if word == "buy" else GONE)
    assert world.count() == 2


def new_login_new_conversation(world, word):
    assert world.ask(word) == (1, b"2")
    world.new_login("another")
    assert world.ask(word) == (1, b"3"), "a new request"
    assert world.count() == 3


def kill_after_it(world, word):
    answer = world.ask(word)
    world.crash()
    world.new_login()
    if word == "buy":
        assert world.ask(word) == answer
        assert world.count() == 2
    else:
        assert world.ask(word) == (1, b"1"), "nothing of its first run is left"
        assert world.count() == 1


def kill_after_a_save(world, word):
    """What a later save has stored is not done again, whether or not its reply is known."""
    answer = world.ask(word)
    assert world.gate.request("flush", 3) == b"3"
    world.crash()
    world.new_login()
    assert world.ask(word) == (answer if word == "buy" else GONE)
    assert world.count() == 3


def kill_before_it(world, word):
    world.gate.send_request("take 60000", 2)
    world.gate.send_request(word, 3)
    world.gate.ping()
    world.crash()
    world.new_login()
    assert world.ask(word, 3) == (1, b"1"), "it did not run"
    assert world.count() == 1


def store_away(world, word):
    with world.store_away():
        if word == "take":
            assert world.ask(word) == (1, b"2"), "at once"
        else:
            since = world.server.log_size()
            world.gate.send_request(word, 2)
            world.server.wait_log("does not answer yet", since, timeout=120)
            world.new_connection()
            world.gate.send_request(word, 2)
            world.gate.ping()
            assert not world.gate.responses.get(2), "not before it is certain"
    if word == "buy":
        assert world.gate.response(2, WAIT) == (1, b"2")
    world.new_login()
    assert world.ask(word) == ((1, b"2") if word == "buy" else GONE)
    assert world.count() == 2


CELLS = [
    same_connection,
    same_connection_while_it_runs,
    new_connection,
    new_connection_while_it_runs,
    new_login_same_conversation,
    new_login_new_conversation,
    kill_after_it,
    kill_after_a_save,
    kill_before_it,
    store_away,
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_cell(world, kind, cell):
    cell(world, KINDS[kind])


def test_the_table_has_the_cells():
    text = (ROOT / "docs/lua-api.md").read_text()
    table = text[text.index("### What is promised") : text.index("`tests/regress/test_request")]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert rows == [
        "asked again",
        "on the same connection",
        "on a new connection",
        "after a new login, in the same conversation",
        "after a new login, in a new conversation",
        "after the server was killed (`kill -9`), in the same conversation",
        "while the store is away",
    ]
