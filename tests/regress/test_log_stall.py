"""The kind of fault: a thread that serves players waits for somebody who reads what the process
writes (a log's reader, a terminal, a disk), and who may never come back."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import urllib.request

import pytest
from conftest import sqlite_store
from gatehouse_client import Gate
from players import Player
from server import BINARY, PATIENCE, ROOT, Server
from stalled import Stalled
from waiting import wait_until

CHATTY = """
local skynet = require "skynet"
local M = {}
local commands = {
	log = function(_, n) skynet.error("number " .. n) end,
	print = function(_, n) print("number " .. n) end,
	write = function(_, n) io.write("number ", n, "\\n") end,
	stdout = function(_, n) io.stdout:write("number ", n, "\\n") io.stdout:flush() end,
	stderr = function(_, n) io.stderr:write("number ", n, "\\n") end,
}
function M.load(self, data) self.note = data or "" end
function M.request(self, msg)
	local name, first, last = msg:match "^(%a+) (%d+) (%d+)$"
	if name == nil then
		self.note = msg
		return "noted"
	end
	for n = math.tointeger(first), math.tointeger(last) do
		commands[name](self, n)
	end
	return "said"
end
function M.save(self) return self.note end
return M
"""
LOST = re.compile(r"(\d+) log lines were lost")


class StalledServer(Server):
    """Standard output and error go to a reader who stands still."""

    def __init__(self, folder, reader, changes=None):
        super().__init__(folder, changes)
        self.reader = reader

    def start(self):
        self.config_path.write_text(json.dumps(self.config))
        self.process = subprocess.Popen(
            [BINARY, "--config", self.config_path, "--ready-file", self.ready_path],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.reader.writer,
            stderr=subprocess.STDOUT,
        )
        self.reader.started()
        wait_until(self._is_ready, 20 * PATIENCE, "ready file")
        self.ready = json.loads(self.ready_path.read_text())
        return self

    def losses(self):
        url = f"http://{self.ready['admin']}/metrics"
        with urllib.request.urlopen(url, timeout=10 * PATIENCE) as answer:
            text = answer.read().decode()
        return {
            name: int(float(re.search(rf"^gatehouse_{name} (\S+)$", text, re.M)[1]))
            for name in ("log_lines_lost_total", "log_write_errors_total")
        }


def changes(tmp_path, **log):
    module = tmp_path / "chatty.lua"
    module.write_text(CHATTY)
    return {
        "agent": {"module": str(module)},
        "admin": {"listen": "127.0.0.1:0"},
        "log": log,
        "shutdown": {"timeout_ms": 5000},
    }


@contextlib.contextmanager
def stalled_server(tmp_path, kind="pipe", **log):
    reader = Stalled(kind)
    server = StalledServer(tmp_path / "server", reader, changes(tmp_path, **log))
    try:
        yield server.start(), reader
    finally:
        server.kill()
        reader.close()


def numbers(lines):
    return [int(found[1]) for line in lines if (found := re.search(r"number (\d+)$", line))]


@pytest.mark.parametrize("kind", ["pipe", "terminal", "socket"])
def test_a_reader_who_stops_stops_nobody(tmp_path, kind):
    """Logins, requests, SIGHUP and SIGTERM work; then the reader gets lines in order, and how many
    are missing."""
    bounds = {"queue_bytes_max": 32768, "queue_lines_max": 300}
    with stalled_server(tmp_path, kind, **bounds) as (server, reader):
        gate = Player(server, "first").connect()
        for first in range(1, 1001, 100):
            assert gate.request(f"log {first} {first + 99}") == b"said"
        assert server.losses()["log_lines_lost_total"] > 0
        server.signal(signal.SIGHUP)
        second = Player(server, "second").connect()
        assert second.request("print 2000 2999") == b"said"
        reader.resume()
        wait_until(lambda: any(map(LOST.search, reader.lines())), 20 * PATIENCE, "the line of loss")
        assert second.request("log 5000 5000") == b"said"
        wait_until(lambda: 5000 in numbers(reader.lines()), 20 * PATIENCE, "lines after it")
        seen = numbers(reader.lines())
        assert seen == sorted(seen), "the order is kept"
        told = [int(found[1]) for line in reader.lines() if (found := LOST.search(line))]
        lost = server.losses()["log_lines_lost_total"]
        assert sum(told) == lost, "each line that is missing was told"
        assert seen.index(5000) == len(seen) - 1
        place = [bool(LOST.search(line)) for line in reader.lines()].index(True)
        assert seen[: len(numbers(reader.lines()[:place]))] == list(
            range(1, len(numbers(reader.lines()[:place])) + 1)
        ), "what is missing was behind what is there"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        server.process = None
    assert any("gatehouse has stopped" in line for line in reader.lines()), "the last line leaves"


@pytest.mark.parametrize("kind", ["pipe", "terminal", "socket"])
def test_sigterm_ends_and_saves_while_nobody_reads(tmp_path, kind):
    with stalled_server(tmp_path, kind, leave_timeout_ms=200) as (server, _):
        gate = Player(server, "saver").connect()
        assert gate.request("log 1 5000") == b"said"
        assert gate.request("kept") == b"noted"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        server.process = None
    rows = sqlite_store(server.config["store"]["sqlite"]["path"]).query(
        "SELECT HEX(data) FROM player_data"
    )
    assert any(b"kept".hex().upper() in row[0] for row in rows)


@pytest.mark.parametrize("how", ["print", "write", "stdout", "stderr"])
def test_what_scripts_print_waits_for_nobody(tmp_path, how):
    with stalled_server(tmp_path) as (server, reader):
        gate = Player(server).connect()
        assert gate.request(f"{how} 1 3000") == b"said"
        assert gate.request("log 3001 3001") == b"said"
        reader.resume()
        wait_until(lambda: 3001 in numbers(reader.lines()), 20 * PATIENCE, "all lines")
        assert numbers(reader.lines()) == list(range(1, 3002)), "in order, and each in its form"
        assert "number 7" in reader.lines()


@pytest.mark.parametrize("arguments", [["--config", "absent.json"], ["skynet", "absent"]])
def test_an_error_at_the_start_ends_while_nobody_reads(arguments):
    reader = Stalled()
    process = subprocess.Popen(
        [BINARY, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=reader.writer, stderr=subprocess.STDOUT,
    )
    reader.started()
    try:
        assert process.wait(20 * PATIENCE) == 2
    finally:
        process.kill()
        process.wait()
        reader.close()


def test_a_crash_ends_while_nobody_reads(tmp_path):
    with stalled_server(tmp_path) as (server, _):
        server.signal(signal.SIGABRT)
        assert server.wait() == -signal.SIGABRT
        server.process = None


def test_the_last_lines_leave_at_a_crash(tmp_path):
    with stalled_server(tmp_path, leave_timeout_ms=20000) as (server, reader):
        gate = Player(server).connect()
        assert gate.request("log 1 500") == b"said"
        server.signal(signal.SIGABRT)
        reader.resume()
        assert server.wait() == -signal.SIGABRT
        server.process = None
    assert numbers(reader.lines()) == list(range(1, 501))


def test_fifo_without_a_reader(start_server, tmp_path):
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    server = start_server(changes(tmp_path, file=str(fifo)))
    gate = Player(server).connect()
    assert gate.request("log 1 5000") == b"said"
    text = b""
    descriptor = os.open(fifo, os.O_RDONLY)
    try:
        while b"number 5000\n" not in text:
            text += os.read(descriptor, 65536)
    finally:
        os.close(descriptor)
    assert numbers(text.decode().split("\n")) == list(range(1, 5001))


def test_sighup_opens_a_new_file_while_the_old_one_takes_nothing(start_server, tmp_path):
    log = tmp_path / "log"
    os.mkfifo(log)
    server = start_server(changes(tmp_path, file=str(log)))
    gate = Player(server).connect()
    assert gate.request("log 1 5000") == b"said"
    log.rename(tmp_path / "log.1")
    server.signal(signal.SIGHUP)
    assert gate.request("log 5001 5001") == b"said"
    wait_until(lambda: log.exists() and "number 5001\n" in log.read_text(), 20 * PATIENCE, "lines")
    seen = numbers(log.read_text().split("\n"))
    assert seen == list(range(seen[0], 5002)), "the new file goes on where the old one stopped"


def test_full_disk(start_server, tmp_path):
    server = start_server(changes(tmp_path, file="/dev/full"))
    gate = Player(server).connect()
    assert gate.request("log 1 100") == b"said"
    losses = StalledServer.losses
    wait_until(lambda: losses(server)["log_write_errors_total"] > 0, 20 * PATIENCE, "errors")
    wait_until(lambda: losses(server)["log_lines_lost_total"] >= 100, 20 * PATIENCE, "losses")
    assert Player(server).connect().request("x") == b"noted"


LIMIT = 4 << 20


class LimitedServer(Server):
    """Its files cannot grow beyond LIMIT bytes."""

    def start(self):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
        try:
            return super().start()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_log_at_the_file_size_limit(tmp_path):
    """The writes fail, the server goes on, and says so once a new file is there."""
    log = tmp_path / "log"
    log.touch()
    os.truncate(log, LIMIT)
    with LimitedServer(tmp_path / "server", changes(tmp_path, file=str(log))) as server:
        gate = Player(server).connect()
        assert gate.request("log 1 100") == b"said"
        losses = StalledServer.losses
        wait_until(lambda: losses(server)["log_lines_lost_total"] > 100, 20 * PATIENCE, "losses")
        log.rename(tmp_path / "log.1")
        server.signal(signal.SIGHUP)
        wait_until(log.exists, 20 * PATIENCE, "a new file")
        assert gate.request("log 101 101") == b"said"
        wait_until(lambda: "number 101\n" in log.read_text(), 20 * PATIENCE, "lines")
        assert re.search(r"\d+ log lines were lost: File too large", log.read_text())


def test_store_at_the_file_size_limit(tmp_path):
    """A save that finds no room is an error of the store, not the end of the process."""
    settings = changes(tmp_path)
    settings["agent"]["save_interval_ms"] = 100
    big = tmp_path / "big.lua"
    big.write_text(
        "local M = { load = function(self) self.n = 0 end }\n"
        "function M.request(self, msg) self.n = self.n + 1 return tostring(self.n) end\n"
        f"function M.save(self) return self.n .. ('x'):rep({LIMIT + LIMIT // 2}) end\n"
        "return M\n"
    )
    settings["agent"]["module"] = str(big)
    server = LimitedServer(tmp_path / "server", settings).start()
    try:
        gate = Player(server).connect()
        assert gate.request("x") == b"1"
        server.wait_log("is not saved", timeout=20)
        assert gate.request("x") == b"2"
        assert server.process.poll() is None
    finally:
        server.kill()


MESSAGES = """
local skynet = require "skynet"
require "skynet.manager"
local message_log = require "skynet.message_log"
local role = ...
if role == "echo" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, text) skynet.retpack(#text) end)
	end)
else
	skynet.start(function()
		local echo = skynet.newservice("main", "echo")
		print("FILE", message_log.start(echo))
		for _ = 1, 2000 do
			assert(skynet.call(echo, "lua", ("x"):rep(100)) == 100)
		end
		print "DONE"
		skynet.abort()
	end)
end
"""


def test_message_log_that_nobody_reads(tmp_path):
    (tmp_path / "main.lua").write_text(MESSAGES)
    for address in range(1, 32):
        os.mkfifo(tmp_path / f"{address:08x}.log")
    config = tmp_path / "config"
    config.write_text(
        f'thread = 2\nstart = "main"\nlogpath = "{tmp_path}"\nluaservice = "{tmp_path}/?.lua"\n'
    )
    done = subprocess.run(
        [BINARY, "skynet", config], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=30 * PATIENCE, check=False,
    )
    output = done.stdout.decode()
    assert done.returncode == 0 and "DONE" in output and ".log" in output, output


def test_a_terminal_that_another_job_has_does_not_stop_the_server(start_server):
    """SIGTTOU and SIGTTIN would stop it."""
    server = start_server()
    for number in (signal.SIGTTOU, signal.SIGTTIN):
        server.signal(number)
    player = Player(server)
    with Gate(server.gate()) as gate:
        assert gate.handshake(player.login) == "200 OK"
