"""A name was taken for the thing: the server trusted that the path of its SQLite file goes on
meaning the file that it has open, and that nobody else has it."""

import json
import os
import shutil
import sqlite3
import subprocess
import urllib.request
from pathlib import Path

import pytest
from conftest import sqlite_store
from gatectl import Tool
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE, Server, run
from waiting import wait_until

QUICK = {
    "agent": {"save_interval_ms": 100},
    "store": {"watch_interval_ms": 100},
    "admin": {"listen": "127.0.0.1:0"},
}
UNAVAILABLE = "503 Service Unavailable"


def ask_admin(server, path):
    url = f"http://{server.ready['admin']}{path}"
    with urllib.request.urlopen(url, timeout=10 * PATIENCE) as answer:
        return answer.read().decode()


def complaint(server):
    return json.loads(ask_admin(server, "/status"))["store"]


def database(server):
    return Path(server.config["store"]["sqlite"]["path"])


def count_to(player, number):
    gate = player.gate or player.connect()
    while int(gate.request("count")) < number:
        pass


def try_login(server, user):
    return login(server.login, user, "secret", "sample", timeout=30 * PATIENCE).line


def wait_for_login(server, user):
    wait_until(
        lambda: try_login(server, user).startswith("200 "), 60 * PATIENCE, f"{user} logs in"
    )


def is_sound(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def kept_count(path, user):
    """What a player has in a database that no server has open."""
    connection = sqlite3.connect(path)
    try:
        row = connection.execute(
            "SELECT data FROM player_data JOIN account ON account.id = account WHERE name = ?",
            (user,),
        ).fetchone()
        return row and row[0]
    finally:
        connection.close()


@pytest.fixture(name="running")
def running_server(start_server):
    return start_server(QUICK)


def refused(folder, path):
    """What a second server says that is to use the same file."""
    second = Server(folder, {"store": {"sqlite": {"path": str(path)}}})
    second.config_path.write_text(json.dumps(second.config))
    code, said = run("--config", second.config_path)
    assert code == 1, said
    return said


@pytest.mark.parametrize("way", ["path", "symlink", "hard link", "relative"])
def test_a_second_server_is_refused(running, tmp_path, way):
    path = database(running)
    other = tmp_path / "other.db"
    if way == "path":
        other = path
    elif way == "symlink":
        other.symlink_to(path)
    elif way == "hard link":
        other.hardlink_to(path)
    else:
        other = Path(os.path.relpath(path, tmp_path / "second"))
    said = refused(tmp_path / "second", other)
    assert "in use by another server" in said and f"pid {running.pid}" in said
    player = Player(running)
    count_to(player, 3)


def test_the_claim_ends_with_the_process(start_server, tmp_path):
    path = tmp_path / "shared.db"
    changes = QUICK | {"store": {"sqlite": {"path": str(path)}}}
    first = start_server(changes)
    player = Player(first)
    count_to(player, 5)
    first.kill()
    second = start_server(changes)
    assert Player(second, player.user)


def test_gatectl_works_beside_the_server(running, tmp_path):
    tool = Tool(tmp_path / "tool", {"store": running.config["store"]})
    tool.done("account", "add", "made-beside", password="secret")
    assert Player(running, "made-beside").connect().request("count") == b"1"
    tool.done("account", "ban", "made-beside")
    wait_until(
        lambda: try_login(running, "made-beside").startswith("403"), 20 * PATIENCE, "the ban"
    )
    assert complaint(running) == ""


@pytest.mark.parametrize("what", ["file", "all files", "folder"])
def test_deleted_while_it_is_open(start_server, tmp_path, what):
    path = tmp_path / "own" / "gatehouse.db"
    server = start_server(QUICK | {"store": {"sqlite": {"path": str(path)}}})
    player = Player(server)
    count_to(player, 10)
    if what == "folder":
        shutil.rmtree(path.parent)
    elif what == "all files":
        for end in ("", "-wal", "-shm"):
            os.unlink(str(path) + end)
    else:
        path.unlink()
    server.wait_log(r"gatehouse\.db was deleted while it was open")
    server.wait_log(r"written again, with all that was in it")
    count_to(player, 20)
    wait_for_login(server, fresh_name())
    wait_for_login(server, player.user)
    assert int(Player(server, player.user).connect().request("count")) == 21
    server.stop()
    assert is_sound(path)
    assert kept_count(path, player.user)


def test_deleted_at_the_last_moment(running):
    """Nothing looks between the deletion and the end."""
    player = Player(running)
    count_to(player, 10)
    database(running).unlink()
    running.stop()
    assert is_sound(database(running)) and kept_count(database(running), player.user)


def test_kept_at_a_path_that_cannot_be_written(running):
    """As long as the file cannot be written again the players play on, and nobody logs in."""
    player = Player(running)
    count_to(player, 10)
    path = database(running)
    os.unlink(path)
    path.mkdir()  # the path is taken
    running.wait_log(r"gatehouse\.db was (deleted|replaced)")
    wait_until(lambda: try_login(running, fresh_name()) == UNAVAILABLE, 20 * PATIENCE, "503")
    assert "gatehouse_store_file_lost 1" in ask_admin(running, "/metrics")
    assert complaint(running)
    count_to(player, 20)
    path.rmdir()
    wait_for_login(running, player.user)
    assert int(Player(running, player.user).connect().request("count")) == 21
    assert complaint(running) == ""


def test_moved_away_and_back(running, tmp_path):
    player = Player(running)
    count_to(player, 10)
    path = database(running)
    path.rename(tmp_path / "elsewhere.db")
    running.wait_log(r"was moved away while it was open")
    assert try_login(running, fresh_name()) == UNAVAILABLE
    count_to(player, 20)
    assert not path.exists(), "no second file is made"
    (tmp_path / "elsewhere.db").rename(path)
    running.wait_log("is as it should be again", timeout=20)
    wait_for_login(running, player.user)
    assert int(Player(running, player.user).connect().request("count")) == 21


def copy_of(server, target):
    """A backup as sql/README.md has it made."""
    source = sqlite3.connect(database(server))
    copy = sqlite3.connect(target)
    with copy:
        source.backup(copy)
    source.close()
    copy.close()
    return target


@pytest.mark.parametrize("way", ["mv", "cp", "truncated"])
def test_replaced_or_overwritten(running, start_server, tmp_path, way):
    """`mv backup.db gatehouse.db` and `cp backup.db gatehouse.db` under the server: it stops
    writing at once, and keeps what the file that was lost would have had."""
    path = database(running)
    first = Player(running)
    count_to(first, 10)
    copy = copy_of(running, tmp_path / "backup.db")
    before = kept_count(copy, first.user)
    # A server marks the file anew when it starts: the copy is of before, not of the same moment.
    running.stop()
    changes = QUICK | {"store": {"sqlite": {"path": str(path)}}}
    running = start_server(changes, folder=running.folder)
    player = Player(running, first.user)
    for n in range(20):
        Player(running, f"later{n}")
    count_to(player, 50)
    if way == "mv":
        copy.rename(path)
    elif way == "cp":
        subprocess.run(["cp", copy, path], check=True)
    else:
        os.truncate(path, 0)
    running.wait_log(r"gatehouse\.db was (replaced by another file|overwritten) while it was open")
    wait_until(lambda: try_login(running, fresh_name()) == UNAVAILABLE, 20 * PATIENCE, "503")
    assert complaint(running)
    count_to(player, 60)
    running.stop()
    rescued = [file.read_bytes() for file in (running.folder / "rescue").glob("*.player")]
    assert any(f"uid: {player.user}\n".encode() in text for text in rescued)
    assert list(path.parent.glob("*.kept-*")), "what was open is kept"
    if way == "truncated":
        assert path.stat().st_size == 0
        return
    # What was put there is whole, and nothing of before was written over it.
    assert is_sound(path)
    assert kept_count(path, player.user) == before
    fresh = start_server(QUICK | {"store": {"sqlite": {"path": str(path)}}})
    assert try_login(fresh, fresh_name()).startswith("200 ")


@pytest.mark.parametrize("ends", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_the_files_beside_it_are_deleted(running, ends):
    player = Player(running)
    count_to(player, 10)
    path = database(running)
    for end in ends:
        os.unlink(str(path) + end)
    running.wait_log(r"lost its -wal or -shm file")
    running.wait_log("is as it should be again", timeout=20)
    wait_for_login(running, fresh_name())
    gate = player.gate
    assert gate.request("buy") == b"11", "committed: it is durable"
    running.kill()
    assert is_sound(path)
    assert kept_count(path, player.user)
    with Server(running.folder, running.config) as fresh:
        assert Player(fresh, player.user).connect().request("count") == b"12"


def test_a_busy_server_makes_no_complaint(running, tmp_path):
    """Checkpoints, a backup and an import beside it are nothing to complain about."""
    store = sqlite_store(database(running))
    player = Player(running)
    tool = Tool(tmp_path / "tool", {"store": running.config["store"]})
    rows = "".join(f"bulk{n},{'a' * 32}\n" for n in range(3000))
    (tmp_path / "accounts.csv").write_text("name,hash\n" + rows)
    tool.done("account", "import", str(tmp_path / "accounts.csv"), "--format", "md5")
    copy_of(running, tmp_path / "backup.db")
    for n in range(30):
        player.connect().request(f"note {str(n) * 20000}")
        store.query("UPDATE account SET staff = 0")
    wait_until(
        lambda: os.path.getsize(str(database(running)) + "-wal") < 64 << 20, 10, "a bounded -wal"
    )
    assert complaint(running) == ""
    assert "while it was open" not in running.log()
