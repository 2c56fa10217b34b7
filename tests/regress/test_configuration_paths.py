"""The kind of fault: what a configuration means depends on the folder that somebody happens to be
in, and a tool does not start for keys that it has no use for."""

import json
import os
import subprocess

import pytest
from conftest import sqlite_store
from gatectl import GATECTL, Tool
from players import Player
from server import BINARY, PATIENCE, ROOT, Server, base_config, merged
from waiting import wait_until

GAME = "return { request = function(self, msg) return 'own game' end }"


def run_in(folder, *command):
    """(exit code, output, errors)."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, text=True,
        capture_output=True, timeout=60 * PATIENCE, check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def etc(tmp_path):
    """A folder with a configuration and what it names, all relative."""
    folder = tmp_path / "etc"
    (folder / "game").mkdir(parents=True)
    (folder / "game" / "own.lua").write_text(GAME)
    config = merged(
        base_config(folder),
        {
            "agent": {"module": "game/own.lua", "rescue_folder": "state/rescue"},
            "store": {"sqlite": {"path": "state/own.db"}},
            "log": {"file": "own.log"},
            "console": {"listen": "unix:c.sock"},
        },
    )
    (folder / "gatehouse.json").write_text(json.dumps(config))
    return folder


def test_server_of_another_folder(etc, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [BINARY, "--config", etc / "gatehouse.json", "--ready-file", ready],
        cwd=elsewhere, stdin=subprocess.DEVNULL,
    )
    try:
        wait_until(ready.exists, 30 * PATIENCE, "the ready file")
        told = json.loads(ready.read_text())
        server = Server(tmp_path / "unused")
        server.ready, server.process = told, process
        gate = Player(server).connect()
        assert gate.request("hello") == b"own game"
        for name in ("state/own.db", "state/rescue", "own.log", "c.sock"):
            assert (etc / name).exists(), name
        assert told["console"] == f"unix:{etc / 'c.sock'}"
        code, output, error = run_in(
            elsewhere, GATECTL, "--config", "../etc/gatehouse.json", "account", "list"
        )
        assert code == 0 and "player" in output, error
    finally:
        process.terminate()
        assert process.wait(30 * PATIENCE) == 0
    assert os.listdir(elsewhere) == []


def test_what_came_with_the_program_is_found(tmp_path):
    """As config/quickstart.json and a copy of config/production.json name it."""
    config = base_config(tmp_path)
    assert config["agent"]["module"] == "lua/game/player.lua"
    (tmp_path / "a.json").write_text(json.dumps(config))
    code, output, error = run_in(tmp_path, BINARY, "check", "--config", "a.json")
    assert code == 0, output + error


def test_gatectl_anywhere_with_the_quickstart(tmp_path):
    code, _, error = run_in(
        tmp_path, GATECTL, "--config", ROOT / "config/quickstart.json",
        "--set", f"store.sqlite.path={tmp_path / 'q.db'}", "migrate",
    )
    assert code == 0, error


def test_settings_start_at_the_current_folder(etc, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, _, error = run_in(
        elsewhere, GATECTL, "--config", etc / "gatehouse.json",
        "--set", "store.sqlite.path=here.db", "migrate",
    )
    assert code == 0, error
    assert (elsewhere / "here.db").exists() and not (etc / "state").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": {"module": "gone.lua"}},
        {"login": {"policy": "gone.lua"}},
        {"gate": {"gates": []}},
        {"roles": ["later"]},
        {"store": {"driver": "sqlite"}, "cluster": {"name": "of a later version"}},
        {"limits": {"of_a_later_version": 1}, "log": {"level": "later"}},
        {"console": {"listen": "0.0.0.0:1"}},
        {"admin": {"listen": "0.0.0.0:1"}},
    ],
    ids=str,
)
def test_a_command_reads_what_it_needs(tmp_path, changes):
    tool = Tool(tmp_path / "tool", changes)
    tool.done("migrate")
    tool.done("account", "add", "somebody", password="secret1")
    assert "somebody" in tool.run("account", "list")[1]
    code, output = run_check(tool.path)
    assert code == 2, "the server itself judges the whole: " + output


def run_check(path):
    code, output, error = run_in(ROOT, BINARY, "check", "--config", path)
    return code, output + error


@pytest.mark.parametrize("command", [["status"], ["kick", "somebody"], ["drain"]])
def test_what_asks_the_server_needs_no_store(tmp_path, command):
    tool = Tool(
        tmp_path / "tool",
        {
            "admin": {"listen": "127.0.0.1:9"},
            "store": {"driver": "mysql", "mysql": {"tls": {"ca": "/gone.pem"}}},
            "agent": {"module": "gone.lua"},
        },
    )
    code, _, error = tool.run(*command)
    assert code == 1 and "no server answers at 127.0.0.1:9" in error, error


def test_what_it_needs_is_still_judged(tmp_path):
    tool = Tool(tmp_path / "tool", {"store": {"sqlite": {"pathh": "x"}}})
    code, _, error = tool.run("account", "list")
    assert code == 2 and "store.sqlite.pathh: unknown key" in error, error


def test_two_servers_of_one_name_share_nothing(tmp_path):
    """The same configuration in two folders is two servers."""
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        config = merged(base_config(folder), {"store": {"sqlite": {"path": "g.db"}}})
        config["agent"]["rescue_folder"] = "rescue"
        (folder / "g.json").write_text(json.dumps(config))
        assert run_in(tmp_path, GATECTL, "--config", folder / "g.json", "migrate")[0] == 0
    store = sqlite_store(tmp_path / "one" / "g.db")
    store.query("INSERT INTO account (name, password_hash) VALUES ('only', '!')")
    assert sqlite_store(tmp_path / "two" / "g.db").names() == []


