"""Starts the program under test on ephemeral ports, and proves that it ends cleanly."""

import contextlib
import copy
import json
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

from certificates import Certificates
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from transports import Endpoint
from waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("GATEHOUSE_BINARY", ROOT / "build/release/gatehouse")).absolute()
SANITIZED = os.environ.get("GATEHOUSE_SANITIZED") == "1"
# Sanitizers slow the server down: bounds on elapsed time are widened by this factor.
PATIENCE = 6 if SANITIZED else 1
ENCRYPTED = ("tls", "wss")  # transports of a login port that need a certificate
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|ASSERT")


def raise_descriptor_limit():
    """To the hard limit, for this process and the servers it starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def merged(base, changes):
    """base with changes laid over it; dictionaries are merged, all else is replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def write_private(path, text):
    """A configuration may hold secrets: others may not read it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def base_config(folder):
    return {
        "roles": ["login", "gate"],
        "workers": 2,
        "login": {
            "listen": [
                {"transport": "tcp", "address": "127.0.0.1:0", "suites": ["plain", "skynet"]}
            ]
        },
        "gate": {
            "gates": [
                {"server": "sample", "listen": "127.0.0.1:0", "maxclient": 5000},
                {"server": "cocos1", "listen": "127.0.0.1:0", "maxclient": 5000},
            ]
        },
        "agent": {
            "module": "lua/game/player.lua",
            "rescue_folder": str(Path(folder) / "rescue"),
        },
        "store": {"driver": "sqlite", "sqlite": {"path": str(Path(folder) / "gatehouse.db")}},
        # Whole crowds come from one address here; what that is about sets its own rate.
        "limits": {"address_connections_per_s": 0},
        # The cheapest password hash: what is tested here is not its cost.
        "auth": {
            "registration": "auto",
            "argon2": {"memory_kib": 1024, "passes": 1, "lanes": 1},
        },
    }


class Server:
    """One server process. Use `with Server(folder) as server`; leaving stops it cleanly.

    transport: how the login ports are served, whatever `changes` say of them, and how clients get
    to login and gates. Where a login port needs a certificate there is one for localhost, unless
    `changes` bring some.
    """

    def __init__(self, folder, changes=None, arguments=(), transport="tcp"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = merged(base_config(self.folder), changes or {})
        self.transport = transport
        self.certificates = None
        listeners = self.config["login"]["listen"]
        if transport != "tcp":
            for entry in listeners:
                entry["transport"] = transport
        encrypted = [entry["transport"] for entry in listeners if entry["transport"] in ENCRYPTED]
        if encrypted and "tls" not in self.config:
            self._use_certificate()
        self.config_path = self.folder / "config.json"
        self.ready_path = self.folder / "ready.json"
        self.log_path = self.folder / "server.log"
        self.arguments = list(arguments)
        self.process = None
        self.ready = {}

    def start(self):
        write_private(self.config_path, json.dumps(self.config, indent=2))
        self.ready_path.unlink(missing_ok=True)
        command = [BINARY, "--config", self.config_path, "--ready-file", self.ready_path]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command + self.arguments,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._is_ready, 20 * PATIENCE, "ready file")
        except BaseException:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.log()[-3000:]}") from None
        self.ready = json.loads(self.ready_path.read_text())
        return self

    def _is_ready(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}"
        return self.ready_path.exists()

    @property
    def pid(self):
        return self.process.pid

    def _use_certificate(self):
        self.certificates = Certificates(self.folder / "certificates")
        self.certificates.make_issuer("issuer")
        self.certificates.make_for("localhost", "issuer", "DNS:localhost,IP:127.0.0.1")
        self.config["tls"] = {"certificates": self.certificates.config("localhost")}

    def over(self, transport):
        """The same server, whose login and gates are spoken to in another way."""
        view = copy.copy(self)
        view.transport = transport
        return view

    def endpoint(self, address):
        """How a client gets to one of the server's ports: a plain address where that is all."""
        if self.transport == "tcp":
            return address
        context = self.certificates.trust("issuer") if self.certificates else None
        return Endpoint(self.transport, address, context, "localhost")

    @property
    def identity(self):
        """The raw public half of login.identity_key_file: what clients pin."""
        path = self.folder / self.config["login"]["identity_key_file"]
        key = load_pem_private_key(path.read_bytes(), None).public_key()
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def login_address(self):
        """host:port of the first login port of this transport, or else of all."""
        entries = self.ready["login"]
        own = [entry for entry in entries if entry["transport"] == self.transport]
        return (own or entries)[0]["address"]

    @property
    def login(self):
        return self.endpoint(self.login_address)

    def gate(self, server="sample"):
        """The gate's address; the ready file lists gates in the order of the configuration."""
        names = [gate["server"] for gate in self.config["gate"]["gates"]]
        return self.endpoint(self.ready["gate"][names.index(server)]["address"])

    def log(self, since=0):
        return self.log_path.read_text(errors="replace")[since:] if self.log_path.exists() else ""

    def log_size(self):
        return len(self.log())

    def wait_log(self, pattern, since=0, timeout=10.0):
        return wait_until(
            lambda: re.search(pattern, self.log(since)),
            timeout * PATIENCE,
            f"log line /{pattern}/ in\n{self.log(since)[-3000:]}",
        )

    def memory_kib(self, field="VmRSS"):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1])

    def sockets(self):
        """Those of its descriptors: a worker may open others of its own after the start."""
        folder, count = f"/proc/{self.pid}/fd", 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(f"{folder}/{name}").startswith("socket:")
        return count

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20.0):
        return self.process.wait(timeout * PATIENCE)

    def stop(self):
        """SIGTERM; the server must end by itself with 0 and without a sanitizer's report."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.finish()

    def finish(self):
        """Waits for the end of a server that was told to; a second SIGTERM would cut it off."""
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end after SIGTERM:\n{self.log()[-3000:]}") from None
        self.process = None
        assert code == 0, f"exit code {code}:\n{self.log()[-3000:]}"
        self.assert_no_report()

    def assert_no_report(self):
        report = REPORT.search(self.log())
        assert report is None, self.log()[report.start() - 200 : report.start() + 4000]

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *unused):
        if kind is None:
            self.stop()
        else:
            self.kill()


def run(*arguments, timeout=30.0):
    """Runs the program to its end: (exit code, everything that it printed)."""
    done = subprocess.run(
        [BINARY, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout * PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
