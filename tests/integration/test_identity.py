"""The server's identity: who makes the key, who may read it, what clients pin; and which suites a
login port may offer beyond this machine."""

import base64
import json
import os
import shutil
import signal
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from gatectl import GATECTL
from gatehouse_client import Gate, Stream, login, login_x25519
from server import BINARY, PATIENCE, ROOT, Server, run, write_private
from waiting import wait_until

SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before the 32 bytes


def identity(*arguments, code=0, umask=0o22):
    done = subprocess.run(
        [GATECTL, "identity", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        umask=umask,
        timeout=60 * PATIENCE,
        check=False,
    )
    assert done.returncode == code, done
    return done.stderr if code else done.stdout


def make(path):
    """The raw public half of a new key in the file."""
    return base64.b64decode(json.loads(identity(path, "--json"))["public_key"]["base64"])


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_the_key_is_its_makers_alone(tmp_path, umask):
    path = tmp_path / "etc/identity.pem"
    identity(path, umask=umask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == [path.name]


def test_the_public_half_in_every_form(tmp_path):
    path = tmp_path / "identity.pem"
    made = identity(path)
    forms = json.loads(identity(path, "--show", "--json"))["public_key"]
    public = base64.b64decode(forms["base64"])
    assert len(public) == 32 and forms["hex"] == public.hex()
    assert forms["pem"].encode() == openssl("pkey", "-in", path, "-pubout")
    assert base64.b64decode("".join(forms["pem"].splitlines()[1:-1])) == SPKI + public
    shown = identity(path, "--show")
    for text in (made, shown):
        for form in forms.values():
            assert form.strip() in text, text
        assert "PRIVATE" not in text


def test_a_key_that_is_there_stays(tmp_path):
    path = tmp_path / "identity.pem"
    identity(path)
    before = path.read_bytes()
    assert "exists already" in identity(path, code=1)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "gone.pem")
    assert "exists already" in identity(link, code=1)
    assert sorted(os.listdir(tmp_path)) == ["identity.pem", "link.pem"]


def test_not_where_others_could_change_it(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    assert "chmod o-w" in identity(folder / "identity.pem", code=1)
    assert os.listdir(folder) == []


def test_the_configuration_says_where(tmp_path):
    write_private(tmp_path / "c.json", json.dumps({"login": {"identity_key_file": "own.pem"}}))
    identity("--config", tmp_path / "c.json")
    assert (tmp_path / "own.pem").exists()
    write_private(tmp_path / "c.json", "{}")
    assert "login.identity_key_file" in identity("--config", tmp_path / "c.json", code=2)


def x25519_server(folder, **more):
    entry = {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["x25519"]}
    return {"login": {"listen": [entry], "identity_key_file": str(folder / "i.pem")} | more}


def refused(server, *words):
    """`check` and the start say the same."""
    write_private(server.config_path, json.dumps(server.config))
    code, checked = run("check", "--config", server.config_path)
    assert code == 2, checked
    code, started = run("--config", server.config_path)
    assert code == 2 and started == checked
    for word in words:
        assert word in checked, checked


def test_what_is_no_identity_is_refused(tmp_path):
    server = Server(tmp_path / "server", x25519_server(tmp_path))
    path = tmp_path / "i.pem"
    at = f"login.identity_key_file: {path}"
    refused(server, at, "does not exist", "gatectl identity")
    make(path)
    path.chmod(0o644)
    refused(server, at, "chmod")
    path.chmod(0o600)
    path.write_bytes(openssl("genpkey", "-algorithm", "x25519"))
    refused(server, at, "is no Ed25519 private key")
    path.write_text("")
    refused(server, at, "is no Ed25519 private key")
    path.write_bytes(openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret"))
    refused(server, at, "without a password")
    path.write_bytes(openssl("genpkey", "-algorithm", "ed25519"))
    code, output = run("check", "--config", server.config_path)
    assert code == 0 and "clients pin" in output, output
    del server.config["login"]["identity_key_file"]
    refused(server, "login.listen[0].suites: x25519 needs login.identity_key_file")


def test_a_client_gets_in_by_the_key_it_pins_and_by_no_other(tmp_path):
    public = make(tmp_path / "i.pem")
    with Server(tmp_path / "server", x25519_server(tmp_path)) as server:
        done = login(server.login, "ann", "secret", "sample", "x25519", identity=public)
        assert done.code == 200 and len(done.secret) == 32, done.line
        assert set(done.extras) == {"gate", "ticket", "ticket_expires", "uid"}
        with pytest.raises(InvalidSignature):
            login(server.login, "ann", "secret", "sample", "x25519",
                  identity=make(tmp_path / "other.pem"))
        wrong = login(server.login, "ann", "wrong", "sample", "x25519", identity=public)
        assert wrong.line == "401 Unauthorized"
        with Gate(server.gate()) as gate:
            assert gate.handshake(done) == "200 OK"
            assert gate.request("hello") == b"hello"
        again = login(server.login, "ann", None, "sample", "x25519", identity=public,
                      ticket=done.extras["ticket"])
        assert again.code == 200, again.line
        refusal = login(server.login, "ann", "secret", "sample", "plain")
        assert refusal.line == "426 Upgrade Required"
        assert base64.b64encode(public).decode() in server.log()
        for line in (tmp_path / "i.pem").read_text().splitlines()[1:-1]:
            assert line not in server.log()


def test_the_answer_is_sealed_for_who_asks(tmp_path):
    """With the ticket in it somebody who only listens could log in."""
    public = make(tmp_path / "i.pem")
    with Server(tmp_path / "server", x25519_server(tmp_path)) as server:
        seen = []

        class Listener(Stream):
            def read_line(self):
                seen.append(super().read_line())
                return seen[-1]

        for sealed in (True, False):
            with Listener(server.login) as stream:
                done = login_x25519(
                    stream, "ann", "secret", "sample", identity=public, sealed=sealed
                )
            assert done.code == 200 and done.extras["ticket"] and done.extras["uid"] == "ann"
            answer = base64.b64decode(seen[-1].split(" ")[2])
            assert (b"ticket" in answer) != sealed
        with Listener(server.login) as stream:
            refused_login = login_x25519(stream, "ann", "wrong", "sample", identity=public)
        assert refused_login.line == "401 Unauthorized", "refusals are as they are"


def test_another_key_takes_a_restart(tmp_path):
    first = make(tmp_path / "i.pem")
    with Server(tmp_path / "server", x25519_server(tmp_path)) as server:
        (tmp_path / "i.pem").unlink()
        second = make(tmp_path / "i.pem")
        server.signal(signal.SIGHUP)
        server.wait_log("login.identity_key_file has changed, which takes a restart")
        assert login(server.login, "ann", "x", "sample", "x25519", identity=first).code == 200
    with Server(tmp_path / "server", x25519_server(tmp_path)) as server:
        assert login(server.login, "ann", "x", "sample", "x25519", identity=second).code == 200


def test_the_quickstart_makes_its_own(tmp_path):
    """config/quickstart.json as it is, but for ports, the cost of hashes, and where it lies."""
    (tmp_path / "config").mkdir()
    config = json.loads((ROOT / "config/quickstart.json").read_text())
    config["login"]["listen"][0]["address"] = "127.0.0.1:0"
    for gate in config["gate"]["gates"]:
        gate["listen"] = "127.0.0.1:0"
    config["auth"]["argon2"] = {"memory_kib": 1024, "passes": 1, "lanes": 1}
    path = tmp_path / "config/quickstart.json"
    write_private(path, json.dumps(config))
    code, output = run("check", "--config", path)
    assert code == 0 and "made at the start" in output, output
    assert os.listdir(tmp_path) == ["config"], "looking makes nothing"
    for start in range(2):
        log, ready = tmp_path / f"log{start}", tmp_path / f"ready{start}"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [BINARY, "--config", path, "--ready-file", ready], stdout=out, cwd=tmp_path
            )
        try:
            wait_until(ready.exists, 20 * PATIENCE, "the ready file")
            shown = json.loads(identity(tmp_path / "var/identity.pem", "--show", "--json"))
            address = json.loads(ready.read_text())["login"][0]["address"]
            for suite, more in (
                ("x25519", {"identity": base64.b64decode(shown["public_key"]["base64"])}),
                ("skynet", {}),
                ("plain", {}),
            ):
                done = login(
                    address, suite, "secret", "sample", suite, timeout=30 * PATIENCE, **more
                )
                assert done.code == 200, done.line
        finally:
            process.terminate()
            assert process.wait(30 * PATIENCE) == 0
        text = log.read_text()
        assert ("there was none" in text) == (start == 0), text
        assert "suites x25519, plain, skynet" in text and "hide nothing" in text
    assert (tmp_path / "var/identity.pem").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(tmp_path / "var")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "login.example:0"])
@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_suites_that_protect_nothing_are_meant_or_refused(tmp_path, suite, address):
    make(tmp_path / "i.pem")
    changes = x25519_server(tmp_path)
    listener = changes["login"]["listen"][0] | {"address": address}
    changes["login"]["listen"] = [listener]
    server = Server(tmp_path / "server", changes)
    write_private(server.config_path, json.dumps(server.config))
    code, output = run("check", "--config", server.config_path)
    assert code == 0 and "insecure" not in output, output
    server.config["login"]["listen"] = [listener | {"suites": ["x25519", suite]}]
    refused(server, f"login.listen[0].suites: {suite}", '"insecure": true')
    server.config["login"]["listen"][0]["insecure"] = True
    write_private(server.config_path, json.dumps(server.config))
    code, output = run("check", "--config", server.config_path)
    assert code == 0 and f"warning: login.listen[0].insecure: {suite}" in output, output


def test_a_start_that_is_insecure_says_so_each_time(tmp_path):
    """On an address that is loopback, but does not look like it."""
    changes = {"login": {"listen": [
        {
            "transport": "tcp",
            "address": "LOCALHOST:0",
            "suites": ["plain", "skynet"],
            "insecure": True,
        }
    ]}}
    for _ in range(2):
        with Server(tmp_path, changes) as server:
            for suite in ("plain", "skynet"):
                server.wait_log(rf"login\.listen\[0\]\.insecure: {suite}")
                assert login(server.login, suite, "secret", "sample", suite).code == 200
        server.log_path.unlink()
