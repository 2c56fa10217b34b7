"""The admin port: what ops, Prometheus and gatectl ask of a running server."""

import http.client
import json
import re
import signal
import socket
from urllib.parse import quote

import pytest
from players import Player
from server import ROOT, run
from waiting import wait_until

SERVER = {"admin": {"listen": "127.0.0.1:0"}}

SLOW_LOGOUT = """
local skynet = require "skynet"
return {
	request = function(self, msg) return msg end,
	logout = function(self, reason)
		while not io.open("LEAVE_FILE") do skynet.sleep(2) end
	end,
}
"""
SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (\S+)$')


def ask(server, method, path, headers=None, body=None):
    """(status, text) of one request."""
    host, port = server.ready["admin"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def connect(server):
    host, port = server.ready["admin"].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=30)


def metrics(server):
    """{name and labels: value} of /metrics, whose form is checked as well."""
    code, text = ask(server, "GET", "/metrics")
    assert code == 200
    values, families = {}, []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
        elif not line.startswith("# HELP "):
            sample = SAMPLE.match(line)
            assert sample, line
            assert sample[1] == families[-1], "a sample stands below its family"
            values[sample[1] + (sample[2] or "")] = float(sample[4])
    assert len(families) == len(set(families)), "a family is written once"
    return values


def status(server):
    code, text = ask(server, "GET", "/status")
    assert code == 200
    return json.loads(text)


def test_health_and_readiness(server):
    assert ask(server, "GET", "/healthz") == (200, "ok\n")
    code, text = ask(server, "GET", "/readyz")
    answer = json.loads(text)
    assert (code, answer["ready"], answer["login"]) == (200, True, "200"), answer
    assert all(part["ok"] for part in answer["parts"].values()), answer


def test_metrics(server):
    before = metrics(server)
    gate = Player(server).connect()
    assert gate.request("hello") == b"hello"
    wait_until(
        lambda: metrics(server)["gatehouse_gate_requests"]
        == before["gatehouse_gate_requests"] + 1,
        what="one request more",
    )
    now = metrics(server)
    assert now["gatehouse_agents"] == before["gatehouse_agents"] + 1
    passed = 'gatehouse_login_total{result="ok"}'
    assert now[passed] == before.get(passed, 0) + 1
    assert now["gatehouse_workers"] == 2 and now["gatehouse_services"] > 3
    kib = server.memory_kib()
    assert 0.5 * kib < now["process_resident_memory_bytes"] / 1024 < 2 * kib


def test_status(server):
    before = status(server)
    gate = Player(server, game="cocos1").connect()
    assert gate.request("hello") == b"hello"
    now = status(server)
    assert now["pid"] == server.pid and now["state"] == "up" and now["workers"] == 2
    assert now["players"] == before["players"] + 1
    assert now["login"]["addresses"] == [server.login]
    assert [gate["server"] for gate in now["gates"]] == ["sample", "cocos1"]
    assert now["gates"][1]["address"] == server.gate("cocos1")
    for key in ("sessions", "connections"):
        assert now["gates"][1][key] == before["gates"][1][key] + 1
    mine = {"transport": "tcp", "suite": "plain"}
    counts = [
        sum(
            line["connections"]
            for line in each["gates"][1]["transports"]
            if mine.items() <= line.items()
        )
        for each in (before, now)
    ]
    assert counts[1] == counts[0] + 1, now
    # Its connections are those of earlier tests, which may be closing.
    assert now["gates"][0]["sessions"] == before["gates"][0]["sessions"]


@pytest.mark.parametrize("name", ["kicked", "严 &uid=other", "100%"])
def test_kick(server, name):
    gate = Player(server, name).connect(conversation="c1")
    path = f"/kick?uid={quote(name)}&reason={quote('see you, 严')}"
    assert ask(server, "POST", path) == (200, "kicked\n")
    control = gate.wait_for(gate.controls)[0]
    assert control["type"] == "kick" and control["reason"] == "see you, 严", control
    gate.read_until_closed()
    wait_until(lambda: ask(server, "POST", path)[0] == 404, what="the agent to be gone")
    assert Player(server, name).connect().request("in") == b"in"


def test_kick_needs_a_uid(server):
    assert ask(server, "POST", "/kick")[0] == 400
    assert ask(server, "POST", "/kick?uid=")[0] == 400
    assert ask(server, "POST", "/kick?uid=nobody") == (404, "not online\n")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://game.example"}, {"Origin": "null"}, {"Host": "game.example"}],
    ids=str,
)
def test_a_web_page_cannot_reach_it(server, headers):
    player = Player(server)
    gate = player.connect()
    assert ask(server, "POST", f"/kick?uid={player.user}", headers)[0] == 403
    assert ask(server, "POST", "/drain", headers)[0] == 403
    assert ask(server, "GET", "/status", headers)[0] == 403
    assert gate.request("hello") == b"hello"


def test_what_it_does_not_serve(server):
    for method, path in [("GET", "/kick?uid=a"), ("GET", "/drain"), ("GET", "/"), ("PUT", "/kick")]:
        assert ask(server, method, path)[0] in (400, 404), path
    assert ask(server, "GET", "/healthz") == (200, "ok\n")


def test_body_is_bounded(server):
    assert ask(server, "POST", "/kick?uid=nobody", body="x" * 8192)[0] == 404
    # The library may close before it has read everything.
    try:
        assert ask(server, "POST", "/kick?uid=nobody", body="x" * 100_000)[0] == 413
    except (ConnectionError, http.client.HTTPException):
        pass
    assert ask(server, "GET", "/healthz")[0] == 200


def test_post_without_a_length_is_answered_at_once(server):
    """As `curl -X POST` sends it."""
    with connect(server) as connection:
        connection.sendall(b"POST /kick?uid=nobody HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.settimeout(1.5)
        assert connection.recv(100).startswith(b"HTTP/1.1 404 ")


def test_idle_connections_do_not_keep_it_from_others(server):
    idle = [connect(server) for _ in range(6)]
    try:
        idle[0].sendall(b"GET /heal")
        assert ask(server, "GET", "/healthz") == (200, "ok\n")
    finally:
        for connection in idle:
            connection.close()


def test_off_by_default(start_server):
    assert "admin" not in start_server().ready


def test_port_in_use(server, tmp_path):
    code, output = run(
        "--config", server.config_path, "--set", f"admin.listen={server.ready['admin']}",
        "--set", f"store.sqlite.path={tmp_path / 'other.db'}",
    )
    assert code == 1 and "admin.listen" in output, output
    assert ask(server, "GET", "/status")[0] == 200


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "a.example:80"])
def test_loopback_only(server, listen):
    code, output = run("check", "--config", server.config_path, "--set", f"admin.listen={listen}")
    assert code == 2 and "admin.listen: must be a loopback address" in output, output
    code, output = run(
        "check", "--config", server.config_path, "--set", "admin.listen=127.0.0.1:8080"
    )
    assert code == 0 and "admin: 127.0.0.1:8080" in output, output


def test_ipv6(start_server):
    server = start_server({"admin": {"listen": "[::1]:0"}})
    assert re.fullmatch(r"\[::1\]:\d+", server.ready["admin"])
    port = int(server.ready["admin"].rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("::1", port, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_drain(start_server, tmp_path):
    """Agents that take their time: not ready meanwhile, and a first SIGTERM cuts nobody off."""
    module = tmp_path / "slow.lua"
    may_leave = tmp_path / "may_leave"
    module.write_text(SLOW_LOGOUT.replace("LEAVE_FILE", str(may_leave)))
    server = start_server(SERVER | {"agent": {"module": str(module)}})
    gate = Player(server).connect(conversation="c1")
    assert gate.request("hello") == b"hello"
    assert ask(server, "POST", "/drain") == (202, "draining\n")
    code, text = ask(server, "GET", "/readyz")
    assert (code, json.loads(text)["state"]) == (503, "draining"), text
    assert ask(server, "GET", "/healthz")[0] == 200
    now = status(server)
    assert now["state"] == "draining" and now["players"] == 1
    assert ask(server, "POST", "/drain")[0] == 202, "twice is once"
    server.signal(signal.SIGTERM)
    assert "drain" in [control["type"] for control in gate.wait_for(gate.controls)]
    assert ask(server, "GET", "/readyz")[0] == 503
    assert server.process.poll() is None, "the agent has not left yet"
    may_leave.touch()
    gate.read_until_closed()
    server.finish()
    assert "is logout" in server.log() and "cut off" not in server.log()


def test_ends_with_an_open_admin_connection(start_server):
    server = start_server(SERVER)
    with connect(server) as connection:
        connection.sendall(b"POST /drain HTT")
        server.stop()


def test_the_page_lists_every_route(server):
    header = (ROOT / "server/ops/admin_server.hpp").read_text()
    routes = re.findall(r"^//   (GET|POST) +(/\w+)", header, re.MULTILINE)
    assert len(routes) == 7
    for method, path in routes:
        if path != "/drain":
            assert ask(server, method, path)[1] != "no such page\n", path
