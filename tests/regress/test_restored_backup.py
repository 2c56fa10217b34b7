"""A backup holds promises that were taken back since: `gatectl restore-fixups` voids what a
restored database says about sessions, tickets and who is online, before a server believes it."""

import base64
import shutil

from conftest import sqlite_store
from gatectl import Tool
from gatehouse_client import login
from players import Player
from server import PATIENCE, ROOT

WAIT = 30 * PATIENCE
KEY = base64.b64encode(b"k" * 32).decode()


def enter(server, user, password="", **proof):
    return login(server.login, user, password, "sample", timeout=WAIT, **proof)


def test_a_restored_backup_is_fixed_up(start_server, tmp_path):
    store = sqlite_store(tmp_path / "live.db")
    changes = {"store": store.config, "auth": {"tickets": {"keys": [KEY]}}}
    tool = Tool(tmp_path / "tool", changes)
    server = start_server(changes, folder=tmp_path / "server")
    player = Player(server, "hero")
    ticket = player.login.extras["ticket"]
    player.connect()
    assert b"pid" in tool.refused(1, "restore-fixups").encode(), "not under a running server"
    # The backup is of a server that runs.
    backup = sqlite_store(tmp_path / "backup.db")
    store.query(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
    epoch = int(backup.query("SELECT session_epoch FROM account")[0][0])
    tool.done("account", "revoke", "hero")
    assert enter(server, "hero", ticket=ticket).code == 401
    server.stop()
    for part in ("", "-wal", "-shm"):
        (tmp_path / f"live.db{part}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "live.db")

    assert "1 account" in tool.done("restore-fixups")

    server = start_server(changes, folder=tmp_path / "server")
    assert enter(server, "hero", ticket=ticket).code == 401, "a revoked ticket stays revoked"
    assert tool.json("online")["players"] == 0
    again = enter(server, "hero", "secret")
    assert again.code == 200
    assert int(again.subid) > epoch + 999_999
    assert enter(server, "hero", ticket=again.extras["ticket"]).code == 200


def test_the_recipe_is_in_the_manuals():
    for path in ("deploy/README.md", "sql/README.md", "docs/gatectl.1"):
        text = (ROOT / path).read_text().replace("\\-", "-")
        assert "restore-fixups" in text and "promote" in text, path
