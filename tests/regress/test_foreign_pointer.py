"""Bytes of others that become a pointer of ours: the serialisation holds light userdata as eight
bytes, and whoever sent them (another node, a client, a row of the database) chose where a script,
or a module in C, looked into memory. Only what this process packed is read as a pointer."""

import socket
import sqlite3
import struct

from conftest import sqlite_store
from gatehouse_client import login
from players import Player
from server import PATIENCE
from skynet_process import SkynetProcess
from waiting import wait_until

FORGED = b"\x03" + b"\x41" * 8  # a light userdata in skynet's serialisation

SERVICE = r"""
local skynet = require "skynet"
require "skynet.manager"
local forged = "\3" .. ("A"):rep(8)

local function check(name, ok)
	print((ok and "ok " or "FAILED ") .. name)
end

local mode = ...
if mode == "other" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, value)
			skynet.retpack(type(value), value)
		end)
	end)
	return
end

skynet.start(function()
	check("a string's pointer", not pcall(skynet.unpack, forged))
	check("inside a table", not pcall(skynet.unpack, "\14" .. forged .. "\0"))
	check("among others", not pcall(skynet.unpack, skynet.packstring(1, "two") .. forged))
	check("the null pointer", skynet.unpack("\3" .. ("\0"):rep(8)) == require "json".null)
	local pointer, size = skynet.pack "a block"
	check("our own", skynet.unpack(skynet.packstring(pointer)) == pointer)
	local other = skynet.newservice("pointers", "other")
	local kind, back = skynet.call(other, "lua", pointer)
	check("from VM to VM", kind == "userdata" and back == pointer)
	check("in a table", skynet.call(other, "lua", { pointer }) == "table")
	check("raw bytes to a service", not pcall(skynet.rawcall, other, skynet.PTYPE_LUA, forged))
	check("it still serves", skynet.call(other, "lua", 1) == "number")
	local message, bytes = skynet.rawcall(other, skynet.PTYPE_LUA, skynet.packstring(2))
	check("raw bytes without one", skynet.unpack(message, bytes) == "number")
	skynet.trash(pointer, size)
	print "done"
	skynet.abort()
end)
"""

NODE = r"""
local skynet = require "skynet"
local cluster = require "skynet.cluster"
require "skynet.manager"
skynet.start(function()
	skynet.dispatch("lua", function(_, _, value) skynet.retpack(type(value)) end)
	skynet.register ".typeof"
	cluster.register("typeof", skynet.self())
	local ip, port = cluster.open "127.0.0.1:0"
	print("listens " .. port)
end)
"""


def u32(number):
    return struct.pack("<I", number)


def exchange(stream, body):
    """One frame of the cluster's wire, and the frame that answers it."""
    stream.sendall(struct.pack(">H", len(body)) + body)
    with stream.makefile("rb", buffering=0) as reader:
        return reader.read(struct.unpack(">H", reader.read(2))[0])


def script(folder, name, text):
    (folder / f"{name}.lua").write_text(text)
    return {"luaservice": f"{folder}/?.lua;./lua/service/?.lua"}


def test_only_own_pointers_are_read(tmp_path):
    with SkynetProcess(tmp_path / "run", "pointers", script(tmp_path, "pointers", SERVICE)) as run:
        run.wait_line(r".*done")
        lines = [line for line in run.lines if line.startswith(("ok ", "FAILED "))]
        run.finish()
    assert len(lines) == 10 and all(line.startswith("ok ") for line in lines), lines


def test_another_node_sends_no_pointer(tmp_path):
    with SkynetProcess(tmp_path / "run", "pointer_node",
                       script(tmp_path, "pointer_node", NODE)) as node:
        port = int(node.wait_line(r".*listens (\d+)")[1][1])
        with socket.create_connection(("127.0.0.1", port), 20 * PATIENCE) as stream:
            name = b"@typeof"
            for session, content, ok in ((1, FORGED, 0), (2, b"\x0a\x01", 1), (3, FORGED, 0)):
                head = b"\x80" + bytes([len(name)]) + name
                reply = exchange(stream, head + u32(session) + content)
                assert reply[:5] == u32(session) + bytes([ok]), reply


def test_a_row_of_the_database_holds_no_pointer(start_server, tmp_path):
    path = tmp_path / "game.db"
    server = start_server({"store": sqlite_store(path).config})
    player = Player(server)
    player.connect().request("count")
    server.stop()
    connection = sqlite3.connect(path)
    # What save() returned is a table: the mark of what is packed, then the forged bytes.
    connection.execute("UPDATE player_data SET data = ?", (b"P" + FORGED,))
    connection.commit()
    connection.close()
    server.start()
    assert login(server.login, player.user, "secret", "sample").code == 503
    wait_until(lambda: "Invalid serialize stream" in server.log(), 10 * PATIENCE, "the reason")
