"""TLS on the ports of login and gate (docs/protocol.md 1.7), with OpenSSL's own client and Python's
as peers: versions, resumption, names, certificates that are changed while players play."""

import json
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.request

import gatehouse_client as client
import pytest
from certificates import Certificates
from server import PATIENCE, Server, run, write_private
from transports import Endpoint
from waiting import wait_until

NAMES = "DNS:localhost,IP:127.0.0.1"
INTERNAL_ERROR = b"\x15\x03\x01\x00\x02\x02\x50"  # a fatal alert, RFC 8446 section 6
SOON = r"expires in (1 day|2 days)"


@pytest.fixture(scope="module", name="made")
def fixture_made(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.make_issuer("issuer")
    made.make_for("localhost", "issuer", NAMES)
    made.make_for("rsa", "issuer", NAMES, key="rsa")
    made.make_for("other", "issuer", "DNS:other.test", days=100)
    made.make_for("newer", "issuer", NAMES, days=100)
    made.make_expired("expired", "issuer", NAMES)
    return made


def settings(made, *names, **tls):
    return {
        "login": {
            "listen": [
                {"transport": "tls", "address": "127.0.0.1:0", "suites": ["plain"]},
                {"transport": "auto", "address": "127.0.0.1:0", "suites": ["plain", "skynet"]},
            ]
        },
        "tls": {"certificates": made.config(*names), **tls},
        "admin": {"listen": "127.0.0.1:0"},
    }


@pytest.fixture(scope="module", name="server")
def fixture_server(made, tmp_path_factory):
    changes = settings(made, "localhost", "rsa", "other")
    with Server(tmp_path_factory.mktemp("tls"), changes) as server:
        yield server


def address_of(server, port):
    return server.ready[port][0]["address"]


def s_client(made, address, *options):
    """What OpenSSL's client says of a connection that it ends by itself."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-CAfile", made.pem("issuer"), *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def metric(server, line):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(rf"^gatehouse_{re.escape(line)} (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def log_in(server, made, user, gate_transport="tls", **how):
    """A player who logged in and is connected, all of it over TLS."""
    context = made.trust("issuer")
    where = Endpoint("tls", address_of(server, "login"), context, "localhost", **how)
    login = client.login(where, user, "secret", "sample")
    assert login.code == 200, login
    gate = client.Gate(Endpoint(gate_transport, address_of(server, "gate"), context, "localhost"))
    assert gate.handshake(login).startswith("200")
    return gate


def test_players_play_over_tls_on_every_worker(server, made):
    gates = [log_in(server, made, f"player{n}") for n in range(8)]
    for n, gate in enumerate(gates):
        content = bytes([n]) * (7_000 * n + 1)
        assert gate.request(content) == content
    for gate in gates:
        gate.close()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("port", ["login", "gate"])
def test_openssl_comes_in_and_resumes(server, made, tmp_path, version, port):
    address = address_of(server, port)

    def visit(*options, until=lambda: True):
        """The end of its input ends it, once it has what it waits for."""
        command = ["openssl", "s_client", "-connect", address, "-CAfile", made.pem("issuer"),
                   "-alpn", f"gatehouse.{port}.1", version, *options]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as peer:
            try:
                wait_until(until, 20 * PATIENCE, "a ticket")
            finally:
                said = peer.communicate(timeout=20 * PATIENCE)[0]
            return said

    session = tmp_path / "session"
    first = visit("-sess_out", session,
                  until=lambda: session.exists() and session.stat().st_size)
    assert "Verify return code: 0 (ok)" in first, first
    assert f"ALPN protocol: gatehouse.{port}.1" in first
    assert "New, TLSv1" in first
    second = visit("-sess_in", session)
    assert "Reused, TLSv1" in second, second


def test_a_client_gets_the_certificate_for_its_name(server, made):
    for name, subject in (("localhost", "localhost"), ("other.test", "other")):
        said = s_client(made, address_of(server, "gate"), "-servername", name)
        assert f"subject=CN = {subject}\n" in said, said
    said = s_client(made, address_of(server, "gate"), "-sigalgs", "RSA-PSS+SHA256")
    assert "subject=CN = rsa\n" in said, said


def test_versions_and_protocols_that_are_not_spoken(server, made):
    failed = metric(server, 'tls_handshakes_total{result="failed"}')
    said = s_client(made, address_of(server, "gate"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in said, said
    said = s_client(made, address_of(server, "gate"), "-alpn", "h2")
    assert "no application protocol" in said, said
    wait_until(
        lambda: metric(server, 'tls_handshakes_total{result="failed"}') >= failed + 2,
        10 * PATIENCE, "both are counted",
    )
    server.wait_log(r"no TLS handshake: tls: ")


def test_tls_1_3_alone(made, tmp_path):
    with Server(tmp_path, settings(made, "localhost", min_version="1.3")) as server:
        address = address_of(server, "gate")
        assert "alert protocol version" in s_client(made, address, "-tls1_2")
        assert "Verification: OK" in s_client(made, address, "-tls1_3")


def test_one_login_port_serves_tls_and_silent_tcp(server, made):
    address = server.ready["login"][1]["address"]
    context = made.trust("issuer")
    over_tls = Endpoint("tls", address, context, "localhost")
    assert client.login(over_tls, "auto1", "secret", "sample").code == 200
    assert client.login(address, "auto2", "secret", "sample").code == 200


def dial(address):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20 * PATIENCE)


def serial(context, address):
    """Of the certificate that a new connection gets."""
    with dial(address) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            return encrypted.getpeercert()["serialNumber"]


def put(made, name, target):
    """The files of `name` become those that the server reads as `target`."""
    for of in (made.pem, made.key):
        shutil.copyfile(of(name), of(target))


def test_certificates_are_changed_under_players(made, tmp_path):
    own = Certificates(tmp_path / "own")
    for name in ("issuer", "localhost", "newer"):
        for of in ("pem", "key"):
            shutil.copy(getattr(made, of)(name), getattr(own, of)(name))
    put(own, "localhost", "used")
    for name in ("used", "newer", "localhost"):
        (own.folder / f"{name}.key").chmod(0o600)
    with Server(tmp_path / "server", settings(own, "used")) as server:
        gauge = f'tls_certificate_expiry_timestamp_seconds{{file="{own.pem("used")}"}}'
        before = metric(server, gauge)
        server.wait_log(rf"tls.certificates\[0\]: the certificate for localhost {SOON}")
        gates = [log_in(server, own, f"player{n}") for n in range(4)]
        context = own.trust("issuer")
        first = serial(context, address_of(server, "gate"))

        # A key that belongs to another certificate: everything stays.
        shutil.copyfile(own.key("newer"), own.key("used"))
        since = server.log_size()
        server.signal(signal.SIGHUP)
        server.wait_log(r"the certificates are not read again, those before stay: "
                        r"tls.certificates\[0\]: .*private key mismatch", since)
        assert metric(server, "tls_certificates_refused_total") == 1
        assert serial(context, address_of(server, "gate")) == first
        for gate in gates:
            assert gate.request("still here") == b"still here"

        # A session of before is resumed at the certificate of after.
        session = None
        with dial(address_of(server, "login")) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
                encrypted.recv(1)  # the challenge, and the ticket before it
                session = encrypted.session
        put(own, "newer", "used")
        since = server.log_size()
        server.signal(signal.SIGHUP)

        def is_read_while_they_play():
            for gate in gates:
                assert gate.request("no pause") == b"no pause"
            return "the certificates are read again" in server.log(since)

        wait_until(is_read_while_they_play, 20 * PATIENCE, "new certificates", interval=0)
        assert serial(context, address_of(server, "gate")) != first
        assert metric(server, gauge) > before + 90 * 86_400
        with dial(address_of(server, "login")) as plain:
            with context.wrap_socket(
                plain, server_hostname="localhost", session=session
            ) as encrypted:
                assert encrypted.session_reused
        for gate in gates:
            assert gate.request("the same connection") == b"the same connection"
            gate.close()


def test_more_handshakes_than_allowed_are_turned_away(made, tmp_path):
    changes = settings(made, "localhost")
    changes["limits"] = {"tls_handshakes_per_s": 1}
    with Server(tmp_path, changes) as server:
        def is_one_refused():
            """Handshakes that begin together; those that may wait in vain for the rest of it."""
            peers = [dial(address_of(server, "gate")) for _ in range(4)]
            for peer in peers:
                peer.sendall(b"\x16\x03\x01")
            readable, _, _ = select.select(peers, [], [], 1)
            heard = [peer.recv(100) for peer in readable]
            for peer in peers:
                peer.close()
            return INTERNAL_ERROR in heard

        wait_until(is_one_refused, 20 * PATIENCE, "a handshake is refused", interval=0)
        assert metric(server, 'refused_total{where="gate",reason="tls_handshakes_max"}') >= 1
        assert metric(server, 'tls_handshakes_total{result="over_rate"}') >= 1


def test_a_port_without_a_certificate_refuses_tls(tmp_path):
    with Server(tmp_path) as server:
        context = ssl.create_default_context()
        with dial(address_of(server, "gate")) as plain:
            with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
                context.wrap_socket(plain, server_hostname="localhost")


def check(tmp_path, config):
    path = tmp_path / "config.json"
    write_private(path, json.dumps(config))
    return run("check", "--config", str(path))


def test_check_names_what_is_wrong(made, tmp_path):
    def config(*names):
        return Server(tmp_path / "none", settings(made, *names)).config

    code, said = check(tmp_path, config("localhost"))
    assert code == 0 and "tls: 1 certificate, TLS 1.2 and 1.3" in said, said
    assert re.search(rf"warning: tls.certificates\[0\]: the certificate for localhost {SOON}", said)
    code, said = check(tmp_path, config("other", "expired"))
    assert code == 0 and "tls.certificates[1]: the certificate for localhost has expired" in said

    mixed = config("other", "localhost")
    mixed["tls"]["certificates"][1]["key_file"] = made.key("other")
    code, said = check(tmp_path, mixed)
    assert code == 2 and "tls.certificates[1]: " in said and "key mismatch" in said, said
    mixed["tls"]["certificates"][1]["key_file"] = "/nowhere/key"
    code, said = check(tmp_path, mixed)
    assert code == 2 and said.startswith("tls.certificates[1].key_file: "), said
    shutil.copyfile(made.key("other"), tmp_path / "open.key")
    (tmp_path / "open.key").chmod(0o644)
    mixed["tls"]["certificates"][1] = {
        "certificate_file": made.pem("other"), "key_file": str(tmp_path / "open.key"),
    }
    code, said = check(tmp_path, mixed)
    assert code == 2 and "may read it" in said, said
    without = config("localhost")
    without["tls"]["certificates"] = []
    code, said = check(tmp_path, without)
    assert code == 2 and "login.listen[0].transport: tls needs tls.certificates" in said, said
