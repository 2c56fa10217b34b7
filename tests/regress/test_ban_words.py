"""What staff wrote for itself was told to the player: a ban had one text for both, lifting it threw
the text away, and a banned network kept its players."""

import contextlib
import json
import sqlite3

import pytest
from conftest import sqlite_store
from credentials import (
    GONE,
    connected,
    is_forgotten,
    is_kicked,
    is_let_in,
    look_passes,
    settings,
)
from gatectl import Tool
from gatehouse_client import Gate, login
from players import fresh_name
from server import ROOT

SERVER = settings()
NOTE = "ticket 4711: chargeback"


@pytest.fixture
def store(server):
    return sqlite_store(server.config["store"]["sqlite"]["path"])


@pytest.fixture
def tool(server, tmp_path):
    return Tool(tmp_path, server.config)


def enter(server, source=None):
    return is_let_in(
        login(server.login, fresh_name("ban"), "secret", "sample", timeout=GONE, source=source)
    )


def test_the_reason_is_told_and_the_note_is_not(server, store, tool):
    done = enter(server)
    gate = connected(server, done)
    tool.done("account", "ban", done.user, "--reason", "cheating", "--note", NOTE)
    assert is_kicked(gate, 403) == "cheating"
    assert NOTE not in json.dumps(gate.controls)
    shown = tool.json("account", "show", done.user)
    assert (shown["ban_reason"], shown["ban_note"]) == ("cheating", NOTE)
    assert NOTE in tool.done("account", "show", done.user)


def test_a_note_alone_says_nothing(server, tool):
    done = enter(server)
    gate = connected(server, done)
    tool.done("account", "ban", done.user, "--note", NOTE)
    assert is_kicked(gate, 403) == "banned"


def test_what_was_written_before_is_for_staff(start_server, tmp_path):
    """The page said "not shown to the player" of the one text that there was."""
    path = tmp_path / "old.db"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " checksum TEXT NOT NULL, applied_at INTEGER NOT NULL DEFAULT (unixepoch())) STRICT;"
    )
    import hashlib

    for number, name in ((1, "init"), (2, "admission")):
        text = (ROOT / f"sql/sqlite/000{number}_{name}.sql").read_text()
        database.executescript(text)
        database.execute(
            "INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)",
            (number, name, hashlib.sha256(text.encode()).hexdigest()),
        )
    database.execute(
        "INSERT INTO account (name, password_hash, status, ban_reason)"
        " VALUES ('old', '', 'banned', 'a word among ourselves')"
    )
    database.execute("INSERT INTO address_ban (network, reason) VALUES ('192.0.2.1', 'botnet')")
    database.commit()
    database.close()
    server = start_server({"store": {"sqlite": {"path": str(path)}}})
    rows = sqlite_store(server.config["store"]["sqlite"]["path"]).query
    assert rows("SELECT ban_reason, ban_note FROM account") == [["", "a word among ourselves"]]
    assert rows("SELECT reason, note FROM address_ban") == [["", "botnet"]]


def test_lifting_a_ban_keeps_its_history(server, store, tool):
    user = enter(server).user
    tool.done("account", "ban", user, "--reason", "cheating", "--note", NOTE)
    tool.done("account", "unban", user)
    tool.done("account", "ban", user, "--for", "7d", "--reason", "again")
    tool.done("account", "unban", user)
    # By hand, which only the row of the account knows.
    store.query(
        "UPDATE account SET status = 'banned', ban_reason = 'by hand', ban_note = 'n'"
        f" WHERE name = '{user}'"
    )
    tool.done("account", "unban", user)
    shown = tool.json("account", "show", user)
    assert (shown["status"], shown["ban_reason"], shown["ban_note"]) == ("active", "", "")
    bans = shown["bans"]
    assert [(ban["reason"], ban["note"]) for ban in bans] == [
        ("cheating", NOTE),
        ("again", ""),
        ("by hand", "n"),
    ]
    assert all(ban["lifted_at"] > 0 for ban in bans)
    assert bans[0]["at"] > 0 and bans[1]["until"] > bans[1]["at"] and bans[2]["at"] == 0
    text = tool.done("account", "show", user)
    assert "cheating" in text and NOTE in text and "lifted" in text
    is_let_in(login(server.login, user, "secret", "sample", timeout=GONE))


@pytest.fixture
def ban(store):
    """Bans a network for the time of a test."""

    def insert(network, reason=""):
        store.query(
            "INSERT INTO address_ban (network, reason, note)"
            f" VALUES ('{network}', '{reason}', '{NOTE}')"
        )

    yield insert
    store.query("DELETE FROM address_ban")
    store.query("DELETE FROM address_allow")


def test_a_banned_network_loses_its_sessions(server, store, ban):
    there, here = enter(server, source="127.0.7.1"), enter(server)
    gate = connected(server, there, source="127.0.7.1")
    other = connected(server, here)
    ban("127.0.7.0/24", "an open proxy")
    assert is_kicked(gate, 403) == "an open proxy"
    assert NOTE not in json.dumps(gate.controls)
    look_passes(server, store)
    assert other.request("still here") == b"still here"


@pytest.mark.parametrize("away, network", [(False, "127.0.8"), (True, "127.0.18")])
def test_the_last_address_counts(server, ban, away, network):
    """Of the login, until the client connects; then where it connected from."""
    done = enter(server, source=f"{network}.1")
    moved = enter(server, source=f"{network}.1")
    kept = connected(server, moved, source="127.0.9.1")
    if away:
        kept.close()
    ban(f"{network}.0/24")
    is_forgotten(server, done)
    assert connected(server, moved, index=2, source="127.0.9.1").request("x") == b"x"


def test_who_comes_from_there_later_is_not_let_in(server, ban, store):
    """A session that began elsewhere stays its owner's and does not go on from a banned network."""
    done = enter(server)
    ban("127.0.10.0/24", "an open proxy")
    look_passes(server, store)
    with Gate(server.gate(done.server), timeout=GONE, source="127.0.10.1") as gate:
        with contextlib.suppress(ConnectionError):
            assert gate.read_to_end(GONE) == b""
    assert connected(server, done).request("x") == b"x"


def test_an_allowed_network_wins(server, store, ban):
    store.query("INSERT INTO address_allow (network) VALUES ('127.0.11.1')")
    spared = connected(server, enter(server, "127.0.11.1"), source="127.0.11.1")
    gone = connected(server, enter(server, "127.0.11.2"), source="127.0.11.2")
    ban("127.0.11.0/24")
    assert is_kicked(gone, 403) == "your network is banned"
    assert spared.request("still here") == b"still here"
