"""skynet's socket, UDP, DNS and md5 modules: the scripts run and every rule holds."""

import os
import re
import socket
import subprocess
import tty

import pytest
import skynet_rules
from server import BINARY, PATIENCE, REPORT, ROOT

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"socket": 26, "udp": 13, "dns": 15, "md5": 6}
# Lines that the log must have.
LOGGED = {"socket": [r"Pause socket \(\d+\) size : \d+", r"Resume socket \(\d+\)",
                     r"socket buffer overflow: fd=\d+ size=101",
                     r"WARNING: \d+ K bytes need to send out \(fd = \d+\)"]}
CONFIG = """
thread = 2
harbor = 0
start = "START"
bootstrap = "snlua bootstrap"
luaservice = "SCRIPTS/?.lua"
lua_path = "SCRIPTS/?.lua"
"""


def run(tmp_path, start, scripts, **options):
    config = tmp_path / "skynet.config"
    config.write_text(CONFIG.replace("START", start).replace("SCRIPTS", str(scripts)))
    done = subprocess.run(
        [BINARY, "skynet", str(config)], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=90 * PATIENCE, **options,
    )
    assert done.returncode == 0, done.stdout
    assert not REPORT.search(done.stdout), done.stdout
    return done.stdout


@pytest.mark.parametrize("topic", TOPICS)
def test_rules(topic, tmp_path):
    assert len(skynet_rules.rules_of(topic)) >= TOPICS[topic]
    lines, output = skynet_rules.run(topic, tmp_path, seconds=90)
    skynet_rules.check(topic, lines, output)
    for pattern in LOGGED.get(topic, []):
        assert re.search(pattern, output), pattern


# A main script that starts the console, and a service that says what it was launched with.
MAIN = """
local skynet = require "skynet"
skynet.start(function()
    skynet.newservice "console"
end)
"""
TYPED = """
local skynet = require "skynet"
require "skynet.manager"
local words = { ... }
skynet.start(function()
    print("typed " .. table.concat(words, "|"))
    if words[1] == "end" then
        skynet.abort()
    end
end)
"""
SNAX = """
function init(...)
    print("snax " .. table.concat({...}, "|"))
end
"""


def test_console_launches_what_is_typed(tmp_path):
    (tmp_path / "main.lua").write_text(MAIN)
    (tmp_path / "typed.lua").write_text(TYPED)
    (tmp_path / "typedsnax.lua").write_text(SNAX)
    lines = "typed a  b\n\nno_such_service x\nsnax typedsnax 1 2\ntyped end"
    output = run(tmp_path, "main", tmp_path, input=lines)
    assert output.index("typed a|b") < output.index("snax 1|2") < output.index("typed end")
    assert "no_such_service" in output


BOUND = """
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"
skynet.start(function()
    skynet.fork(function()
        local id, message = socket.stdin()
        if id == nil then
            print("not bound: " .. message)
            return skynet.abort()
        end
        while true do
            local line = socket.readline(id)
            if not line then
                break
            end
            socket.write(id, "echo " .. line .. "\\n")
            for _, row in ipairs(socket.netstat()) do
                print(row.type, row.read, row.write)
            end
        end
        socket.close(id)
        print("ended")
        skynet.abort()
    end)
end)
"""


def test_a_socket_can_be_bound(tmp_path):
    (tmp_path / "main.lua").write_text(BOUND)
    ours, theirs = socket.socketpair()
    ours.sendall(b"one\ntwo\n")
    ours.shutdown(socket.SHUT_WR)
    output = run(tmp_path, "main", tmp_path, stdin=theirs)
    theirs.close()
    assert ours.makefile().read() == "echo one\necho two\n"
    assert "BIND\t8\t9\nBIND\t8\t18" in output
    assert "ended" in output


def test_a_pseudo_terminal_can_be_bound(tmp_path):
    (tmp_path / "main.lua").write_text(BOUND)
    master, slave = os.openpty()
    tty.setraw(slave)
    os.write(master, b"typed\n")
    # The end of what is typed: raw mode has no sign for it, so the terminal hangs up.
    config = tmp_path / "skynet.config"
    config.write_text(CONFIG.replace("START", "main").replace("SCRIPTS", str(tmp_path)))
    with subprocess.Popen(
        [BINARY, "skynet", str(config)], cwd=ROOT, stdin=slave, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:
        os.close(slave)
        assert os.read(master, 100) == b"echo typed\n"
        os.close(master)
        output = process.communicate(timeout=60 * PATIENCE)[0]
    assert process.returncode == 0, output
    assert "ended" in output
    assert not REPORT.search(output), output


@pytest.mark.parametrize("stdin", ["file", "null"])
def test_what_cannot_be_polled_is_refused(stdin, tmp_path):
    (tmp_path / "main.lua").write_text(BOUND)
    if stdin == "file":
        with open(tmp_path / "main.lua", encoding="utf-8") as file:
            output = run(tmp_path, "main", tmp_path, stdin=file)
    else:
        output = run(tmp_path, "main", tmp_path, stdin=subprocess.DEVNULL)
    assert "not bound: descriptor 0 cannot be polled" in output
