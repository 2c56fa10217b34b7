"""A refusal that will never change was taken for an outage: what the store refuses for good was
tried again for ever, without its reason in the log, and kept the account from logging in."""

import json
import os
import stat
import urllib.request

import pytest
from conftest import mysql_store, sqlite_store
from gatectl import Tool
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

# The player's data has as many bytes as he says.
MODULE = """
return {
    load = function(self, data) self.data = data or "new" end,
    request = function(self, msg)
        local command, count = msg:match("^(%a+) ?(%d*)$")
        if command == "grow" then
            self.data = string.rep("x", tonumber(count))
        end
        return tostring(#self.data)
    end,
    save = function(self) return self.data end,
}
"""
BIG = 3 << 20
ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


def ask_admin(server, path, method="GET"):
    request = urllib.request.Request(f"http://{server.ready['admin']}{path}", method=method)
    with urllib.request.urlopen(request, timeout=10 * PATIENCE) as answer:
        return answer.read().decode()


def status(server):
    return json.loads(ask_admin(server, "/status"))


def rescued(server):
    folder = server.folder / "rescue"
    return sorted(folder.glob("*.player")) if folder.exists() else []


def wait_for_login(server, user):
    def answered():
        line = login(server.login, user, "secret", "sample", timeout=30 * PATIENCE).line
        return line.startswith("200 ")

    wait_until(answered, 60 * PATIENCE, f"{user} can log in again")


@pytest.fixture
def start_game(start_server, tmp_path):
    (tmp_path / "game.lua").write_text(MODULE)

    def start(store, **agent):
        settings = {
            "module": str(tmp_path / "game.lua"),
            "save_interval_ms": 200,
            "save_failures_max": 0,
        } | agent
        # The store's thread may be in a call of store.timeout_ms when the server has to stop.
        shutdown = {"timeout_ms": 10_000 * PATIENCE}
        return start_server(
            {"store": store.config, "agent": settings, "shutdown": shutdown} | ADMIN
        )

    return start


@pytest.fixture
def small_packets(own_mariadb):
    """A store on a server that takes packets of 1 MiB."""
    own_mariadb.query("SET GLOBAL max_allowed_packet = 1048576")
    return own_mariadb, mysql_store(own_mariadb, "small")


def test_too_big_for_the_servers_packets(small_packets, start_game, tmp_path):
    mariadb, store = small_packets
    server = start_game(store, rescue_after_ms=500)
    player = Player(server)
    gate = player.connect()
    assert gate.request(f"grow {BIG}") == str(BIG).encode()
    # The database's words, the account, and how often.
    server.wait_log(
        rf"{player.user}@sample is not saved, 1 time in a row: .*too_big.*max_allowed_packet"
    )
    wait_until(lambda: status(server)["unsaved"], 10 * PATIENCE, "the player in the status")
    (unsaved,) = status(server)["unsaved"]
    assert (unsaved["uid"], unsaved["code"]) == (player.user, "too_big")
    assert "gatehouse_players_unsaved 1" in ask_admin(server, "/metrics")
    assert gate.request("look") == str(BIG).encode(), "the player plays on"
    # Logged out, the data goes to a file, and the account is free.
    wait_for_login(server, player.user)
    (file,) = rescued(server)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700
    assert str(file) in server.log()
    assert file.read_bytes().endswith(b"x" * BIG)
    # Brought back, once the server takes it.
    mariadb.query("SET GLOBAL max_allowed_packet = 16777216")
    tool = Tool(tmp_path / "tool", {"store": store.config})
    assert "--force" in tool.refused(1, "restore", str(file)), "he has logged in since"
    tool.done("restore", str(file), "--force")
    server.stop()
    fresh = start_game(store, rescue_after_ms=500)
    assert Player(fresh, player.user).connect().request("look") == str(BIG).encode()


def test_restore_without_a_later_session(small_packets, start_game, tmp_path):
    mariadb, store = small_packets
    server = start_game(store, rescue_after_ms=500)
    player = Player(server)
    player.connect().request(f"grow {BIG}")
    tool = Tool(
        tmp_path / "tool", {"store": store.config, "admin": {"listen": server.ready["admin"]}}
    )
    tool.done("kick", player.user)
    (file,) = wait_until(lambda: rescued(server), 30 * PATIENCE, "the file of the rescue")
    mariadb.query("SET GLOBAL max_allowed_packet = 16777216")
    tool.done("restore", str(file))
    assert "has this data" in tool.refused(1, "restore", str(file)), "twice is refused"
    broken = file.with_name("broken.player")
    broken.write_bytes(file.read_bytes()[:-1])
    assert "not whole" in tool.refused(1, "restore", str(broken))
    server.stop()
    fresh = start_game(store)
    assert Player(fresh, player.user).connect().request("look") == str(BIG).encode()


@pytest.fixture
def limited(own_mariadb):
    """A store, and the user of the database as which the server comes."""
    store = mysql_store(own_mariadb, "limited")
    own_mariadb.query(
        "CREATE USER game@'127.0.0.1' IDENTIFIED BY 'pw'; GRANT ALL ON limited.* TO "
        "game@'127.0.0.1'"
    )
    store.config["mysql"] |= {"user": "game", "password": "pw"}
    return own_mariadb, store


def take_rights(mariadb):
    """All but reading. Sessions that began before keep what they had."""
    mariadb.query(
        "REVOKE ALL ON limited.* FROM game@'127.0.0.1'; GRANT SELECT ON limited.* TO "
        "game@'127.0.0.1'; KILL CONNECTION USER game"
    )


def test_rights_that_are_missing_and_come_back(limited, start_game):
    mariadb, store = limited
    server = start_game(store, rescue_after_ms=600_000)
    player = Player(server)
    gate = player.connect()
    take_rights(mariadb)
    gate.request("grow 1000")
    server.wait_log(rf"{player.user}@sample is not saved.*refused.*UPDATE command denied")
    server.wait_log(r"login_audit.* not recorded: .*denied", timeout=20)
    assert "pw" not in server.log().replace(str(server.folder), "")
    mariadb.query("GRANT ALL ON limited.* TO game@'127.0.0.1'")
    wait_until(lambda: not status(server)["unsaved"], 30 * PATIENCE, "the save goes through")
    wait_for_login(server, player.user)
    assert Player(server, player.user).connect().request("look") == b"1000"
    assert not rescued(server)


def test_an_operator_gets_the_account_out(limited, start_game, tmp_path):
    mariadb, store = limited
    server = start_game(store, rescue_after_ms=0)
    player = Player(server)
    gate = player.connect()
    take_rights(mariadb)
    gate.request("grow 1000")
    server.wait_log(rf"{player.user}@sample is not saved")
    tool = Tool(
        tmp_path / "tool", {"store": store.config, "admin": {"listen": server.ready["admin"]}}
    )
    assert player.user in tool.done("status")
    tool.refused(1, "rescue", "nobody")
    tool.done("rescue", player.user)
    (file,) = wait_until(lambda: rescued(server), 30 * PATIENCE, "the file of the rescue")
    assert file.read_bytes().endswith(b"x" * 1000)
    mariadb.query("GRANT ALL ON limited.* TO game@'127.0.0.1'")
    wait_for_login(server, player.user)


def test_the_end_of_the_server_rescues_who_is_not_saved(limited, start_game):
    mariadb, store = limited
    server = start_game(store, rescue_after_ms=0)
    player = Player(server)
    gate = player.connect()
    take_rights(mariadb)
    gate.request("grow 1000")
    server.wait_log(rf"{player.user}@sample is not saved")
    server.stop()
    (file,) = rescued(server)
    assert file.read_bytes().endswith(b"x" * 1000)
    assert f"uid: {player.user}\n".encode() in file.read_bytes()


@pytest.mark.parametrize("how", ["killed", "paused"])
def test_away_at_the_end_of_the_server(own_mariadb, start_game, how):
    store = mysql_store(own_mariadb, "gone")
    store.config["timeout_ms"] = 1500 * PATIENCE
    server = start_game(store, save_interval_ms=0)
    player = Player(server)
    player.connect().request("grow 1000")
    if how == "killed":
        own_mariadb.kill()
    else:
        own_mariadb.pause()
    server.stop()
    (file,) = rescued(server)
    assert file.read_bytes().endswith(b"x" * 1000)


def test_a_full_folder_keeps_the_player(limited, start_game):
    mariadb, store = limited
    server = start_game(
        store,
        rescue_after_ms=200,
        rescue_bytes_max=500,
        logout_timeout_ms=1000 * PATIENCE,
        save_timeout_ms=1000 * PATIENCE,
    )
    player = Player(server)
    gate = player.connect()
    take_rights(mariadb)
    gate.request("grow 1000")
    server.wait_log(rf"{player.user}@sample is not saved")
    assert login(server.login, player.user, "secret", "sample", timeout=30 * PATIENCE).code == 503
    server.wait_log(rf"{player.user}@sample stays, .*rescue_bytes_max", timeout=30)
    assert not rescued(server)
    mariadb.query("GRANT ALL ON limited.* TO game@'127.0.0.1'")
    wait_for_login(server, player.user)
    assert Player(server, player.user).connect().request("look") == b"1000"


def test_a_table_that_is_gone_is_named(tmp_path, start_game):
    store = sqlite_store(tmp_path / "own.db")
    server = start_game(store, rescue_after_ms=300)
    player = Player(server)
    gate = player.connect()
    store.query("ALTER TABLE player_data RENAME TO player_lost")
    gate.request("grow 1000")
    server.wait_log(rf"{player.user}@sample is not saved.*refused.*no such table: player_data")
    store.query("ALTER TABLE player_lost RENAME TO player_data")
    wait_until(lambda: not status(server)["unsaved"], 30 * PATIENCE, "the save goes through")


def test_more_than_a_player_may_save(start_server, tmp_path, start_game):
    """Above the store's own bound, too, the data is not thrown away."""
    store = sqlite_store(tmp_path / "own.db")
    server = start_game(store, rescue_after_ms=300, save_interval_ms=0)
    user = fresh_name()
    Player(server, user).connect().request(f"grow {9 << 20}")
    wait_for_login(server, user)
    (file,) = rescued(server)
    assert file.stat().st_size > 9 << 20
