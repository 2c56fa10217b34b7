"""The kind of fault: what a client, a player or a database chose is printed as it came, and the
terminal of who reads it obeys."""

import json
import re

import pytest
from conftest import sqlite_store
from gatectl import Tool
from gatehouse_client import RequestFailed, login
from players import Player, fresh_name
from raw_http import exchange
from server import PATIENCE

# Hides what follows; a C1 control; turns the order of letters around; a separator of lines.
HOSTILE = "\x1b[8m \x9b31m \u202eabc\u2066 \u2028 \x07"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
GAME = """
return { request = function(self, msg) error(msg, 0) end }
"""


def assert_harmless(text, *wanted):
    found = OBEYED.search(text)
    assert found is None, text[max(found.start() - 100, 0) : found.start() + 100]
    for words in wanted:
        assert words in text, text[-2000:]


@pytest.mark.parametrize("form", ["text", "json"])
def test_log(start_server, tmp_path, form):
    module = tmp_path / "game.lua"
    module.write_text(GAME)
    server = start_server({"agent": {"module": str(module)}, "log": {"format": form}})
    gate = Player(server).connect()
    with pytest.raises(RequestFailed):
        gate.request("begin " + HOSTILE + " end")
    with pytest.raises(RequestFailed):
        gate.request(b"broken \xff\x9b utf8")
    log = server.wait_log("utf8") and server.log_path.read_bytes().decode()
    escape = "\\u001b" if form == "json" else "\\x1b"
    assert_harmless(log, f"begin {escape}[8m ", "\\u202eabc\\u2066")
    if form == "json":
        texts = [json.loads(line)["text"] for line in log.splitlines()]
        assert any("begin " + HOSTILE in text for text in texts), "nothing is lost"


def test_names_that_nobody_has(start_server):
    server = start_server()
    for name in ("\x1b[8mroot", "a\u202eb", "b\x9bc"):
        login(server.login, name, "secret", "sample")
        login(server.login, fresh_name(), "secret", name)
    assert_harmless(server.log_path.read_bytes().decode())


def test_gatectl(tmp_path):
    store = sqlite_store(tmp_path / "terminal.db")
    tool = Tool(tmp_path / "tool", {"store": store.config})
    tool.done("migrate")
    tool.done("account", "add", "plain", password="secret1")
    # As rows that another program wrote.
    hostile = "".join(c if c != "'" else "" for c in HOSTILE)
    store.query(
        f"UPDATE account SET ban_reason = '{hostile}', session_gate = '{hostile}', "
        f"session_server = '{hostile}', last_login_addr = '{hostile}', status = 'banned'"
    )
    store.query(f"INSERT INTO account (name, password_hash) VALUES ('x{hostile}', '!')")
    for arguments in (
        ["account", "list"],
        ["account", "show", "plain"],
        ["--json", "account", "list"],
        ["--json", "account", "show", "plain"],
        ["account", "show", "no\u2028body"],
        ["--json", "account", "show", "no\u2028body"],
    ):
        _, output, error = tool.run(*arguments)
        assert_harmless(output + error)
    shown = json.loads(tool.run("--json", "account", "show", "plain")[1])
    assert shown["ban_reason"] == hostile, "JSON says the same"


def test_status(start_server):
    server = start_server({"admin": {"listen": "127.0.0.1:0"}})
    told = exchange(
        server.ready["admin"],
        "POST /kick?uid=%1b%5b8m%c2%9b%e2%80%ae HTTP/1.0\r\n\r\n".encode(),
        30 * PATIENCE,
    )
    assert "404" in told
    server.wait_log("admin: kick")
    assert_harmless(server.log_path.read_bytes().decode(), "\\x1b[8m", "\\u202e")
