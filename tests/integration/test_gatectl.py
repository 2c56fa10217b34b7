"""gatectl on both stores, and against a running server."""

import json
import subprocess
import time
import unicodedata

import pytest
from gatectl import GATECTL, Terminal, Tool
from gatehouse_client import login
from players import Player, fresh_name
from waiting import wait_until

@pytest.fixture(scope="module")
def empty_store(tool):
    """What commands say before there is any table; run before the first account is made."""
    return [tool(*command) for command in (["account", "list"], ["account", "unban", "a"])]


@pytest.fixture
def account(empty_store, tool):
    name = fresh_name("account")
    tool.done("account", "add", name, password="secret one")
    return name


def show(tool, name):
    return json.loads(tool.done("account", "show", name, "--json"))


def test_empty_store(empty_store, account):
    for code, output, error in empty_store:
        assert code == 1 and output == "" and "gatectl migrate" in error, (output, error)


def test_migrate(empty_store, tool, store):
    assert tool.done("migrate") == "the schema has version 4\n"
    assert tool.done("migrate") == "the schema has version 4\n"
    assert store.query("SELECT COUNT(*) FROM schema_migration") == [["4"]]


def test_added_account_logs_in(account, tool, store, start_server):
    server = start_server({"store": store.config, "auth": {"registration": "closed"}})
    assert login(server.login, account, "secret one", "sample").code == 200
    assert login(server.login, account, "secret two", "sample").code == 401

    tool.done("account", "passwd", account, password="secret two")
    assert login(server.login, account, "secret one", "sample").code == 401
    assert login(server.login, account, "secret two", "sample").code == 200

    tool.done("account", "ban", account, "--for", "2h", "--reason", "cheating 严")
    assert login(server.login, account, "secret two", "sample").line == "403 Forbidden"
    row = show(tool, account)
    assert row["banned"] and row["status"] == "banned" and row["ban_reason"] == "cheating 严"
    assert abs(row["banned_until"] - time.time() - 7200) < 120
    text = tool.done("account", "show", account)
    assert "banned until 20" in text and "cheating 严" in text and "127.0.0.1" in text

    tool.done("account", "unban", account)
    assert login(server.login, account, "secret two", "sample").code == 200
    row = show(tool, account)
    assert not row["banned"] and row["ban_reason"] == "" and row["session_server"] == "sample"
    assert "session" in tool.done("account", "list")


def test_stored_as_a_login_would(account, store):
    row = store.query(f"SELECT password_hash, status FROM account WHERE name = '{account}'")[0]
    assert row[0].startswith("$argon2id$v=19$m=1024,t=1,p=1$") and row[1] == "active"


def test_name_is_taken(account, tool, store):
    before = store.query("SELECT name, password_hash FROM account ORDER BY id")
    assert "already" in tool.refused(1, "account", "add", account, password="other")
    assert store.query("SELECT name, password_hash FROM account ORDER BY id") == before


def test_names_are_normalised(account, tool, store):
    composed = fresh_name("caf\u00e9")
    decomposed = unicodedata.normalize("NFD", composed)
    tool.done("account", "add", decomposed, password="p")
    assert composed.encode() in store.names() and decomposed.encode() not in store.names()
    assert show(tool, decomposed)["name"] == composed


@pytest.mark.parametrize("name", ["", "y" * 65, "line\nbreak", "escape\x1b[31m", b"\xff\xfe"])
def test_bad_names(account, tool, store, name):
    before = store.names()
    tool.refused(2, "account", "add", name, password="secret")
    tool.refused(2, "account", "show", name)
    assert store.names() == before


@pytest.mark.parametrize("name", ["' OR 1=1 --", "严", "-dash", "100%_\\", "a b"])
def test_odd_names(account, tool, store, name):
    tool.done("account", "add", "--", name, password="p")
    assert store.names().count(name.encode()) == 1
    assert json.loads(tool.done("account", "show", "--json", "--", name))["name"] == name


@pytest.mark.parametrize("password", ["", "x" * 1025, "nul\0byte"], ids=["none", "long", "nul"])
def test_bad_passwords(account, tool, store, password):
    before = store.query("SELECT name, password_hash FROM account ORDER BY id")
    assert "password" in tool.refused(2, "account", "add", "newcomer", password=password)
    assert "password" in tool.refused(2, "account", "passwd", account, password=password)
    assert store.query("SELECT name, password_hash FROM account ORDER BY id") == before


def test_password_is_one_line_to_the_byte(account, tool, store, start_server):
    server = start_server({"store": store.config, "auth": {"registration": "closed"}})
    for given, real in [("  严 blanks  ", "  严 blanks  "), ("dos line\r", "dos line")]:
        tool.done("account", "passwd", account, password=given)
        assert login(server.login, account, real, "sample").code == 200
        assert login(server.login, account, real + " ", "sample").code == 401


def test_unknown_account(account, tool):
    for command in (["show"], ["ban"], ["unban"]):
        assert "there is no account nobody" in tool.refused(1, "account", *command, "nobody")
    assert "no account" in tool.refused(1, "account", "passwd", "nobody", password="p")


def test_ban_until(account, tool):
    until = int(time.time()) + 5000
    tool.done("account", "ban", account, "--until", str(until))
    assert show(tool, account)["banned_until"] == until
    tool.done("account", "ban", account)
    row = show(tool, account)
    assert row["banned"] and row["banned_until"] == 0
    assert "for ever" in tool.done("account", "show", account)
    assert "past" in tool.refused(2, "account", "ban", account, "--until", "1000000000")


@pytest.mark.parametrize("duration", ["2", "h", "0h", "-1h", "2y", "2h30m", "1.5h", "9" * 30 + "w"])
def test_bad_duration(account, tool, duration):
    code, output, _ = tool("account", "ban", account, f"--for={duration}")
    assert code == 2 and output == ""
    assert not show(tool, account)["banned"]


def test_list(account, tool, store):
    for name in ("zz1", "zz2", "zz3"):
        tool.done("account", "add", name, password="p")
    page = json.loads(tool.done("account", "list", "--after", "zz", "--limit", "2", "--json"))
    assert [row["name"] for row in page] == ["zz1", "zz2"]
    page = json.loads(tool.done("account", "list", "--after", "zz2", "--limit", "1", "--json"))
    assert [row["name"] for row in page] == ["zz3"]
    assert set(page[0]) == set(show(tool, "zz3")) and "password_hash" not in page[0]
    text = tool.done("account", "list", "--after", "zz", "--limit", "2")
    assert [line.split("\t")[0] for line in text.splitlines()[:2]] == ["zz1", "zz2"]
    assert "--after" in text
    assert len(json.loads(tool.done("account", "list", "--json"))) == len(store.names())


def test_a_wrong_path_makes_no_database(tmp_path):
    tool = Tool(tmp_path, {})
    assert "does not exist" in tool.refused(1, "account", "list")
    assert not (tmp_path / "gatehouse.db").exists()


def test_store_is_away(tmp_path):
    away = {"driver": "mysql", "mysql": {"socket": str(tmp_path / "none"), "password": "hidden"}}
    tool = Tool(tmp_path, {"store": away})
    for command in (["account", "list"], ["account", "show", "a"], ["migrate"]):
        assert "hidden" not in tool.refused(1, *command)


def test_kick_status_and_drain(start_server, tmp_path):
    server = start_server({"admin": {"listen": "127.0.0.1:0"}})
    tool = Tool(tmp_path, {"admin": {"listen": server.ready["admin"]}})
    player = Player(server, "严")
    gate = player.connect(conversation="c1")
    status = json.loads(tool.done("status", "--json"))
    assert status["players"] == 1 and status["pid"] == server.pid
    told = tool.done("status")
    assert "players online: 1" in told and " 1 sessions, 1 connections (tcp 1)" in told

    tool.done("kick", "严", "--reason", "a & b = 严")
    assert gate.wait_for(gate.controls)[0]["reason"] == "a & b = 严"
    gate.read_until_closed()
    wait_until(lambda: json.loads(tool.done("status", "--json"))["players"] == 0, what="logout")
    assert "not online" in tool.refused(1, "kick", "严")

    tool.done("drain")
    server.finish()
    for command in (["status"], ["drain"], ["kick", "a"]):
        assert "no server answers at 127.0.0.1" in tool.refused(1, *command)


def test_admin_is_off(tmp_path):
    assert "admin.listen" in Tool(tmp_path, {}).refused(2, "status")
    assert "port 0" in Tool(tmp_path, {}).refused(2, "--set", "admin.listen=127.0.0.1:0", "drain")


def test_usage(tmp_path):
    tool = Tool(tmp_path, {})
    for arguments in ([], ["account"], ["frobnicate"], ["account", "add"], ["account", "show"]):
        assert tool(*arguments)[0] == 2, arguments
    code, output, _ = tool("--help")
    assert code == 0 and "account" in output and "drain" in output
    code, output, _ = tool("account", "ban", "--help")
    assert code == 0 and "--for" in output
    assert tool("account", "ban", "a", "--for", "2h", "--until", "9999999999")[0] == 2
    assert "no_such: unknown key" in tool.refused(2, "--set", "no_such=1", "migrate")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    done = subprocess.run([GATECTL, "status"], cwd=nowhere, capture_output=True, check=False)
    assert done.returncode == 2 and b"--config" in done.stderr


def test_terminal_asks_twice_without_echo(account, tool, store, start_server):
    server = start_server({"store": store.config, "auth": {"registration": "closed"}})
    terminal = Terminal(tool, "account", "passwd", account)
    for question in (b"Password of " + account.encode() + b": ", b"again: "):
        terminal.wait_for(question)
        assert not terminal.echoes()
        terminal.type(b"typed secret\n")
    terminal.wait_for(b"has a new password")
    assert terminal.echoes()
    assert terminal.end() == 0 and b"typed" not in terminal.output
    assert login(server.login, account, "typed secret", "sample").code == 200


def test_terminal_wants_the_same_twice(account, tool, store):
    before = store.query("SELECT password_hash FROM account ORDER BY id")
    terminal = Terminal(tool, "account", "passwd", account)
    terminal.wait_for(b": ")
    terminal.type(b"one\n")
    terminal.wait_for(b"again: ")
    terminal.type(b"two\n")
    terminal.wait_for(b"differ")
    assert terminal.echoes() and terminal.end() == 2
    assert store.query("SELECT password_hash FROM account ORDER BY id") == before


def test_terminal_echoes_again_after_an_interrupt(account, tool):
    terminal = Terminal(tool, "account", "passwd", account)
    terminal.wait_for(b": ")
    terminal.type(b"half\x03")
    terminal.wait_for(b"no password was given")
    assert terminal.echoes() and terminal.end() == 2
