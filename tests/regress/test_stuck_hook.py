"""A wait for somebody else without a deadline: a function of the game or of the login policy that
never returns keeps what it holds (a place at the login port, a login in progress, a player's next
requests). Each has a deadline, an answer, and gives everything back."""

import http.client
import json
import threading

import pytest
from gatehouse_client import RequestFailed, Stream, login, make_token, read_answer
from players import Player, fresh_name
from server import PATIENCE
from skynet_process import SkynetProcess
from waiting import wait_until

POLICY = """
local skynet = require "skynet"
local login = require "gatehouse.login"
local M = {}
local seen = {}

local function wait_for_ever(how)
	if how == "wait" then
		skynet.wait()
	elseif how == "sleep" then
		while true do skynet.sleep(10) end
	elseif how == "call" then
		local service = require "skynet.service"
		local mute = service.new("mute", function()
			local inner = require "skynet"
			inner.start(function() inner.dispatch("lua", function() inner.wait() end) end)
		end)
		skynet.call(mute, "lua")
	elseif how == "caught" then
		while true do pcall(skynet.wait) end
	elseif how == "yield" then
		coroutine.yield()
	end
end

function M.auth_handler(token)
	local how = token.password:match "^stuck (%w+)$"
	if how then wait_for_ever(how) end
	return token.server, token.user
end

LOGIN_HANDLER

return M
"""

LOGIN_HANDLER = """
function M.login_handler(server, uid, secret)
	local how = uid:match "^before_(%a+)"
	local first = not seen[uid]
	seen[uid] = true
	if how and first then wait_for_ever(how) end
	local subid = login.place(server, uid, secret)
	how = uid:match "^after_(%a+)"
	if how and first then
		wait_for_ever(how)
		error "after the place"
	end
	return subid
end
"""

WAYS = ["wait", "sleep", "call", "caught", "yield"]


def policy_config(tmp_path, handler="", **login_keys):
    path = tmp_path / "policy.lua"
    path.write_text(POLICY.replace("LOGIN_HANDLER", handler))
    return {
        "admin": {"listen": "127.0.0.1:0"},
        "login": {"policy": str(path), "policy_timeout_ms": 1500, **login_keys},
    }


def ask(server, path):
    host, port = server.ready["admin"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def status(server):
    return json.loads(ask(server, "/status"))


def metric(server, name):
    for line in ask(server, "/metrics").splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def begin_login(server, user, password):
    """A plain login up to its token; the answer is not read."""
    stream = Stream(server.login, timeout=25.0 * PATIENCE)
    stream.read_line()
    stream.send(make_token(user, password, "sample").encode() + b"\n")
    return stream


@pytest.mark.parametrize("way", WAYS)
def test_a_stuck_auth_handler_gives_its_places_back(start_server, tmp_path, way):
    config = policy_config(tmp_path)
    config["limits"] = {"login_connections_max": 20}
    server = start_server(config)
    for _ in range(2):
        # Half of the places at most wait for the policy: the others are told so at once.
        streams = [begin_login(server, fresh_name(), f"stuck {way}") for _ in range(20)]
        assert [read_answer(stream)[:4] for stream in streams] == ["503 "] * 20
        for stream in streams:
            stream.close()
        wait_until(lambda: status(server)["login"]["connections"] == 0, 10 * PATIENCE, "places")
    assert login(server.login, fresh_name(), "fine", "sample").code == 200
    ended = metric(server, 'gatehouse_hook_timeouts{hook="auth_handler"}')
    refused = metric(server, "gatehouse_login_policy_refused")
    assert ended > 0 and refused > 0 and ended + refused == 40
    server.wait_log(r"auth_handler of .*policy\.lua takes longer than 1500 ms")


def test_the_same_player_may_try_again(start_server, tmp_path):
    server = start_server(policy_config(tmp_path))
    user = fresh_name()
    for _ in range(3):
        assert login(server.login, user, "stuck wait", "sample").code == 503
    assert login(server.login, user, "fine", "sample").code == 200, "no 406, no 429"


def test_an_address_pays_nothing_for_a_dead_backend(start_server, tmp_path):
    config = policy_config(tmp_path)
    config["limits"] = {"login_address_per_s": 1, "login_address_burst": 6}
    server = start_server(config)
    streams = [begin_login(server, fresh_name(), "stuck wait") for _ in range(5)]
    assert [read_answer(stream)[:4] for stream in streams] == ["503 "] * 5
    codes = [login(server.login, fresh_name(), "fine", "sample").code for _ in range(5)]
    assert codes == [200] * 5


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_a_stuck_login_handler_leaves_nobody_behind(start_server, tmp_path, where, way):
    server = start_server(policy_config(tmp_path, LOGIN_HANDLER))
    user = f"{where}_{way}"
    answer = login(server.login, user, "fine", "sample")
    assert answer.code == 503, "the client is told no"
    wait_until(lambda: status(server)["players"] == 0, 10 * PATIENCE, "the player is taken back")
    assert login(server.login, user, "fine", "sample").code == 200
    assert metric(server, 'gatehouse_hook_timeouts{hook="login_handler"}') == 1


def test_a_login_handler_that_fails_after_the_place_leaves_nobody_behind(start_server, tmp_path):
    server = start_server(policy_config(tmp_path, LOGIN_HANDLER))
    assert login(server.login, "after_nothing", "fine", "sample").code == 403
    wait_until(lambda: status(server)["players"] == 0, 10 * PATIENCE, "the player is taken back")


GAME = """
local skynet = require "skynet"
local cs = require "skynet.queue"()
local M = {}
local loads = {}

function M.load(self, data)
	self.data = data or {}
	loads[self.uid] = (loads[self.uid] or 0) + 1
	if self.uid:find "^stuckload" and loads[self.uid] == 1 then skynet.wait() end
end
function M.save(self) return self.data end
function M.resume(self) if self.uid:find "^stuckresume" then skynet.wait() end end
function M.afk(self) if self.uid:find "^stuckafk" then skynet.wait() end end
function M.request(self, msg)
	if msg == "wait" then
		skynet.wait()
	elseif msg == "caught" then
		while true do pcall(skynet.wait) end
	elseif msg == "call" then
		return (self:call(self.uid, "x"))
	elseif msg == "lock" then
		cs(skynet.wait)
	elseif msg == "enter" then
		return cs(function() return "in" end)
	elseif msg == "long" then
		skynet.sleep(20)
		return "long"
	end
	return msg
end
function M.receive() skynet.wait() end
return M
"""


def game_config(tmp_path, **agent):
    path = tmp_path / "game.lua"
    path.write_text(GAME)
    return {
        "workers": 1,  # one VM for all, which counts
        "admin": {"listen": "127.0.0.1:0"},
        "agent": {"module": str(path), **agent},
    }


def test_a_stuck_load_is_answered_and_forgotten(start_server, tmp_path):
    server = start_server(game_config(tmp_path, load_timeout_ms=500))
    user = fresh_name("stuckload")
    assert login(server.login, user, "secret", "sample").code == 503
    wait_until(lambda: status(server)["players"] == 0, 10 * PATIENCE, "the agent is gone")
    assert Player(server, user).connect().request("hello") == b"hello"
    assert metric(server, 'gatehouse_hook_timeouts{hook="load"}') == 1


@pytest.mark.parametrize("message", ["wait", "caught", "call"])
def test_requests_behind_a_stuck_one_are_served(start_server, tmp_path, message):
    server = start_server(game_config(tmp_path, request_timeout_ms=600))
    gate = Player(server).connect()
    stuck = gate.send_request(message)
    behind = [gate.send_request(f"behind {n}") for n in range(3)]
    assert gate.response(stuck, 25 * PATIENCE)[0] == 0
    for n, session in enumerate(behind):
        assert gate.response(session) == (1, b"behind %d" % n)
    with pytest.raises(RequestFailed):
        gate.request(message, timeout=25 * PATIENCE)
    assert gate.request("after") == b"after"
    assert metric(server, 'gatehouse_hook_timeouts{hook="request"}') == 2


def test_a_lock_of_a_stuck_request_is_let_go(start_server, tmp_path):
    server = start_server(game_config(tmp_path, request_timeout_ms=600))
    holder, waiter, later = (Player(server).connect() for _ in range(3))
    stuck = [holder.send_request("lock"), holder.send_request("enter")]
    # One waits in line with the same deadline: whether it gets in or is ended, the line moves.
    queued = waiter.send_request("enter")
    assert holder.response(stuck[0], 25 * PATIENCE)[0] == 0
    assert holder.response(stuck[1], 25 * PATIENCE) == (1, b"in")
    waiter.response(queued, 25 * PATIENCE)
    assert later.request("enter", timeout=25 * PATIENCE) == b"in"


def test_a_request_within_its_time_is_not_touched(start_server, tmp_path):
    server = start_server(game_config(tmp_path, request_timeout_ms=30_000))
    gate = Player(server).connect()
    assert [gate.request("long") for _ in range(2)] == [b"long"] * 2
    assert metric(server, 'gatehouse_hook_timeouts{hook="request"}') == 0


@pytest.mark.parametrize("hook", ["resume", "afk"])
def test_hooks_of_a_connection_do_not_pile_up(start_server, tmp_path, hook):
    server = start_server(game_config(tmp_path, hook_timeout_ms=300))
    player = Player(server, fresh_name(f"stuck{hook}"))
    player.connect()
    for _ in range(4):
        player.reconnect()
    assert player.gate.request("hello") == b"hello"
    player.gate.close()
    least = 4 if hook == "resume" else 1  # no afk when the next connection is faster
    wait_until(
        lambda: metric(server, f'gatehouse_hook_timeouts{{hook="{hook}"}}') >= least,
        20 * PATIENCE,
        "the hooks are ended",
    )


def test_a_newer_login_does_not_wait_for_ever_for_the_older_player(start_server, tmp_path):
    path = tmp_path / "game.lua"
    path.write_text("""
local skynet = require "skynet"
return {
	request = function(self, msg) return msg end,
	logout = function() skynet.wait() end,
}
""")
    server = start_server({"agent": {"module": str(path), "logout_timeout_ms": 700}})
    player = Player(server)
    player.connect()
    codes = []
    rivals = [
        threading.Thread(
            target=lambda: codes.append(login(server.login, player.user, "secret", "sample").code)
        )
        for _ in range(3)
    ]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(40 * PATIENCE)
    assert len(codes) == 3, "every login is answered"
    assert set(codes) <= {200, 406, 503}
    wait_until(
        lambda: login(server.login, player.user, "secret", "sample").code == 200,
        20 * PATIENCE,
        "the player is in again",
    )


LOGIN_SERVER = """
local crypt = require "skynet.crypt"
local loginserver = require "snax.loginserver"
local skynet = require "skynet"
local bad = setmetatable({}, { __tostring = function() error "no text" end })

loginserver {
	host = "127.0.0.1",
	port = 0,
	instance = 2,
	maxclient = 10,
	handler_timeout = 80,
	auth_handler = function(token)
		local user = crypt.base64decode(token:match "[^@]+")
		if user:find "^stuckauth" then skynet.wait() end
		if user:find "^odd" then error(bad) end
		return "sample", user
	end,
	login_handler = function(_, uid)
		if uid:find "^stucklogin" then skynet.wait() end
		return "1"
	end,
	command_handler = function() end,
}
"""


def test_a_login_server_of_skynet_gives_its_places_back(tmp_path):
    (tmp_path / "stuck_login.lua").write_text(LOGIN_SERVER)
    with SkynetProcess(tmp_path, "stuck_login", {"luaservice": f"{tmp_path}/?.lua"}) as process:
        _, match = process.wait_line(r".*login server listen at : 127\.0\.0\.1 (\d+)")
        address = f"127.0.0.1:{match[1]}"

        def code(user):
            return login(address, user, "x", "sample", "skynet", timeout=20 * PATIENCE).code

        for where in ("stuckauth", "stucklogin"):
            codes = []
            clients = [
                threading.Thread(target=lambda name: codes.append(code(name)), args=(name,))
                for name in (f"{where}{n}" for n in range(10))
            ]
            for client in clients:
                client.start()
            for client in clients:
                client.join(40 * PATIENCE)
            assert codes == [503] * 10
            wait_until(lambda: code("fine") == 200, 20 * PATIENCE, "places")
        # An error object that has no text: 401, and the slave that met it lives.
        assert [code("odd") for _ in range(4)] == [401] * 4
        assert code("fine") == 200
        assert "LAUNCH snlua stuck_login" in process.output()
        assert process.output().count("KILL self") <= 3
