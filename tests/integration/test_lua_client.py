"""The modules client.socket and client.crypt in a plain Lua interpreter, and in the server."""

import subprocess

import pytest
from server import BINARY, PATIENCE, ROOT, SANITIZED, run

LUACLIB = BINARY.parent / "luaclib"
CLIENT = ROOT / "tests/support/lua/login_client.lua"

# An interpreter without sanitizers cannot load what they instrumented; that build has no modules.
pytestmark = pytest.mark.skipif(SANITIZED, reason="the modules are not built with sanitizers")


def test_a_plain_interpreter_logs_in_and_plays(server):
    done = subprocess.run(
        ["lua5.4", CLIENT, LUACLIB, port_of(server.login), port_of(server.gate())],
        input="one\ntwo words\n\nend\nrest", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=60 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == ["typed one", "typed two words", "typed ", "passed"]


def port_of(address):
    return address.rpartition(":")[2]


SERVICE = """
local skynet = require "skynet"
require "skynet.manager"
skynet.start(function()
    local client = require "client.socket"
    client.usleep(1)
    print("in the server", pcall(client.connect, "127.0.0.1", 1))
    skynet.abort()
end)
"""


def test_the_server_loads_the_socket_module(tmp_path):
    (tmp_path / "main.lua").write_text(SERVICE)
    config = tmp_path / "skynet.config"
    config.write_text(
        f'thread = 1\nharbor = 0\nstart = "main"\nluaservice = "{tmp_path}/?.lua"\n'
        f'lua_cpath = "{LUACLIB}/?.so"\n'
    )
    code, output = run("skynet", str(config))
    assert code == 0, output
    assert "in the server\tfalse\t" in output and "Connect 127.0.0.1 1 failed" in output


def test_the_modules_export_nothing_else():
    for module in ("socket", "crypt"):
        listed = subprocess.run(
            ["nm", "-D", "--defined-only", LUACLIB / f"client/{module}.so"],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout
        assert listed.split()[2::3] == [f"luaopen_client_{module}"]
