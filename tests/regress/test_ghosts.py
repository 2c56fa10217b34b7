"""Who is online must not be what a process said before it ended, or before the database was away:
the marks of a killed server go when one starts, and all who are asked agree."""

import json
import urllib.request

from conftest import mysql_store
from gatectl import Tool
from gatehouse_client import login
from players import Player, fresh_name
from server import PATIENCE
from shop import shop_config
from waiting import wait_until

WAIT = 30 * PATIENCE
ONLINE = "SELECT COUNT(*) FROM account WHERE session_gate <> ''"
ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


def marked(store):
    return int(store.query(ONLINE)[0][0])


def ask(server, path, data=None):
    request = urllib.request.Request(f"http://{server.ready['admin']}{path}", data=data)
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        return answer.read().decode()


def online(server):
    return json.loads(ask(server, "/status"))["players"]


def everybody(store, tool, *servers):
    """The number of players that all agree on, as soon as they do."""

    def agree():
        counts = {marked(store), tool.json("online")["players"], sum(map(online, servers))}
        return [counts.pop()] if len(counts) == 1 else None

    return wait_until(agree, WAIT, "the same number of players everywhere", interval=0.2)[0]


def test_a_killed_server_leaves_no_ghosts(own_store, start_server, tmp_path):
    changes = {"store": own_store.config} | ADMIN
    tool = Tool(tmp_path / "tool", changes)
    server = start_server(changes)
    players = [Player(server) for _ in range(6)]
    for player in players[:3]:
        player.connect()
    assert everybody(own_store, tool, server) == 6
    names = {entry["name"] for entry in tool.json("online")["online"]}
    assert names == {player.user for player in players}
    server.kill()
    assert tool.json("online") == {"players": 0, "online": []}, "nobody is, whatever the marks say"
    again = start_server(changes)
    assert marked(own_store) == 0, "before the first login"
    assert everybody(own_store, tool, again) == 0
    Player(again)
    assert everybody(own_store, tool, again) == 1


def test_the_players_of_a_living_server_stay(own_mariadb, start_server, tmp_path):
    store = mysql_store(own_mariadb, "two")
    changes = {"store": store.config} | ADMIN
    tool = Tool(tmp_path / "tool", changes)
    lives, dies = start_server(changes), start_server(changes)
    for server in (lives, lives, dies):
        Player(server)
    assert everybody(store, tool, lives, dies) == 3
    dies.kill()
    # The other one notices, too.
    assert everybody(store, tool, lives) == 2
    again = start_server(changes)
    assert everybody(store, tool, lives, again) == 2
    again.stop()
    assert everybody(store, tool, lives) == 2


def test_a_process_that_the_store_forgot_marks_its_players_again(
    own_mariadb, start_server, tmp_path
):
    store = mysql_store(own_mariadb, "forgot")
    changes = {"store": store.config} | ADMIN
    server = start_server(changes)
    Player(server)
    store.query("DELETE FROM node; UPDATE account SET session_gate = '', session_node = 0")
    assert everybody(store, Tool(tmp_path / "tool", changes), server) == 1


def test_who_left_while_the_store_was_away_is_offline_when_it_is_back(
    own_mariadb, start_server, tmp_path
):
    store = mysql_store(own_mariadb, "away")
    changes = shop_config(tmp_path) | {"store": store.config | {"timeout_ms": 2000 * PATIENCE}}
    changes |= ADMIN
    server = start_server(changes)
    stays, leaves = Player(server), Player(server)
    for player in (stays, leaves):
        assert player.connect(conversation="c").request("buy") == b"1"
    own_mariadb.kill()
    # What it has is stored already, so that nothing keeps it.
    ask(server, f"/kick?uid={leaves.user}", b"")
    wait_until(lambda: online(server) == 1, WAIT, "the player to leave")
    own_mariadb.start()
    assert everybody(store, Tool(tmp_path / "tool", changes), server) == 1


def test_an_account_that_is_behind_its_player_is_let_in(own_store, start_server):
    server = start_server({"store": own_store.config})
    user = fresh_name()
    Player(server, user).connect()
    # As a table that was restored alone.
    own_store.query("UPDATE player_data SET epoch = epoch + 1000")
    assert login(server.login, user, "secret", "sample", timeout=WAIT).code == 200


def test_a_failed_placement_leaves_no_mark(own_store, start_server, tmp_path):
    module = tmp_path / "refuses.lua"
    module.write_text(
        "local M <const> = { request = print }\nfunction M.load() error 'no' end\nreturn M\n"
    )
    server = start_server({"store": own_store.config, "agent": {"module": str(module)}})
    assert login(server.login, fresh_name(), "secret", "sample", timeout=WAIT).code == 503
    wait_until(lambda: marked(own_store) == 0, WAIT, "no mark")


def test_ghosts_that_are_held_at_the_start_go_later(own_mariadb, start_server):
    store = mysql_store(own_mariadb, "held")
    first = start_server({"store": store.config})
    Player(first)
    first.stop()
    store.query("UPDATE account SET session_gate = 'gone', session_node = 4711")
    holder = own_mariadb.open_client("held")
    holder.stdin.write(b"BEGIN; SELECT id FROM account FOR UPDATE;\n")
    holder.stdin.flush()
    assert holder.stdout.readline()
    start_server({"store": store.config})
    assert marked(store) == 1, "the first look does not get at it"
    holder.communicate(timeout=WAIT)
    wait_until(lambda: marked(store) == 0, WAIT, "the mark of nobody's session gone")
