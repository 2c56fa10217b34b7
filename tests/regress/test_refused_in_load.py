"""An answer before its outcome is known: a game that kicked a player in `load` had the login
answered 200, and the gate answered 404. What ends a player before he is in is the answer."""

import pytest
from gatehouse_client import login
from players import Player, fresh_name

MODULE = """
local skynet = require "skynet"
local seen = {}
local M = {}
function M.load(self)
	local how = self.uid:match "^(%a+)_"
	local first = not seen[self.uid]
	seen[self.uid] = true
	if not first then return end
	if how == "kick" then
		self:kick "not today"
	elseif how == "kickwait" then
		self:kick "not today"
		skynet.sleep(20)
	elseif how == "waitkick" then
		skynet.sleep(5)
		self:kick "not today"
	elseif how == "kickraise" then
		self:kick "not today"
		error "no"
	elseif how == "kickexit" then
		self:kick "not today"
		skynet.exit()
	elseif how == "raise" then
		error "no"
	end
end
function M.request(_, msg) return msg end
return M
"""


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("load")
    (folder / "game.lua").write_text(MODULE)
    with Server(folder, {"agent": {"module": str(folder / "game.lua"), "per_vm": 1}}) as server:
        yield server


@pytest.mark.parametrize("suite", ["plain", "skynet"])
@pytest.mark.parametrize("way", ["kick", "kickwait", "waitkick", "kickraise", "kickexit"])
def test_who_is_kicked_while_he_is_loaded_is_not_let_in(module_server, way, suite):
    user = f"{way}_{fresh_name()}"
    assert login(module_server.login, user, "secret", "sample", suite).code == 403


def test_what_fails_otherwise_is_503(module_server):
    user = f"raise_{fresh_name()}"
    assert login(module_server.login, user, "secret", "sample").code == 503


def test_the_account_is_free_after_it(start_server, tmp_path):
    (tmp_path / "game.lua").write_text(MODULE)
    server = start_server({"agent": {"module": str(tmp_path / "game.lua")}, "workers": 1})
    user = f"kick_{fresh_name()}"
    assert login(server.login, user, "secret", "sample").code == 403
    assert Player(server, user).connect().request("in") == b"in"
    server.wait_log(f"the login of {user}@sample is refused: not today")
