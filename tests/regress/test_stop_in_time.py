"""The end waited for those who never end: a script that kept a worker kept the whole process, and
the other players' last changes with it, long after shutdown.timeout_ms."""

import os
import signal
import time

import pytest
from players import Player
from server import PATIENCE

MODULE = """
local M = {}
function M.load(self, data) self.count = data and data.count or 0 end
function M.save(self) return { count = self.count } end
function M.request(self, msg)
	if msg == "shell" then
		os.execute("exec cat FIFO")
	elseif msg == "fifo" then
		while true do pcall(io.open, "FIFO") end
	elseif msg == "loop" then
		while true do pcall(function() while true do end end) end
	elseif msg == "gc" then
		Keep = setmetatable({}, { __gc = function()
			while true do pcall(function() while true do end end) end
		end })
	elseif msg == "count" then
		self.count = self.count + 1
	end
	return tostring(self.count)
end
return M
"""
TIMEOUT_MS = 3000 * PATIENCE


@pytest.fixture
def stopping(start_server, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    module = tmp_path / "module.lua"
    module.write_text(MODULE.replace("FIFO", str(fifo)))
    instance = start_server(
        {
            "agent": {"module": str(module)},
            "shutdown": {"timeout_ms": TIMEOUT_MS},
            "limits": {"worker_stuck_ms": 200},
        }
    )
    yield instance
    # A shell that still waits for its end of the FIFO goes on.
    os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))


def busy(stopping, what):
    """A player whose request keeps the worker."""
    player = Player(stopping)
    player.connect().request("count")
    player.gate.send_request(what)
    stopping.wait_log(r"worker \d is stuck")
    return player


def end(stopping):
    """SIGTERM; the exit code, within the time that is configured."""
    began = time.monotonic()
    stopping.signal(signal.SIGTERM)
    code = stopping.wait(TIMEOUT_MS / 1000 / PATIENCE + 5)
    assert time.monotonic() - began < TIMEOUT_MS / 1000 + 1 * PATIENCE
    stopping.process = None
    return code


@pytest.mark.parametrize("how", ["loop", "fifo"])
def test_a_script_that_does_not_end_is_broken_and_everybody_saved(stopping, how):
    neighbours = [Player(stopping) for _ in range(4)]
    for neighbour in neighbours:
        neighbour.connect().request("count")
    player = busy(stopping, how)
    assert end(stopping) == 0
    stopping.start()
    for who in [player, *neighbours]:
        assert Player(stopping, who.user).connect().request("count") == b"2", who.user


def test_a_worker_lost_in_c_is_left_behind_and_the_others_saved(stopping):
    player = busy(stopping, "shell")
    others = [Player(stopping) for _ in range(4)]  # placed on the other worker
    for other in others:
        other.connect().request("count")
    assert end(stopping) == 1
    log = stopping.log()
    assert player.user in log[log.index("not saved") :], log[-3000:]
    for other in others:
        assert other.user not in log[log.index("not saved") :], log[-3000:]
    stopping.start()
    for other in others:
        assert Player(stopping, other.user).connect().request("count") == b"2"


def test_the_second_sigterm_ends_it_at_once(stopping):
    busy(stopping, "shell")
    stopping.signal(signal.SIGTERM)
    stopping.wait_log("draining")
    stopping.signal(signal.SIGTERM)
    assert stopping.wait(TIMEOUT_MS / 1000 / PATIENCE) == 1
    stopping.process = None
    stopping.wait_log("second signal")


def test_finalizers_that_loop_end_with_the_vm(stopping):
    player = Player(stopping)
    player.connect().request("gc")
    assert end(stopping) == 0
    assert "gatehouse has stopped" in stopping.log()
