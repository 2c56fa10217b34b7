"""Code is judged when somebody needs it, and taken from whatever a file holds at that moment. What
a configuration names is compiled by `check` and at the start; what runs is what was read at the
start or by an explicit reload, whole, also where it is required later."""

import json
import shutil
import signal

import pytest
from players import Player
from server import ROOT, base_config, run, write_private

BROKEN = "return { request = function(self msg) return msg end }\n"


def game(version, more=""):
    return f'{more}\nreturn {{ request = function(self, msg) return "{version}" end }}\n'


class Tree:
    """A copy of the program's files, to change at will."""

    def __init__(self, folder):
        self.root = folder / "tree"
        for part in ("lua", "sql"):
            shutil.copytree(ROOT / part, self.root / part)

    def write(self, name, text):
        path = self.root / "lua" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def check(tree, folder, module=None, policy=None):
    config = base_config(folder)
    config["agent"]["module"] = str(module or tree.root / "lua/game/player.lua")
    if policy:
        config["login"]["policy"] = str(policy)
    path = folder / "c.json"
    write_private(path, json.dumps(config))
    code, output = run("check", "--root", tree.root, "--config", path)
    assert code in (0, 2), output
    if code:  # the start says the same
        started, said = run("--root", tree.root, "--config", path)
        assert started in (1, 2) and said == output
    return code, output


def test_check_compiles_what_is_named(tree, tmp_path):
    assert check(tree, tmp_path)[0] == 0
    assert check(tree, tmp_path, "game.player")[0] == 0
    broken = tree.write("game/broken.lua", BROKEN)
    for module in (broken, "game.broken"):
        code, output = check(tree, tmp_path, module)
        assert code == 2 and "agent.module: " in output and "broken.lua:1:" in output, output
    code, output = check(tree, tmp_path, "game.nowhere")
    assert code == 2 and "agent.module: " in output and "game/nowhere.lua" in output, output
    code, output = check(tree, tmp_path, policy=broken)
    assert code == 2 and "login.policy: " in output and "broken.lua:1:" in output, output
    folder = tmp_path / "folder.lua"
    folder.mkdir()
    assert check(tree, tmp_path, folder)[0] == 2


def test_check_follows_require(tree, tmp_path):
    tree.write("game/deep.lua", "return {}\n)\n")
    tree.write("game/shop.lua", "return require('game.deep')\n")
    module = tree.write("game/mine.lua", game("v1", 'local shop = require "game.shop"'))
    code, output = check(tree, tmp_path, module)
    assert code == 2 and "deep.lua:2:" in output, output
    # What only looks like it is no code.
    unused = (
        '-- require "game.deep"\n--[[ require "game.deep" ]]\nlocal s = [[require "game.deep"]]'
    )
    tree.write("game/shop.lua", unused + "\n" + 'local t = "require \'game.deep\'" return t')
    assert check(tree, tmp_path, module)[0] == 0


def answer(player):
    if player.gate is None:
        player.connect()
    return player.gate.request(b"?").decode()


def wait_reload(server, pattern, since):
    server.signal(signal.SIGHUP)
    server.wait_log(pattern, since)


def test_a_saved_module_changes_nothing_until_a_reload(start_server, tmp_path):
    module = tmp_path / "player.lua"
    module.write_text(game("v1"))
    server = start_server({"agent": {"module": str(module), "per_vm": 1}})
    first = Player(server)
    assert answer(first) == "v1"
    for text in (game("v2"), BROKEN, game("v2")[:40], ""):
        module.write_text(text)
        assert answer(Player(server)) == "v1"
    module.unlink()
    assert answer(Player(server)) == "v1"

    # A reload that fails, in the compiler or when the module is run, gives nothing up.
    for text, why in (
        (BROKEN, "player.lua:1:"),
        ("return { }", "has no function request"),
        ('error "not today"', "not today"),
    ):
        module.write_text(text)
        since = server.log_size()
        wait_reload(server, "game's Lua is not read again", since)
        assert why in server.log(since)
        assert answer(Player(server)) == "v1" and answer(first) == "v1"

    module.write_text(game("v2"))
    wait_reload(server, "game's Lua is read again", server.log_size())
    second = Player(server)
    assert answer(second) == "v2"
    assert answer(first) == "v1", "who is here keeps what he has"
    module.write_text(game("v3"))
    assert answer(Player(server)) == "v2"


def test_what_is_required_later_is_of_the_same_reading(start_server, tree, tmp_path):
    module = tree.write(
        "game/mine.lua",
        'return { request = function(self, msg) return require("game.shop").price end }\n',
    )
    tree.write("game/shop.lua", 'return { price = "old" }\n')
    server = start_server(
        {"agent": {"module": str(module), "per_vm": 1}}, ("--root", tree.root)
    )
    before = Player(server)
    tree.write("game/shop.lua", "return { price = ")
    assert answer(before) == "old"
    tree.write("game/shop.lua", 'return { price = "new" }\n')
    assert answer(Player(server)) == "old"
    late = Player(server)  # has not required it yet
    wait_reload(server, "game's Lua is read again", server.log_size())
    assert answer(Player(server)) == "new"
    assert answer(late) == "old", "a VM is of one reading"


def test_services_and_the_cache_that_scripts_clear(tmp_path):
    """As skynet's: a file is loaded once, whatever happens to it, until the cache is cleared."""
    (tmp_path / "main.lua").write_text(
        f"""
local skynet = require "skynet"
require "skynet.manager"
local FILE = "{tmp_path}/part.lua"
local function write(text)
	local file <close> = assert(io.open(FILE, "w"))
	file:write(text)
end
local function part(version)
	return 'local skynet = require "skynet" skynet.start(function() skynet.dispatch("lua",'
		.. ' function() skynet.retpack "' .. version .. '" end) end)'
end
local function version()
	local address = skynet.newservice "part"
	local answer = skynet.call(address, "lua")
	skynet.kill(address)
	return answer
end
skynet.start(function()
	write(part "v1")
	assert(version() == "v1")
	write(part "v2")
	assert(version() == "v1")
	write "half sav"
	assert(version() == "v1")
	local ok, why = pcall(skynet.cache.clear)
	assert(not ok and why:find("part.lua:1:", 1, true), why)
	assert(version() == "v1")
	write(part "v2")
	skynet.cache.clear()
	assert(version() == "v2")
	print "as promised"
	skynet.abort()
end)
"""
    )
    config = tmp_path / "main.config"
    config.write_text(f'thread = 2\nstart = "main"\nluaservice = "{tmp_path}/?.lua"\n')
    code, output = run("skynet", config)
    assert code == 0 and "as promised" in output, output
