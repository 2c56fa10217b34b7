"""An end that can be caught is no end: a handler over its time was interrupted once, by an error
that pcall, coroutines, `__close` and `__gc` swallow, and then had its worker for good."""

import re

import pytest
from gatehouse_client import RequestFailed
from players import Player
from server import PATIENCE, Server

MODULE = """
local skynet = require "skynet"

local function spin() while true do end end
local function stubborn() while true do pcall(spin) end end
local function closing(f) return setmetatable({}, { __close = f }) end
local form = {}

function form.plain() spin() end
function form.pcall() stubborn() end
function form.xpcall() while true do xpcall(spin, spin) end end
function form.handler() xpcall(error, spin) end
function form.stubborn_handler() xpcall(error, stubborn) end
function form.depth()
	local function deeper(n) if n > 0 then pcall(deeper, n - 1) end stubborn() end
	deeper(100)
end
function form.wrap() while true do pcall(coroutine.wrap(stubborn)) end end
function form.resume() while true do coroutine.resume(coroutine.create(spin)) end end
function form.chain()
	local function link(n)
		while true do
			pcall(coroutine.wrap(function() if n > 0 then link(n - 1) end stubborn() end))
		end
	end
	link(20)
end
function form.resumed_before_and_after()
	local co = coroutine.create(function() while true do pcall(spin) coroutine.yield() end end)
	while true do pcall(spin) coroutine.resume(co) end
end
function form.yields()
	for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end
end
function form.skynet_coroutine()
	local c = require "skynet.coroutine"
	while true do c.resume(c.create(stubborn)) end
end
function form.close() local a <close> = closing(spin) spin() end
function form.stubborn_close()
	local a <close> = closing(stubborn)
	local b <close> = closing(stubborn)
	spin()
end
function form.close_after_return() local a <close> = closing(stubborn) end
function form.close_in_coroutine()
	coroutine.wrap(function() local a <close> = closing(stubborn) spin() end)()
end
function form.coroutine_close()
	local co = coroutine.create(function() local a <close> = closing(stubborn) coroutine.yield() end)
	coroutine.resume(co)
	coroutine.close(co)
end
function form.close_after_error()
	local co = coroutine.wrap(function() local a <close> = closing(stubborn) error "x" end)
	pcall(co)
end
function form.gc() setmetatable({}, { __gc = spin }) collectgarbage() end
function form.stubborn_gc()
	for _ = 1, 50 do setmetatable({}, { __gc = stubborn }) end
	collectgarbage()
end
function form.gc_set_later()
	local meta = { __gc = true }
	setmetatable({}, meta)
	meta.__gc = stubborn
	collectgarbage()
end
function form.gc_while_working()
	setmetatable({}, { __gc = stubborn })
	local t
	for i = 1, 1e9 do t = { t and #t } end
end
function form.sort() table.sort({ 3, 2, 1 }, stubborn) end
function form.sort_caught() while true do pcall(table.sort, { 3, 2, 1 }, stubborn) end end
function form.gsub() ("x"):gsub("x", stubborn) end
function form.tostring() tostring(setmetatable({}, { __tostring = stubborn })) end
function form.index() local _ = setmetatable({}, { __index = stubborn }).x end
function form.concat()
	table.concat(setmetatable({}, { __index = stubborn, __len = function() return 2 end }))
end
function form.load() load(stubborn) end
function form.load_pieces() load(function() return " " end) end
function form.pairs() for _ in pairs(setmetatable({}, { __pairs = stubborn })) do end end
function form.hook() debug.sethook(stubborn, "", 1) spin() end
function form.hook_taken_away() while true do debug.sethook() pcall(spin) end end
function form.require()
	package.preload.endless = stubborn
	require "endless"
end

local M = {}
local closed = false
function M.request(self, msg)
	local word, rest = msg:match "^(%S+) ?(.*)$"
	if word == "loop" then
		form[rest]()
		return "came back"
	elseif word == "fork" then
		skynet.fork(form[rest])
	elseif word == "timer" then
		skynet.timeout(0, form[rest])
	elseif word == "chain" then
		local function again() skynet.fork(again) end
		again()
	elseif word == "mark" then
		local a <close> = closing(function() closed = closed == "inner" and "both" end)
		coroutine.wrap(function()
			local b <close> = closing(function() closed = "inner" end)
			spin()
		end)()
	elseif word == "closed" then
		return tostring(closed)
	elseif word == "work" then
		local until_ = skynet.hpc() + 20000000
		while skynet.hpc() < until_ do pcall(tostring, 1) end
	end
	return "ok"
end
function M.afk() stubborn() end
function M.logout() stubborn() end
return M
"""

FORMS = re.findall(r"^function form\.(\w+)", MODULE, re.MULTILINE)
LIMITS = {"endless_loop_report_ms": 50, "endless_loop_break_ms": 300, "endless_loop_close_ms": 200}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("breaker")
    (folder / "stubborn.lua").write_text(MODULE)
    changes = {
        "workers": 1,
        "limits": LIMITS,
        "agent": {"module": str(folder / "stubborn.lua"), "logout_timeout_ms": 2000},
    }
    instance = Server(folder, changes).start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def players(server):
    """Two in one VM: what one does must not reach the other."""
    pair = [Player(server), Player(server)]
    for player in pair:
        player.connect()
    yield pair


def lives_on(players):
    """Both are served, and code that works for a while is left alone."""
    for player in players:
        assert player.gate.request("work", timeout=20 * PATIENCE) == b"ok"
        assert player.gate.request("echo", timeout=20 * PATIENCE) == b"ok"


@pytest.mark.parametrize("form", FORMS)
def test_a_handler_over_its_time_gets_no_further(players, form):
    with pytest.raises(RequestFailed):
        players[0].gate.request(f"loop {form}", timeout=20 * PATIENCE)
    lives_on(players)


@pytest.mark.parametrize("how", ["fork", "timer"])
@pytest.mark.parametrize("form", ["pcall", "wrap", "stubborn_close", "stubborn_gc"])
def test_what_it_leaves_running_gets_no_further(players, how, form):
    assert players[0].gate.request(f"{how} {form}", timeout=20 * PATIENCE) == b"ok"
    lives_on(players)


def test_variables_of_a_broken_handler_are_closed(players):
    with pytest.raises(RequestFailed):
        players[0].gate.request("mark", timeout=20 * PATIENCE)
    assert players[0].gate.request("closed") == b"both", "the coroutine's first, then the task's"


def test_tasks_that_make_tasks_for_ever_leave_room_for_others(server):
    player, other = Player(server), Player(server)
    assert player.connect().request("chain", timeout=20 * PATIENCE) == b"ok"
    assert other.connect().request("echo", timeout=20 * PATIENCE) == b"ok"
    assert player.gate.request("echo", timeout=20 * PATIENCE) == b"ok"


def test_hooks_that_loop_do_not_keep_the_player(server):
    player = Player(server)
    player.connect().close()
    # A newer login is placed once the older agent has left, whose hooks loop.
    assert Player(server, player.user).connect().request("echo") == b"ok"
