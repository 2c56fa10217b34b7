"""The kind of fault: the process ends by a way that skips its own order (players unsaved, lines
unsaid), or does not end although what it was started for cannot be."""

import json
import os
import re
import signal
import subprocess

import pytest
import server as support
from conftest import sqlite_store
from players import Player
from server import BINARY, PATIENCE, ROOT, Server
from waiting import wait_until

# Each ends the process; what comes after it, in this task, would be seen in MARK.
ENDER = """
local skynet = require "skynet"
require "skynet.manager"
local function went_on(how)
	local mark = io.open("MARK", "a")
	mark:write(how, "\\n")
	mark:close()
end
local ways = {
	plain = function() os.exit() end,
	seven = function() os.exit(7) end,
	failure = function() os.exit(false) end,
	closing = function() os.exit(true, true) end,
	caught = function() pcall(os.exit, 3) went_on "pcall" end,
	xcaught = function() xpcall(os.exit, function() return 1 end, 3) went_on "xpcall" end,
	coroutine = function()
		coroutine.wrap(function() os.exit(4) end)()
		went_on "coroutine"
	end,
	resumed = function()
		local co = coroutine.create(function() os.exit(4) end)
		for _ = 1, 3 do coroutine.resume(co) end
		went_on "resume"
	end,
	sorted = function()
		pcall(table.sort, { 3, 2, 1 }, function() os.exit(5) return false end)
		went_on "sort"
	end,
	stubborn = function()
		while true do
			pcall(function() os.exit(6) end)
			went_on "loop"
		end
	end,
	abort = function() skynet.abort() end,
}
local M = {}
function M.load(self, data) self.note = data or "" end
function M.request(self, msg)
	if ways[msg] then
		self.note = "ended by " .. msg
		ways[msg]()
		if msg ~= "abort" then went_on(msg) end
		return "done"
	end
	self.note = msg
	return "noted"
end
function M.save(self) return self.note end
return M
"""
CODES = {
    "plain": 0, "seven": 7, "failure": 1, "closing": 0, "caught": 3, "xcaught": 3,
    "coroutine": 4, "resumed": 4, "sorted": 5, "stubborn": 6, "abort": 0,
}


@pytest.mark.parametrize("way", CODES)
def test_a_script_that_ends_the_process(tmp_path, way):
    """Everybody is saved, also who did it; the log says who; the code is what was asked for."""
    mark, module = tmp_path / "mark", tmp_path / "ender.lua"
    module.write_text(ENDER.replace("MARK", str(mark)))
    server = Server(tmp_path / "server", {"agent": {"module": str(module)}}).start()
    try:
        other, ender = Player(server, "bystander"), Player(server, "ender")
        assert other.connect().request("of the bystander") == b"noted"
        ender.connect().send_request(way)
        assert server.wait() == CODES[way], server.log()[-3000:]
        server.process = None
    finally:
        server.kill()
    name = "skynet.abort" if way == "abort" else "os.exit"
    assert re.search(rf"\[:[0-9a-f]{{8}}\] {name} in msgagent ender@sample ends", server.log())
    assert "gatehouse has stopped" in server.log()
    assert not mark.exists(), mark.read_text()
    rows = sqlite_store(server.config["store"]["sqlite"]["path"]).query(
        "SELECT HEX(data) FROM player_data"
    )
    for note in (b"of the bystander", b"ended by " + way.encode()):
        assert any(note.hex().upper() in row[0] for row in rows), (note, rows)


def skynet(folder, services, **values):
    """Runs a skynet configuration with these services: (exit code, output)."""
    folder.mkdir(exist_ok=True)
    for name, text in services.items():
        (folder / f"{name}.lua").write_text(text)
    values = {"start": "main", "luaservice": f"{folder}/?.lua", **values}
    config = folder / "config"
    lines = ["thread = 2"] + [f'{key} = "{value}"' for key, value in values.items()]
    config.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [BINARY, "skynet", config], cwd=ROOT, input=b"",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30 * PATIENCE, check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


GOOD = 'local skynet = require "skynet"\nskynet.start(function() skynet.error "UP" end)\n'
BAD = {
    "start missing": ({}, {}, "main"),
    "start does not compile": ({"main": "return ("}, {}, "main.lua"),
    "start raises": ({"main": 'error "OUCH"'}, {}, "OUCH"),
    "start function raises": (
        {"main": 'local s = require "skynet"\ns.start(function() error "OUCH" end)'}, {}, "OUCH"),
    "start function raises later": (
        {"main": 'local s = require "skynet"\ns.start(function() s.sleep(1) error "OUCH" end)'},
        {}, "OUCH"),
    "start init raises": (
        {"main": 'local s = require "skynet"\ns.init(function() error "OUCH" end)\n'
                 "s.start(function() end)"}, {}, "OUCH"),
    "preload missing": ({"main": GOOD}, {"preload": "./absent.lua"}, "absent.lua"),
    "logger missing": ({"main": GOOD}, {"logservice": "snlua", "logger": "absent"}, "absent"),
    "logger raises": (
        {"main": GOOD, "mylog": 'error "OUCH"'},
        {"logservice": "snlua", "logger": "mylog"}, "OUCH"),
    "logger's start raises": (
        {"main": GOOD, "mylog": 'local s = require "skynet"\ns.start(function() error "OUCH" end)'},
        {"logservice": "snlua", "logger": "mylog"}, "OUCH"),
    "logger is no file": ({"main": GOOD}, {"logger": "/dev/null/log"}, "/dev/null/log"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_start_that_fails_ends_with_its_error(tmp_path, case):
    services, values, text = BAD[case]
    code, output = skynet(tmp_path / "skynet", services, **values)
    assert code == 1 and text in output, (code, output)


def test_preload_that_raises_ends_with_its_error(tmp_path):
    preload = tmp_path / "preload.lua"
    for text in ('error "OUCH"', 'if SERVICE_NAME == "launcher" then error "OUCH" end'):
        preload.write_text(text)
        code, output = skynet(tmp_path / "skynet", {"main": GOOD}, preload=str(preload))
        assert code == 1 and "OUCH" in output, (code, output)


def test_log_file_and_the_end(tmp_path):
    """Who only sees the terminal learns where the reason is."""
    code, output = skynet(tmp_path / "skynet", {}, logger=str(tmp_path / "log"))
    assert code == 1 and "main" in (tmp_path / "log").read_text()
    assert str(tmp_path / "log") in output


def test_a_logger_service_gets_the_last_lines(tmp_path):
    logger = f"""
local skynet = require "skynet"
require "skynet.manager"
skynet.register_protocol {{
	name = "text", id = skynet.PTYPE_TEXT, unpack = skynet.tostring,
	dispatch = function(_, _, text)
		local out = io.open("{tmp_path}/seen", "a")
		out:write(text, "\\n")
		out:close()
	end,
}}
skynet.start(function() end)
"""
    main = 'local s = require "skynet"\ns.start(function() s.error "NEARLY" error "OUCH" end)\n'
    code, output = skynet(
        tmp_path / "skynet", {"main": main, "mylog": logger}, logservice="snlua", logger="mylog")
    assert code == 1, output
    assert "NEARLY" in (tmp_path / "seen").read_text()
    assert "OUCH" in (tmp_path / "seen").read_text() + output


ENDS = {
    "os.exit(9)": 9, "os.exit(true, true)": 0, "os.exit(false)": 1, 's.fork(os.exit, 2)': 2,
    "pcall(os.exit, 5)": 5, 's.timeout(1, function() os.exit(4) end)': 4,
}


@pytest.mark.parametrize("call", ENDS)
def test_os_exit_of_a_skynet_script(tmp_path, call):
    main = (
        'local s = require "skynet"\ns.start(function()\n'
        'for n = 1, 300 do print("line " .. n) end\nio.write "unfinished"\n'
        f"{call}\nend)\n"
    )
    code, output = skynet(tmp_path / "skynet", {"main": main})
    assert code == ENDS[call], output
    assert re.findall(r"^line (\d+)$", output, re.M) == [str(n) for n in range(1, 301)]
    assert "unfinished" in output and "os.exit in snlua main ends" in output


def test_os_exit_while_a_service_is_loaded(tmp_path):
    code, output = skynet(tmp_path / "skynet", {"main": 'print "LOADED"\nos.exit(8)\nprint "ON"'})
    assert code == 8 and "LOADED" in output and "\nON" not in output, output
    preload = tmp_path / "preload.lua"
    preload.write_text('if SERVICE_NAME == "main" then os.exit(6) end')
    code, output = skynet(tmp_path / "skynet", {"main": GOOD}, preload=str(preload))
    assert code == 6, output


INPUT = """
local skynet = require "skynet"
skynet.start(function()
	print("READ", io.read())
	print("LINES", pcall(io.lines()))
	print("STDIN", io.stdin:read "a")
	debug.debug()
	print("LOADED", loadfile())
	print "ON"
	os.exit()
end)
"""


def test_what_scripts_read_waits_for_nobody(tmp_path):
    """Standard input that nobody writes to."""
    (tmp_path / "main.lua").write_text(INPUT)
    config = tmp_path / "config"
    config.write_text(f'thread = 1\nluaservice = "{tmp_path}/?.lua"\n')
    reader, writer = os.pipe()
    try:
        done = subprocess.run(
            [BINARY, "skynet", config], cwd=ROOT, stdin=reader, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=30 * PATIENCE, check=False,
        )
    finally:
        os.close(reader)
        os.close(writer)
    output = done.stdout.decode()
    assert done.returncode == 0 and "\nON" in output, output
    assert re.search(r"READ\tnil\tResource temporarily unavailable", output), output


def test_what_scripts_read_is_there(tmp_path):
    (tmp_path / "main.lua").write_text(
        'local s = require "skynet"\ns.start(function()\n'
        'for line in io.lines() do print("<" .. line .. ">") end os.exit() end)\n'
    )
    config = tmp_path / "config"
    config.write_text(f'thread = 1\nluaservice = "{tmp_path}/?.lua"\n')
    done = subprocess.run(
        [BINARY, "skynet", config], cwd=ROOT, input=b"one\ntwo", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=30 * PATIENCE, check=False,
    )
    assert b"<one>\n<two>\n" in done.stdout, done.stdout


BROKEN = {
    "policy raises": ({"login": {"policy": "LUA"}}, 'error "OUCH"'),
    "policy is no table": ({"login": {"policy": "LUA"}}, "return 1"),
    "policy does not compile": ({"login": {"policy": "LUA"}}, "return ("),
    "module raises": ({"agent": {"module": "LUA"}}, 'error "OUCH"'),
    "module is no table": ({"agent": {"module": "LUA"}}, "return 1"),
    "module has no request": ({"agent": {"module": "LUA"}}, "return {}"),
    "module does not compile": ({"agent": {"module": "LUA"}}, "return ("),
    "module ends the process": ({"agent": {"module": "LUA"}}, "os.exit(1)"),
    "module is missing": ({"agent": {"module": "no.such.module"}}, ""),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_server_whose_scripts_cannot_be_used_does_not_start(tmp_path, case):
    changes, text = BROKEN[case]
    script = tmp_path / "broken.lua"
    script.write_text(text)
    config = tmp_path / "config.json"
    merged = support.merged(support.base_config(tmp_path), changes)
    config.write_text(json.dumps(merged).replace('"LUA"', json.dumps(str(script))))
    ready = tmp_path / "ready.json"
    code, output = support.run("--config", config, "--ready-file", ready)
    assert code == 1 and not ready.exists(), (code, output)
    assert "broken.lua" in output or "no.such.module" in output or "os.exit" in output, output


class Starting:
    """A server that has begun to read its configuration, and gets it from `go_on`."""

    def __init__(self, folder):
        self.server = Server(folder)
        os.mkfifo(self.server.config_path)
        self.log = open(self.server.log_path, "wb")  # noqa: SIM115
        self.server.process = subprocess.Popen(
            [BINARY, "--config", self.server.config_path, "--ready-file", self.server.ready_path],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )
        self.writer = open(self.server.config_path, "w")  # noqa: SIM115
        # What is read later, at SIGHUP, is a file.
        self.server.config_path.unlink()
        self.server.config_path.write_text(json.dumps(self.server.config))

    def go_on(self):
        with self.writer:
            self.writer.write(json.dumps(self.server.config))

    def close(self):
        self.writer.close()
        self.log.close()
        self.server.kill()


@pytest.fixture
def starting(tmp_path):
    with_fifo = Starting(tmp_path / "server")
    yield with_fifo
    with_fifo.close()


HARMLESS = [
    "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGXFSZ", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGTTOU",
    "SIGTTIN", "SIGIO", "SIGPWR", "SIGRTMIN", "SIGRTMAX",
]


def test_signals_of_no_meaning_end_nothing(starting):
    server = starting.server
    for name in HARMLESS:
        server.signal(getattr(signal, name))
    starting.go_on()
    wait_until(server._is_ready, 20 * PATIENCE, "ready file")
    for name in HARMLESS:
        server.signal(getattr(signal, name))
    server.ready = json.loads(server.ready_path.read_text())
    Player(server)
    server.wait_log(r"signal \d+ \(User defined signal 1\) has no meaning here")
    server.stop()


def test_sighup_during_the_start_is_kept(starting):
    server = starting.server
    server.signal(signal.SIGHUP)
    # The reload at SIGHUP finds this; the configuration that it starts with does not have it.
    server.config_path.write_text("{")
    starting.go_on()
    wait_until(server._is_ready, 20 * PATIENCE, "ready file")
    server.wait_log("the configuration is not read again")
    server.stop()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_the_end_before_the_start(starting, name):
    starting.server.signal(getattr(signal, name))
    assert starting.server.wait() == 0
    starting.server.process = None


def open_files(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 1000


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_signals_at_any_moment_of_the_start(tmp_path, name):
    """From the moment on at which the program has more open than its loader ever has."""
    for run in range(50):
        server = Server(tmp_path / f"server{run % 2}")
        server.config_path.write_text(json.dumps(server.config))
        server.ready_path.unlink(missing_ok=True)
        with open(server.log_path, "wb") as log:
            server.process = subprocess.Popen(
                [BINARY, "--config", server.config_path, "--ready-file", server.ready_path],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )
        try:
            wait_until(
                lambda s=server, r=run: open_files(s.pid) >= 5 + r % 25 or s.ready_path.exists(),
                20 * PATIENCE, "descriptors", interval=0.0005)
            server.signal(getattr(signal, name))
            if name == "SIGHUP":
                wait_until(server._is_ready, 20 * PATIENCE, "ready file")
                server.signal(signal.SIGTERM)
            server.finish()
        finally:
            server.kill()


def test_sigterm_while_a_script_holds_up_the_start(tmp_path):
    policy = tmp_path / "policy.lua"
    policy.write_text('print "HOLDING"\nwhile true do end\n')
    server = Server(tmp_path / "server", {"login": {"policy": str(policy)}})
    server.config_path.write_text(json.dumps(server.config))
    with open(server.log_path, "wb") as log:
        server.process = subprocess.Popen(
            [BINARY, "--config", server.config_path], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT,
        )
    try:
        server.wait_log("HOLDING")
        server.signal(signal.SIGTERM)
        server.wait(25)
    finally:
        server.kill()


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_standard_descriptors_that_are_closed(tmp_path, closed):
    """What is printed must not land in the next file that is opened."""
    database = tmp_path / "server/gatehouse.db"
    server = Server(tmp_path / "server")
    server.config_path.write_text(json.dumps(server.config))
    shell = 'exec "$@" ' + " ".join(f"{n}{'<' if n == 0 else '>'}&-" for n in closed)
    server.process = subprocess.Popen(
        ["/bin/sh", "-c", shell, "sh", BINARY, "--config", server.config_path, "--ready-file",
         server.ready_path], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(server._is_ready, 20 * PATIENCE, "ready file")
        server.ready = json.loads(server.ready_path.read_text())
        Player(server).connect().request("count")
        targets = {os.readlink(f"/proc/{server.pid}/fd/{n}") for n in closed}
        assert targets == {"/dev/null"}
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        server.process = None
    finally:
        server.kill()
    assert database.read_bytes().startswith(b"SQLite format 3\0")


def test_gatectl_whose_reader_went_away(tmp_path, tool_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(support.base_config(tmp_path)))
    subprocess.run([tool_path, "--config", config, "migrate"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [tool_path, "--config", config, "account", "export"], cwd=ROOT, stdout=writer,
            stderr=subprocess.PIPE, timeout=30 * PATIENCE, check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 1 and b"cannot be written" in done.stderr, done


@pytest.fixture
def tool_path():
    return BINARY.parent / "gatectl"
