"""One worker's trouble was everybody's: connections that the kernel had given to a worker that a
script kept busy waited for ever, players were placed on it, and nobody was told."""

import http.client
import json
import os

import pytest
from gatehouse_client import Gate, Stream, login
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

# Opening a FIFO for reading waits until somebody writes, in the kernel, where no interrupt is sent
# with endless_loop_break_ms = 0.
MODULE = """
return { request = function(self, msg)
	if msg == "block" then
		io.open("FIFO.begins", "w"):close()
		io.open("FIFO"):close()
	end
	return msg
end }
"""


def ask(server, path):
    host, port = server.ready["admin"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def sign_in(server, user):
    """The answer's code."""
    return login(server.login, user, "secret", "sample", timeout=20 * PATIENCE).code


class Blocked:
    """A server with two workers; block() has a player keep one of them until release()."""

    def __init__(self, start_server, folder):
        self.fifo = folder / "fifo"
        os.mkfifo(self.fifo)
        self.begins = folder / "fifo.begins"
        module = folder / "blocking.lua"
        module.write_text(MODULE.replace("FIFO", str(self.fifo)))
        self.server = start_server(
            {
                "admin": {"listen": "127.0.0.1:0"},
                "agent": {"module": str(module)},
                "limits": {"endless_loop_break_ms": 0, "worker_stuck_ms": 200},
            }
        )
        self.player = Player(self.server)
        self.player.connect()
        self.session = None

    def block(self):
        """Returns when the worker does nothing else any more: what it accepted in the same turn
        would be silent, as all that is open on it."""
        self.session = self.player.gate.send_request("block")
        wait_until(self.begins.exists, 10 * PATIENCE, "the block")

    def wait_stuck(self):
        wait_until(lambda: ask(self.server, "/readyz")[0] == 503, 10 * PATIENCE, "503")

    def release(self):
        if self.session is None:
            return
        with open(self.fifo, "w"):
            pass
        assert self.player.gate.response(self.session, 20 * PATIENCE) == (1, b"block")
        self.session = None
        wait_until(lambda: ask(self.server, "/readyz")[0] == 200, 10 * PATIENCE, "200")


@pytest.fixture
def blocked(start_server, tmp_path):
    instance = Blocked(start_server, tmp_path)
    yield instance
    instance.release()


def test_those_who_wait_at_its_door_are_let_in_elsewhere(blocked):
    blocked.block()
    # Half of them wait in the stuck worker's queue, before and after it is found to be stuck.
    streams = [Stream(blocked.server.login, timeout=20 * PATIENCE) for _ in range(20)]
    blocked.wait_stuck()
    streams += [Stream(blocked.server.login, timeout=20 * PATIENCE) for _ in range(20)]
    for stream in streams:
        assert stream.read_line(), "the challenge"
        stream.close()


def test_players_are_placed_on_the_others(blocked):
    blocked.block()
    blocked.wait_stuck()
    for _ in range(12):
        assert Player(blocked.server).connect().request("echo", timeout=20 * PATIENCE) == b"echo"


def test_logins_on_their_way_to_it_arrive(blocked):
    # Their agents may have been meant for the worker that blocks meanwhile.
    blocked.block()
    names = [fresh_name() for _ in range(8)]
    for name in names:
        assert sign_in(blocked.server, name) == 200


def test_readyz_metric_and_status_name_it(blocked):
    assert ask(blocked.server, "/readyz")[0] == 200
    blocked.block()
    blocked.wait_stuck()
    stuck = json.loads(ask(blocked.server, "/readyz")[1])["stuck"]
    assert [set(entry) for entry in stuck] == [{"worker", "service", "for_ms"}]
    assert f"worker {stuck[0]['worker']} is stuck in {stuck[0]['service']}" in blocked.server.log()
    assert json.loads(ask(blocked.server, "/status")[1])["stuck"][0]["worker"] == stuck[0]["worker"]
    assert "\ngatehouse_workers_stuck 1\n" in ask(blocked.server, "/metrics")[1]
    blocked.release()
    assert "\ngatehouse_workers_stuck 0\n" in ask(blocked.server, "/metrics")[1]


def test_its_players_are_told(blocked):
    blocked.block()
    blocked.wait_stuck()
    assert sign_in(blocked.server, blocked.player.user) == 503
    gate = Gate(blocked.server.gate(), timeout=20 * PATIENCE)
    answer = gate.handshake(blocked.player.login, 2)
    assert answer == "503 Service Unavailable"
    blocked.release()
    assert blocked.player.connect().request("echo") == b"echo"
    assert sign_in(blocked.server, blocked.player.user) == 200


def test_a_login_that_waits_for_an_agent_there_is_told(blocked):
    blocked.block()
    assert sign_in(blocked.server, blocked.player.user) == 503
