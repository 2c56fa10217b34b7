"""Login and gate behind real proxies: whose connection it is, and who is believed."""

import json
import urllib.request

import pytest
from certificates import Certificates
from conftest import sqlite_store
from gatehouse_client import Gate, Stream, frame, login
from players import fresh_name
from proxies import PROXY, HaProxy, Nginx
from server import PATIENCE
from transports import Endpoint
from waiting import wait_until

SERVER = {
    "net": {"trusted_proxies": [f"{PROXY}/32"]},
    "admin": {"listen": "127.0.0.1:0"},
    "store": {"watch_interval_ms": 100},
    "log": {"level": "debug"},
}
# Where the players are.
CLIENT = "127.0.0.8"
BANNED = "127.0.0.9"


NGINX = pytest.param("nginx", marks=pytest.mark.skipif(
    not Nginx.is_here(), reason="no nginx with its stream module: its package starts a server"
))


@pytest.fixture(params=["haproxy-v1", "haproxy-v2", NGINX])
def proxy(request, server, tmp_path):
    if request.param == "nginx":
        made = Nginx(tmp_path / "nginx", server)
    else:
        made = HaProxy(tmp_path / "haproxy", server, version=int(request.param[-1]))
    with made:
        yield made


def status(server):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/status", timeout=10) as answer:
        return json.load(answer)


def metric(server, name, **labels):
    """The sum over the samples that have these labels."""
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(name) and all(label in line for label in wanted)
    )


def play(login_address, gate_address, source=CLIENT):
    """Logs a new player in and lets him play; his connection to the gate, and his name."""
    user = fresh_name("proxied")
    done = login(login_address, user, "secret", "sample", source=source)
    assert done.code == 200, done.line
    gate = Gate(gate_address, source=source)
    assert gate.handshake(done, 1, conversation="c") == "200 OK"
    assert gate.request("echo") == b"echo"
    return gate, user


def audited(server, user):
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    return store.query(
        "SELECT address, suite, transport, tls, proxy FROM login_audit"
        f" WHERE name = '{user}' AND result = '200'"
    )


def lines_of_gate(server):
    return status(server)["gates"][0]["transports"]


def test_the_client_is_who_the_proxy_says(server, proxy):
    since = server.log_size()
    gate, user = play(proxy.address("8001"), proxy.address("8888"))
    with gate:
        server.wait_log(rf"login {CLIENT}:\d+ over tcp via {PROXY}:\d+ done, suite plain", since)
        server.wait_log(
            rf"{user} is in from {CLIENT}:\d+ over tcp via {PROXY}:\d+, suite plain", since
        )
        played = {"transport": "tcp", "proxy": PROXY, "suite": "plain", "connections": 1}
        assert played in lines_of_gate(server)
    server.wait_log(rf"connection {CLIENT}:\d+ over tcp via {PROXY}:\d+ closed: peer_closed", since)
    wait_until(
        lambda: audited(server, user) == [[CLIENT, "plain", "tcp", "", PROXY]],
        10 * PATIENCE, "the audit names client and proxy",
    )
    refused = login(proxy.address("8001"), user, "wrong", "sample", source=CLIENT)
    assert refused.code == 401
    server.wait_log(
        rf"login {CLIENT}:\d+ over tcp via {PROXY}:\d+, suite plain, refused 401: wrong_password",
        since,
    )


def test_a_ban_is_for_the_client(server, proxy):
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query(f"INSERT OR IGNORE INTO address_ban (network) VALUES ('{BANNED}')")

    def refused():
        with Stream(proxy.address("8001"), source=BANNED) as stream:
            return stream.read_to_end() == b"403 Forbidden\n"

    wait_until(refused, 10 * PATIENCE, "the client is banned")
    play(proxy.address("8001"), proxy.address("8888"))[0].close()


def test_who_comes_without_a_proxy_is_himself(server):
    since = server.log_size()
    play(server.login, server.gate())[0].close()
    server.wait_log(rf"connection {CLIENT}:\d+ over tcp closed: peer_closed", since)


def test_a_trusted_proxy_has_to_send_the_header(server):
    before = metric(server, "gatehouse_refused_total", reason="proxy_header_missing")
    for address, bytes_sent in [(server.login, b"hello\n"), (server.gate(), frame(b"hello"))]:
        with Stream(address, source=PROXY) as stream:
            stream.send(bytes_sent)
            assert stream.read_to_end() == b""
    after = metric(server, "gatehouse_refused_total", reason="proxy_header_missing")
    assert after == before + 2


def test_nobody_else_may_send_one(server):
    header = b"PROXY TCP4 192.0.2.7 203.0.113.9 50000 443\r\n"
    with Gate(server.gate(), source=CLIENT) as gate:
        gate.send(header)
        assert gate.read_frame() == b"400 Bad Request"
        assert gate.read_to_end() == b""
    assert metric(server, "gatehouse_refused_total", reason="proxy_header_untrusted") >= 1
    with Stream(server.login, source=CLIENT) as stream:
        stream.read_line()
        stream.send(header)
        assert stream.read_to_end() == b"400 Bad Request\n"
    server.wait_log("refused 400: proxy_header_untrusted")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.make_issuer("issuer")
    made.make_for("localhost", "issuer", "DNS:localhost,IP:127.0.0.1")
    return made


def test_tls_passes_through(start_server, certificates, tmp_path):
    """One port of each takes what comes behind the header: TCP and TLS."""
    server = start_server(
        SERVER
        | {
            "login": {
                "listen": [{"transport": "auto", "address": "127.0.0.1:0", "suites": ["plain"]}],
                "sniff_ms": 50,
            },
            "tls": {"certificates": certificates.config("localhost")},
        },
        transport="tcp",
    )
    since = server.log_size()
    with HaProxy(tmp_path / "haproxy", server) as proxy:
        login_tls, gate_tls = (
            Endpoint("tls", proxy.address(port), certificates.trust("issuer"), "localhost")
            for port in ("8001", "8888")
        )
        gate, user = play(login_tls, gate_tls)
        with gate:
            told = rf"over tls TLSv1\.3 TLS_\w+ via {PROXY}:\d+"
            server.wait_log(rf"login {CLIENT}:\d+ {told} done, suite plain", since)
            server.wait_log(rf"{user} is in from {CLIENT}:\d+ {told}, suite plain", since)
            line = next(line for line in lines_of_gate(server) if line["transport"] == "tls")
            assert line["proxy"] == PROXY and line["tls"].startswith("TLSv1.3 TLS_"), line
        play(proxy.address("8001"), proxy.address("8888"))[0].close()


def test_what_haproxy_agreed_on_with_the_client_is_told(server, certificates, tmp_path):
    pem = tmp_path / "both.pem"
    pem.touch(mode=0o600)
    with open(pem, "w") as both:
        for part in (certificates.pem("localhost"), certificates.key("localhost")):
            both.write(open(part).read())
    since = server.log_size()
    with HaProxy(tmp_path / "haproxy", server, certificate=pem) as proxy:
        login_tls, gate_tls = (
            Endpoint("tls", proxy.address(port), certificates.trust("issuer"), "localhost")
            for port in ("8002", "8889")
        )
        gate, user = play(login_tls, gate_tls)
        with gate:
            told = rf"over tcp via {PROXY}:\d+ \(TLSv1\.3 TLS_\w+\)"
            server.wait_log(rf"login {CLIENT}:\d+ {told} done, suite plain", since)
            server.wait_log(rf"{user} is in from {CLIENT}:\d+ {told}, suite plain", since)
            row = wait_until(lambda: audited(server, user), 10 * PATIENCE, "the login is audited")
            assert row[0][2] == "tcp" and row[0][3].startswith("TLSv1.3 TLS_"), row
            lines = [line for line in lines_of_gate(server) if "tls" in line]
            assert len(lines) == 1 and lines[0]["tls"].startswith("TLSv1.3 TLS_"), lines
