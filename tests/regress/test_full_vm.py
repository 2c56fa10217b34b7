"""C++ called into a Lua state where nothing catches what Lua raises, so that a VM without memory
ended the process, and all players with it.
"""

import contextlib
import re
import threading

import pytest
from gatehouse_client import Closed, RequestFailed
from players import Player
from server import ROOT
from skynet_process import SkynetProcess
from waiting import wait_until

MEBIBYTE = 1024 * 1024
CONFIG = {
    "workers": 1,
    "agent": {"module": "tests/lua/full_vm_game.lua", "afk_timeout_ms": 0},
    "limits": {"profile": "off", "vm_memory_bytes_max": 16 * MEBIBYTE},
    "admin": {"listen": "127.0.0.1:0"},
}


@pytest.fixture
def small(start_server):
    return start_server(CONFIG)


def fill(player, command):
    """Repeats a request until the server ends the player; how often it was done."""
    done = 0
    with contextlib.suppress(Closed, ConnectionError):
        while True:
            with contextlib.suppress(RequestFailed):
                player.gate.request(command, timeout=30)
            done += 1
            assert done < 20_000, "nobody is ended"
    return done


def is_saved(server, user):
    return wait_until(
        lambda: re.search(rf"{user}@sample is logout", server.log()), 30, f"logout of {user}"
    )


def stays(player):
    """The player is served as before, and has not been logged out."""
    before = int(player.gate.request("count"))
    assert int(player.gate.request("count")) == before + 1


@pytest.mark.parametrize("command", ["keep 50000", "small 500"])
def test_who_grows_is_ended_and_the_others_stay(small, command):
    greedy = Player(small)
    others = [Player(small) for _ in range(8)]
    for player in [greedy, *others]:
        player.connect(conversation="c1")
        player.gate.request("count")
    fill(greedy, command)
    kick = greedy.gate.controls[-1]
    assert kick["type"] == "kick" and kick["code"] == 507 and "memory" in kick["reason"], kick
    for player in others:
        stays(player)
    is_saved(small, greedy.user)
    line = small.wait_log(r"is out of memory: \d+ bytes of \d+ are in use; [^\n]*")[0]
    assert f"; {greedy.user}@sample holds " in line, "the biggest is named first"
    # Who was ended comes back with what was saved.
    back = Player(small, greedy.user)
    back.connect()
    assert int(back.gate.request("count")) > 2
    for player in others:
        stays(player)
    small.stop()
    for player in others:
        assert re.search(rf"{player.user}@sample is logout", small.log())
    assert "is not saved" not in small.log()


def test_data_that_a_module_keeps(small):
    """Ending a player frees nothing then: the VM is emptied, and everybody may come again."""
    users = []
    for _ in range(2):
        player = Player(small)
        users.append(player.user)
        player.connect(conversation="c1")
    players = [Player(small, user) for user in users]
    for player in players:
        player.connect(conversation="c2")
    threads = [
        threading.Thread(target=fill, args=(player, "share 60000")) for player in players
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for player in players:
        assert player.gate.controls[-1]["code"] == 507, player.gate.controls
    for user in users:
        is_saved(small, user)
        again = Player(small, user)
        again.connect()
        stays(again)
    small.stop()
    assert "is not saved" not in small.log()


def test_sigterm_with_a_full_vm(small):
    players = [Player(small) for _ in range(6)]
    for player in players:
        player.connect()
        player.gate.request("count")
    # The VM is filled to the brim when the signal comes.
    for player in players:
        player.gate.send_request("brim")
    small.wait_log("not enough memory|is out of memory", timeout=30)
    small.stop()
    for player in players:
        assert re.search(rf"{player.user}@sample is logout", small.log()), player.user
    assert "is not saved" not in small.log()


def test_a_limit_of_its_own_and_a_fork_in_a_pcall(tmp_path):
    folders = f"{ROOT}/tests/lua/?.lua"
    with SkynetProcess(tmp_path, "full_vm_memlimit", {"luaservice": folders}) as process:
        assert process.finish() == 0, process.output()[-3000:]
        assert "the full VM answers" in process.output(), process.output()[-3000:]
