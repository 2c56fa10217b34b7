"""Accounts on both stores: creation, the second login, names to the byte, bans, the log's story."""

import re
import unicodedata

import pytest
from gatehouse_client import Closed, Gate, Stream, b64, login, make_token, read_answer
from players import Player, fresh_name
from waiting import wait_until

INJECTION = "' OR 1=1 --"
GOOD_NAMES = [
    INJECTION,
    '"; DROP TABLE account; --',
    "严",
    "x" * 64,
    "严" * 64,
    "Case",
    "case",
    "blank inside",
    "a@b:c#d!e",
    "100%_\\",
]
BAD_NAMES = [
    "",
    "y" * 65,
    "严" * 65,
    "nul\0byte",
    "line\nbreak",
    "tab\tbed",
    "escape\x1b[31m",
    "delete\x7f",
    "c1\x85",
]


def log_story(log, steps):
    """Asserts that the steps (regular expressions) appear in this order."""
    position = 0
    for step in steps:
        match = re.compile(step).search(log, position)
        assert match, f"/{step}/ is not in the log after what came before it:\n{log[-4000:]}"
        position = match.end()


def test_the_example_player(stored_server, store):
    """User test1, password 123, server cocos1: token, account, kick, and the log's story."""
    server = stored_server
    assert make_token("test1", "123", "cocos1") == "dGVzdDE=@Y29jb3Mx:MTIz"
    since = server.log_size()
    first = Player(server, "test1", "123", "cocos1")
    assert store.names().count(b"test1") == 1
    gate = first.connect()
    assert gate.request("whoami") == b"test1@cocos1"

    second = Player(server, "test1", "123", "cocos1")
    gate.read_until_closed()
    assert second.login.subid != first.login.subid
    assert second.connect().request("hello") == b"hello"
    with Gate(server.gate("cocos1")) as late:
        assert late.handshake(first.login, 2) == "404 User Not Found"
    assert store.names().count(b"test1") == 1
    server.wait_log("LAUNCH", since)
    log_story(
        server.log(since),
        ["test1 is login", "kick", "test1@cocos1 is logout", "KILL self", "LAUNCH"],
    )
    assert login(server.login, "test1", "124", "cocos1").line == "401 Unauthorized"


@pytest.mark.parametrize("suite", ["plain", "skynet"])
@pytest.mark.parametrize("name", GOOD_NAMES)
def test_good_names(stored_server, store, name, suite):
    before = store.names()
    with Player(stored_server, name, suite=suite).connect() as gate:
        assert gate.request("whoami") == f"{name}@sample".encode()
    names = store.names()
    assert names.count(name.encode()) == 1
    assert [other for other in names if other != name.encode()] == [
        other for other in before if other != name.encode()
    ]
    assert login(stored_server.login, name, "wrong", "sample").code == 401


def made_of_any_name(tool, name, password="secret"):
    """An account as it was made before auth.names said which names are given anew."""
    tool.done("--set", "auth.names=any", "account", "add", "--", name, password=password)


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_an_older_name_of_64_characters_of_four_bytes(stored_server, tool, suite):
    name = "\U0001f600" * 63 + suite[0]
    made_of_any_name(tool, name)
    with Player(stored_server, name, suite=suite).connect() as gate:
        assert gate.request("whoami") == f"{name}@sample".encode()
    assert login(stored_server.login, name, "wrong", "sample").code == 401


def test_the_account_table_survives_the_names(store):
    assert store.query("SELECT COUNT(*) FROM account")[0][0] == str(len(store.names()))


@pytest.mark.parametrize("suite", ["plain", "skynet"])
@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_bad_names(stored_server, store, name, suite):
    before = store.names()
    since = stored_server.log_size()
    answer = login(stored_server.login, name, "secret", "sample", suite)
    assert answer.line in ("401 Unauthorized", "400 Bad Request")
    assert store.names() == before
    log = stored_server.log(since)
    assert "\x1b" not in log and "line\nbreak" not in log, "a peer cannot forge log lines"


def test_name_that_is_not_utf8(stored_server, store):
    before = store.names()
    line = f"{b64(bytes([0xff, 0xfe, 0x41]))}@{b64('sample')}:{b64('x')}\n".encode()
    with Stream(stored_server.login) as stream:
        stream.read_line()
        stream.send(line)
        assert read_answer(stream)[:3] in ("400", "401")
    assert store.names() == before


def test_equal_names_in_other_normal_forms_are_one_account(stored_server, store):
    composed = fresh_name("caf\u00e9")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    Player(stored_server, composed)
    Player(stored_server, decomposed)
    names = store.names()
    assert names.count(composed.encode()) == 1 and names.count(decomposed.encode()) == 0


def test_names_that_differ_in_a_trailing_blank_are_two_accounts(stored_server, store, tool):
    name = fresh_name("blank")
    Player(stored_server, name, "one")
    made_of_any_name(tool, name + " ", "two")
    assert Player(stored_server, name + " ", "two").login.code == 200
    assert login(stored_server.login, name, "two", "sample").code == 401
    names = store.names()
    assert names.count(name.encode()) == 1 and names.count(name.encode() + b" ") == 1


def test_password_hash_is_argon2id_and_no_password_is_stored(stored_server, store):
    player = Player(stored_server, password="correct horse")
    rows = store.query(f"SELECT password_hash FROM account WHERE name = '{player.user}'")
    assert rows[0][0].startswith("$argon2id$v=19$")
    assert "correct horse" not in rows[0][0]


def test_banned_account(stored_server, store):
    player = Player(stored_server)
    ban = "UPDATE account SET status = '{}' WHERE name = '" + player.user + "'"
    store.query(ban.format("banned"))
    assert login(stored_server.login, player.user, "wrong", "sample").code == 401
    answer = login(stored_server.login, player.user, player.password, "sample")
    assert answer.line == "403 Forbidden"
    store.query(ban.format("active"))
    assert login(stored_server.login, player.user, player.password, "sample").code == 200


def test_login_is_audited(stored_server, store):
    player = Player(stored_server)
    login(stored_server.login, player.user, "wrong", "sample")
    def results():
        rows = store.query(f"SELECT result FROM login_audit WHERE name = '{player.user}'")
        return sorted(row[0] for row in rows) == ["200", "401"]

    wait_until(results, what="two rows in login_audit")


def test_registration_closed(start_server):
    server = start_server({"auth": {"registration": "closed"}})
    assert login(server.login, "stranger", "secret", "sample").line == "401 Unauthorized"


def test_counter_and_note_survive_kick_and_restart(start_server, tmp_path, own_store):
    folder = tmp_path / "server"
    server = start_server({"store": own_store.config}, folder=folder)
    name = fresh_name("keeper")
    gate = Player(server, name).connect()
    assert [gate.request("count") for _ in range(3)] == [b"1", b"2", b"3"]
    assert gate.request("note 严 wrote this") is not None
    gate = Player(server, name).connect()
    assert gate.request("count") == b"4"
    assert gate.request("note") == "严 wrote this".encode()
    server.stop()
    server.start()
    gate = Player(server, name).connect()
    assert gate.request("count") == b"5"
    assert gate.request("note") == "严 wrote this".encode()
    other = Player(server, name, game="cocos1").connect()
    assert other.request("count") == b"1", "each game server has data of its own"
    with pytest.raises((Closed, TimeoutError)):
        gate.request("hello", timeout=5)
