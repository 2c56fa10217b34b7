"""Start, ready file, configuration errors, `check`, --set, and a stop that loses nothing."""

import json
import signal
import socket
import subprocess

import pytest
import server as support
from conftest import sqlite_store
from gatectl import GATECTL
from gatehouse_client import Closed, Gate, Stream, login
from players import Player
from server import ROOT, Server, run
from waiting import wait_until


def write_config(folder, changes):
    path = folder / "config.json"
    path.write_text(json.dumps(support.merged(support.base_config(folder), changes)))
    return path


def test_ready_file(server):
    ready = server.ready
    assert ready["pid"] == server.pid
    assert [entry["transport"] for entry in ready["login"]] == ["tcp"]
    assert len(ready["gate"]) == 2
    for entry in ready["login"] + ready["gate"]:
        host, _, port = entry["address"].rpartition(":")
        assert host == "127.0.0.1" and int(port) > 0
        Stream(entry["address"]).close()
    assert not list(server.folder.glob("ready.json?*")), "written in one step, nothing left over"


def test_sigterm_drains(start_server):
    server = start_server()
    told, plain = Player(server), Player(server)
    told_gate, plain_gate = told.connect(conversation="d"), plain.connect()
    assert told_gate.request("count") == b"1"
    assert plain_gate.request("count") == b"1"
    idle_login = Stream(server.login)
    server.signal(signal.SIGTERM)
    assert told_gate.wait_for(told_gate.controls)[0] == {"type": "drain"}
    told_gate.read_until_closed()
    plain_gate.read_until_closed()
    idle_login.read_to_end()
    login_address = server.login
    server.finish()
    with pytest.raises(ConnectionRefusedError):
        Stream(login_address)
    server.start()
    assert Player(server, told.user).connect().request("count") == b"2"
    assert Player(server, plain.user).connect().request("count") == b"2"


def test_sigterm_saves_players_who_are_not_connected(start_server):
    server = start_server()
    player = Player(server)
    player.connect().request("note kept")
    player.gate.close()
    server.stop()
    server.start()
    assert Player(server, player.user).connect().request("note") == b"kept"


def test_sigterm_saves_many_players(start_server):
    server = start_server()
    players = [Player(server) for _ in range(60)]
    for player in players:
        assert player.connect().request("count") == b"1"
    server.stop()
    server.start()
    for player in players:
        assert Player(server, player.user).connect().request("count") == b"2"


def test_stop_ends_in_time_with_a_request_that_never_ends(start_server):
    server = start_server({"shutdown": {"timeout_ms": 1000}})
    gate = Player(server).connect()
    gate.send_request("sleep 600000")
    assert gate.ping() == (1, b"")
    server.signal(signal.SIGTERM)
    assert server.wait(10) == 0


def test_second_sigterm_ends_at_once(start_server):
    server = start_server({"shutdown": {"timeout_ms": 60000}})
    gate = Player(server).connect(conversation="d")
    gate.send_request("sleep 600000")
    assert gate.ping() == (1, b"")
    server.signal(signal.SIGTERM)
    server.wait_log("(?i)drain|sigterm|stop")
    server.signal(signal.SIGTERM)
    server.wait(10)
    server.process = None  # its exit code is not part of the contract here


def test_kill_loses_at_most_what_was_not_saved(start_server):
    server = start_server({"agent": {"save_interval_ms": 100}})
    player = Player(server)
    gate = player.connect()
    gate.request("note saved by the interval")
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    note = b"saved by the interval".hex().upper()
    wait_until(
        lambda: any(note in row[0] for row in store.query("SELECT HEX(data) FROM player_data")),
        what="a save while the player plays",
    )
    server.kill()
    server.start()
    assert Player(server, player.user).connect().request("note") == b"saved by the interval"


def test_sighup_is_survived(server):
    gate = Player(server).connect()
    server.signal(signal.SIGHUP)
    assert gate.request("alive") == b"alive"
    assert login(server.login, "after-hup", "secret", "sample").code == 200


def test_sighup_reopens_the_log_file(start_server, tmp_path):
    log = tmp_path / "gatehouse.log"
    server = start_server({"log": {"file": str(log)}})
    Player(server, "before-rotation")
    log.rename(tmp_path / "gatehouse.log.1")
    server.signal(signal.SIGHUP)
    wait_until(log.exists, what="a new log file")
    Player(server, "after-rotation")
    wait_until(lambda: "after-rotation is login" in log.read_text(), what="lines in it")


def test_check_accepts_good_configurations(tmp_path):
    for path in (write_config(tmp_path, {}), ROOT / "config/quickstart.json"):
        code, output = run("check", "--config", path)
        assert code == 0, output


def test_check_of_the_production_file_asks_for_an_identity(tmp_path):
    """Nobody starts with a key that was not meant: clients pin it."""
    file = tmp_path / "identity.pem"
    command = ["check", "--config", ROOT / "config/production.json",
               "--set", f"login.identity_key_file={file}"]
    code, output = run(*command)
    assert code == 2 and output.startswith("login.identity_key_file: "), output
    assert "gatectl identity" in output and output.count("\n") == 1, output
    subprocess.run([GATECTL, "identity", file], check=True, capture_output=True)
    code, output = run(*command)
    assert code == 0 and "clients pin" in output, output


WRONG = {
    "unknown key": ({"login": {"lisen": []}}, "login.lisen"),
    "unknown section": ({"logn": {}}, "logn"),
    "unknown limit": ({"limits": {"gate_frames": 1}}, "limits.gate_frames"),
    "wrong type": ({"workers": "two"}, "workers"),
    "negative": ({"login": {"handshake_timeout_ms": -1}}, "login.handshake_timeout_ms"),
    "fraction": ({"agent": {"per_vm": 1.5}}, "agent.per_vm"),
    "zero maxclient": (
        {"gate": {"gates": [{"server": "a", "listen": "127.0.0.1:0", "maxclient": 0}]}},
        "gate.gates",
    ),
    "bad address": (
        {"gate": {"gates": [{"server": "a", "listen": "no port", "maxclient": 1}]}},
        "gate.gates",
    ),
    "same server twice": (
        {"gate": {"gates": [{"server": "a", "listen": "127.0.0.1:0"}] * 2}},
        "gate.gates",
    ),
    "unknown suite": (
        {"login": {"listen": [{"transport": "tcp", "address": "127.0.0.1:0", "suites": ["rot"]}]}},
        "login.listen",
    ),
    "unknown driver": ({"store": {"driver": "oracle"}}, "store.driver"),
    "unknown registration": ({"auth": {"registration": "perhaps"}}, "auth.registration"),
    "absurd argon2": ({"auth": {"argon2": {"memory_kib": 10**9}}}, "auth.argon2.memory_kib"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_check_names_the_path_of_what_is_wrong(tmp_path, wrong):
    changes, path = WRONG[wrong]
    config = write_config(tmp_path, changes)
    code, output = run("check", "--config", config)
    assert code != 0 and path in output, output
    ready = tmp_path / "ready.json"
    code, output = run("--config", config, "--ready-file", ready)
    assert code != 0 and path in output, "the server itself refuses it as well"
    assert not ready.exists()


def test_check_names_all_that_is_wrong(tmp_path):
    config = write_config(tmp_path, {"workers": "two", "logn": {}})
    code, output = run("check", "--config", config)
    assert code != 0 and "workers" in output and "logn" in output


@pytest.mark.parametrize("text", ["", "{", "[]", '{"workers": 1,}'])
def test_configuration_that_is_no_json_object(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    code, output = run("check", "--config", path)
    assert code != 0 and "config.json" in output, output


def test_configuration_that_is_not_there(tmp_path):
    code, output = run("--config", tmp_path / "absent.json")
    assert code != 0 and "absent.json" in output


def test_set_overrides_the_file(start_server):
    server = start_server(
        arguments=["--set", "auth.registration=closed", "--set", "login.handshake_timeout_ms=300"]
    )
    assert login(server.login, "stranger", "secret", "sample").code == 401
    with Stream(server.login) as silent:
        silent.read_line()
        silent.read_to_end(5)


@pytest.mark.parametrize("argument", ["nonsense.key=1", "workers=many", "workers"])
def test_wrong_set(tmp_path, argument):
    config = write_config(tmp_path, {})
    code, output = run("--config", config, "--set", argument)
    key = argument.split("=")[0]
    assert code != 0 and key.split(".")[0] in output


def test_port_in_use_is_an_error_at_the_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        gates = [{"server": "sample", "listen": address, "maxclient": 10}]
        instance = Server(tmp_path / "busy", {"gate": {"gates": gates}})
        with pytest.raises(AssertionError, match=address):
            instance.start()


def test_agent_module_with_an_error_is_no_silence(tmp_path):
    """A module that cannot be loaded: the server refuses to start, or logins get 503."""
    module = tmp_path / "broken.lua"
    module.write_text("return { request = function(\n")
    instance = Server(tmp_path / "broken", {"agent": {"module": str(module)}})
    try:
        instance.start()
    except AssertionError as error:
        assert "broken.lua" in str(error)
        return
    try:
        assert login(instance.login, "a", "b", "sample").code == 503
        assert "broken.lua" in instance.log()
    finally:
        instance.stop()


def test_agent_that_fails_to_load_its_data_frees_the_account(start_server, tmp_path):
    flag = tmp_path / "fail"
    flag.touch()
    module = tmp_path / "picky.lua"
    module.write_text(
        "return {\n"
        "  load = function(self, data)\n"
        f'    local f = io.open("{flag}")\n'
        '    if f then f:close() error("picky") end\n'
        "  end,\n"
        "  request = function(self, msg) return msg end,\n"
        "}\n"
    )
    server = start_server({"agent": {"module": str(module)}})
    try:
        assert login(server.login, "unlucky", "secret", "sample").code in (403, 503)
    except Closed:
        pytest.fail("an answer is due")
    flag.unlink()
    player = Player(server, "unlucky")
    with Gate(server.gate()) as gate:
        assert gate.handshake(player.login) == "200 OK"
