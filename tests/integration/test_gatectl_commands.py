"""gatectl: every command in JSON, tickets, second factors, staff and the end of an account."""

import base64
import json
import time
import urllib.parse

import pytest
from authenticator_app import totp
from gatectl import Terminal, Tool
from gatehouse_client import login
from players import Player, fresh_name
from server import merged
from waiting import wait_until

KEYS = {"auth": {"totp": {"keys": [base64.b64encode(bytes(range(32))).decode()]}}}
CLOSED = {"auth": {"registration": "closed"}}


def test_the_codes_are_those_of_the_rfc():
    key = base64.b32encode(b"12345678901234567890").decode()
    assert totp(key, 59) == "287082" and totp(key, 1111111109) == "081804"


@pytest.fixture(scope="module")
def keyed(store, tmp_path_factory):
    """gatectl with a key that seals second factors."""
    return Tool(tmp_path_factory.mktemp("keyed"), merged({"store": store.config}, KEYS))


@pytest.fixture
def account(tool):
    name = fresh_name("account")
    tool.done("account", "add", name, password="secret one")
    return name


def show(tool, name):
    return tool.json("account", "show", name)


def test_what_is_done_in_json(tool, keyed):
    name = fresh_name("json")
    until = int(time.time()) + 5000

    def done(*arguments, password=None):
        return tool.json("account", arguments[0], name, *arguments[1:], password=password)

    assert done("add", password="Zz 1") == {"account": name, "done": "added"}
    assert done("passwd", password="Zz 2") == {"account": name, "done": "password_set"}
    assert done("ban") == {"account": name, "done": "banned", "until": 0}
    assert done("ban", "--until", str(until))["until"] == until
    assert done("unban") == {"account": name, "done": "unbanned"}
    assert done("revoke") == {"account": name, "done": "tickets_revoked"}
    assert done("staff") == {"account": name, "done": "staff_set"}
    assert done("staff", "--off") == {"account": name, "done": "staff_removed"}
    assert done("totp", "--off") == {"account": name, "done": "second_factor_removed"}
    made = keyed.json("account", "totp", name)
    assert set(made) == {"account", "done", "key", "uri", "replaced"} and not made["replaced"]
    assert keyed.json("account", "totp", name)["replaced"]
    assert [row["name"] for row in tool.json("account", "list", "--after", name[:-1])].count(name)
    assert done("delete", "--yes") == {"account": name, "done": "deleted", "kicked": False}
    assert tool.json("migrate") == {"done": "migrated", "schema_version": 4}


def test_errors_in_json(account, tool, tmp_path):
    assert tool.json_refused(1, "account", "show", "nobody") == "not_found"
    assert tool.json_refused(1, "account", "add", account, password="Zz 1") == "exists"
    assert tool.json_refused(2, "account", "add", "a\nb", password="Zz 1") == "invalid"
    assert tool.json_refused(2, "account", "add", "newcomer", password="") == "invalid"
    assert tool.json_refused(2, "account", "ban", account, "--until", "1") == "invalid"
    assert tool.json_refused(2, "account", "ban", account, "--for", "soon") == "invalid"
    assert tool.json_refused(2, "account", "totp", account) == "invalid"
    assert tool.json_refused(2, "account", "import", "no such", "--format", "md5") == "invalid"
    assert tool.json_refused(2, "account", "import", "-", "--format", "rot13") == "invalid"
    assert tool.json_refused(2, "account", "export", "--format", "csv") == "invalid"
    assert tool.json_refused(2, "account") == "invalid"
    assert tool.json_refused(2, "frobnicate") == "invalid"
    assert tool.json_refused(2, "status") == "invalid", "admin.listen is not set"
    assert tool.json_refused(2, "--set", "no_such=1", "migrate") == "invalid"
    assert Tool(tmp_path, {}).json_refused(1, "account", "list") == "unavailable"
    away = Tool(tmp_path / "away", {"admin": {"listen": "127.0.0.1:1"}})
    for command in (["status"], ["drain"], ["kick", "a"]):
        assert away.json_refused(1, *command) == "unavailable"


def test_every_command_of_an_account_wants_it_to_exist(account, tool, keyed):
    for command in ("show", "ban", "unban", "revoke", "totp", "staff"):
        assert "there is no account nobody" in keyed.refused(1, "account", command, "nobody")
    assert "there is no account" in tool.refused(1, "account", "delete", "nobody", "--yes")
    assert "there is no account" in tool.refused(1, "account", "totp", "nobody", "--off")
    assert "there is no account" in tool.refused(1, "account", "staff", "nobody", "--off")


def test_hash_is_shown_on_demand_only(account, tool, store):
    stored = store.query(f"SELECT password_hash FROM account WHERE name = '{account}'")[0][0]
    assert "hash" not in show(tool, account)
    code, output, _ = tool.run("account", "show", account, "--with-hash", "--json")
    assert code == 0 and json.loads(output)["hash"] == stored
    code, output, _ = tool.run("account", "show", account, "--with-hash")
    assert code == 0 and stored in output


def test_an_older_database_is_named(store, tool, account):
    row = store.query("SELECT version, name, checksum FROM schema_migration ORDER BY version")[-1]
    store.query(f"DELETE FROM schema_migration WHERE version = {row[0]}")
    try:
        assert "gatectl migrate" in tool.refused(1, "account", "list")
    finally:
        store.query(
            "INSERT INTO schema_migration (version, name, checksum) "
            f"VALUES ({row[0]}, '{row[1]}', '{row[2]}')"
        )
    assert tool.done("account", "list")


def test_revoked_tickets(account, tool, store, start_server):
    server = start_server(merged({"store": store.config}, CLOSED))
    ticket = login(server.login, account, "secret one", "sample").extras["ticket"]
    assert login(server.login, account, "", "sample", ticket=ticket).code == 200
    before = show(tool, account)["ticket_generation"]
    assert "ticket" in tool.done("account", "revoke", account)
    assert show(tool, account)["ticket_generation"] == before + 1
    assert f"generation {before + 1}" in tool.done("account", "show", account)
    assert login(server.login, account, "", "sample", ticket=ticket).line == "401 Unauthorized"
    assert login(server.login, account, "secret one", "sample").code == 200


def test_staff_enters_in_maintenance(account, tool, store, start_server):
    store.query("INSERT INTO game_server (name, state) VALUES ('cocos1', 'maintenance')")
    server = start_server(merged({"store": store.config}, CLOSED))
    assert login(server.login, account, "secret one", "cocos1").code == 403
    tool.done("account", "staff", account)
    assert show(tool, account)["staff"] is True
    assert login(server.login, account, "secret one", "cocos1").code == 200
    tool.done("account", "staff", account, "--off")
    assert login(server.login, account, "secret one", "cocos1").code == 403


def test_ban_ends_a_session(account, tool, store, start_server):
    server = start_server(merged({"store": store.config}, CLOSED))
    gate = Player(server, account, "secret one").connect(conversation="c1")
    assert "within 5 s" in tool.done("account", "ban", account, "--reason", "cheating")
    gate.read_until_closed()
    assert login(server.login, account, "secret one", "sample").code == 403


def test_second_factor(account, tool, keyed, store, start_server):
    server = start_server(merged({"store": store.config}, merged(CLOSED, KEYS)))

    def attempt(code=None, password="secret one"):
        return login(server.login, account, password, "sample", totp=code).line

    assert attempt().startswith("200 ")
    text = keyed.done("account", "totp", account)
    key = text.split("key  ")[1].split("\n")[0]
    uri = urllib.parse.urlparse(text.split("uri  ")[1].strip())
    assert uri.scheme == "otpauth" and uri.path == f"/gatehouse:{account}"
    assert urllib.parse.parse_qs(uri.query) == {"secret": [key], "issuer": ["gatehouse"]}
    sealed = store.query(f"SELECT totp_secret FROM account WHERE name = '{account}'")[0][0]
    assert base64.b32decode(key) not in base64.b64decode(sealed + "=="), "it is stored sealed"
    assert show(tool, account)["second_factor"] is True
    assert "second factor  yes" in tool.done("account", "show", account)

    assert attempt() == "401 Unauthorized totp"
    assert attempt(totp(key), "wrong") == "401 Unauthorized"
    code = totp(key)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert attempt(wrong).startswith("401 ")
    assert attempt(code).startswith("200 ")
    assert attempt(code).startswith("401 "), "a code is good for one login"

    again = keyed.json("account", "totp", account)["key"]
    assert again != key
    assert attempt(totp(again)).startswith("200 ")
    tool.done("account", "totp", account, "--off")
    assert show(tool, account)["second_factor"] is False
    assert attempt().startswith("200 ")


def test_second_factor_needs_a_key_to_seal_with(account, tool):
    said = tool.refused(2, "account", "totp", account)
    assert "auth.totp.keys" in said and "openssl rand -base64 32" in said
    assert show(tool, account)["second_factor"] is False


def test_delete(account, tool, store):
    identity = show(tool, account)["id"]
    assert "--yes" in tool.refused(2, "account", "delete", account)
    assert show(tool, account)["id"] == identity
    assert "is deleted" in tool.done("account", "delete", account, "--yes")
    tool.refused(1, "account", "show", account)
    tool.done("account", "add", account, password="Zz 1")
    assert show(tool, account)["id"] != identity


def test_delete_kicks_the_player(account, store, start_server, tmp_path):
    server = start_server(
        merged({"store": store.config, "admin": {"listen": "127.0.0.1:0"}}, CLOSED)
    )
    tool = Tool(tmp_path, {"store": store.config, "admin": {"listen": server.ready["admin"]}})
    gate = Player(server, account, "secret one").connect(conversation="c1")
    assert gate.request("count") == b"1"
    identity = show(tool, account)["id"]
    assert "kicked" in tool.done("account", "delete", account, "--yes")
    assert gate.wait_for(gate.controls)[0]["reason"] == "the account is deleted"
    gate.read_until_closed()
    assert login(server.login, account, "secret one", "sample").line == "401 Unauthorized"
    wait_until(lambda: tool.json("status")["players"] == 0, what="logout")
    assert store.query(f"SELECT * FROM player_data WHERE account = {identity}") == []


def test_delete_asks_on_a_terminal(account, tool):
    terminal = Terminal(tool, "account", "delete", account)
    terminal.wait_for(b"to delete it: ")
    terminal.type(b"yes\n")
    terminal.wait_for(b"nothing was deleted")
    assert terminal.end() == 2 and show(tool, account)

    terminal = Terminal(tool, "account", "delete", account)
    terminal.wait_for(b"to delete it: ")
    terminal.type(account.encode() + b"\n")
    terminal.wait_for(b"is deleted")
    assert terminal.end() == 0
    tool.refused(1, "account", "show", account)


def test_server_commands_in_json(start_server, tmp_path):
    server = start_server({"admin": {"listen": "127.0.0.1:0"}})
    tool = Tool(tmp_path, {"admin": {"listen": server.ready["admin"]}})
    player = Player(server)
    player.connect()
    assert tool.json("status")["players"] == 1
    assert tool.json("kick", player.user) == {"uid": player.user, "done": "kicked"}
    wait_until(lambda: tool.json("status")["players"] == 0, what="logout")
    assert tool.json_refused(1, "kick", player.user) == "not_found"
    assert tool.json("drain") == {"done": "draining"}
    server.finish()
