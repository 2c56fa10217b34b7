"""An argument that gets lost on the way: the gate told the agent whether a client is there again
or for the first time, and the agent did not tell the game."""

from players import Player

MODULE = """
local M = {}
function M.resume(self, resumed)
	self.came = self.came or {}
	table.insert(self.came, tostring(resumed))
end
function M.request(self) return table.concat(self.came, " ") end
return M
"""


def test_the_game_is_told_whether_a_client_is_back(start_server, tmp_path):
    (tmp_path / "game.lua").write_text(MODULE)
    server = start_server({"agent": {"module": str(tmp_path / "game.lua")}})
    player = Player(server)
    assert player.connect().request("") == b"false"
    assert player.reconnect().request("") == b"false true"
    assert player.connect().request("") == b"false true true", "in the place of the older one"
    again = Player(server, player.user)
    assert again.connect().request("") == b"false", "a new session"
