"""The servers that are measured: each is started in a folder of its own and ended by its id."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from certificates import Certificates  # noqa: E402
from waiting import wait_until  # noqa: E402

BENCH = Path(__file__).resolve().parent
START_S = 20
STOP_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A server with `login` and `gate` addresses; login is None for the bare echo server."""

    name = ""
    login = None
    gate = None

    def __init__(self):
        # In memory where there is such a place: no disk in the figures.
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="gatehouse-bench-", dir=shm)
        self.path = Path(self.folder.name)
        self.log = self.path / "server.log"
        self.process = None

    def spawn(self, command, cwd=None, stdout=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL,
                stdout=stdout or log, stderr=log)

    def wait_until_ready(self, is_ready):
        def check():
            assert self.process.poll() is None, self.log_end()
            return is_ready()

        wait_until(check, START_S, f"{self.name} to start")

    def log_end(self):
        return self.log.read_text(errors="replace")[-2000:]

    @property
    def pid(self):
        return self.process.pid

    def login_over(self, transport):
        """The address of the login port that serves this transport."""
        assert transport == "tcp", "servers without an edge have one login port"
        return self.login

    def sockets(self):
        folder = f"/proc/{self.pid}/fd"
        return sum(os.readlink(f"{folder}/{name}").startswith("socket:")
                   for name in os.listdir(folder))

    def memory_kib(self):
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1024

    def stop(self):
        """Ends the process; its folder stays, so that start() finds what it has stored."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()


class RawEcho(Process):
    name = "raw"

    def __init__(self, binary):
        super().__init__()
        self.binary = binary

    def start(self):
        self.spawn([self.binary], stdout=subprocess.PIPE)
        port = self.process.stdout.readline().decode().strip()
        assert port, self.log.read_text()
        self.gate = f"127.0.0.1:{port}"


def make_certificate(folder):
    """Certificates with one for `localhost`, whose key is ECDSA on P-256."""
    certificates = Certificates(folder / "certificates")
    certificates.make_for("localhost", "localhost", "DNS:localhost")
    return certificates


class RawTls(Process):
    name = "raw"

    def __init__(self, binary):
        super().__init__()
        self.binary = binary

    def start(self):
        made = make_certificate(self.path)
        self.spawn([self.binary, made.pem("localhost"), made.key("localhost")],
                   stdout=subprocess.PIPE)
        port = self.process.stdout.readline().decode().strip()
        assert port, self.log.read_text()
        self.gate = f"127.0.0.1:{port}"


def checkout_of(binary):
    """Where a gatehouse finds its Lua and SQL: the tree it was built in, else this one."""
    parents = Path(binary).absolute().parents
    if len(parents) > 2 and (parents[2] / "lua/service/msgagent.lua").exists():
        return parents[2]
    return ROOT


class Gatehouse(Process):
    def __init__(self, binary, name="gatehouse", workers=2, changes=None):
        super().__init__()
        self.name = name
        self.binary = binary
        self.checkout = checkout_of(binary)
        self.config = {
            "workers": workers,
            "login": {
                "listen": [{"transport": "tcp", "address": "127.0.0.1:0", "suites": ["skynet"]}],
                "policy": str(BENCH / "no_hash.lua"),
            },
            "gate": {
                "gates": [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": 100000}],
            },
            "agent": {"module": str(BENCH / "echo.lua"), "afk_timeout_ms": 3600000},
            "store": {"driver": "sqlite", "sqlite": {"path": str(self.path / "gatehouse.db")}},
            "auth": {"registration": "auto"},
            "log": {"level": "error"},
            "limits": {"profile": "off"},
        }
        for key, value in (changes or {}).items():
            self.config.setdefault(key, {}).update(value)

    def start(self):
        ready = self.path / "ready.json"
        ready.unlink(missing_ok=True)
        config = self.path / "config.json"
        config.write_text(json.dumps(self.config))
        self.spawn([self.binary, "--config", config, "--ready-file", ready],
                   cwd=self.checkout)
        self.wait_until_ready(ready.exists)
        addresses = json.loads(ready.read_text())
        self.logins_over = {
            entry["transport"]: entry["address"] for entry in addresses["login"]
        }
        self.login = self.logins_over["tcp"]
        self.gate = addresses["gate"][0]["address"]
        self.admin = addresses.get("admin")

    def open_edge(self, is_encrypted, suite):
        """Before start(): logins in this suite; with a certificate, and then over TLS, too."""
        self.config["login"]["listen"] = [
            {"transport": transport, "address": "127.0.0.1:0", "suites": ["skynet", suite]}
            for transport in (("tcp", "tls") if is_encrypted else ("tcp",))
        ]
        if suite == "x25519":
            self.config["login"] |= {
                "identity_key_file": str(self.path / "identity.pem"), "identity_key_make": True,
            }
        if is_encrypted:
            self.config["tls"] = {"certificates": make_certificate(self.path).config("localhost")}

    def login_over(self, transport):
        return self.logins_over[transport]

    def logins(self):
        """Good logins so far; needs admin.listen."""
        with urllib.request.urlopen(f"http://{self.admin}/metrics") as answer:
            text = answer.read().decode()
        found = re.search(r'^gatehouse_login_total\{result="ok"\} (\d+)', text, re.MULTILINE)
        return int(found[1]) if found else 0

    def refused(self):
        """What limits refused, by where and why; needs admin.listen."""
        with urllib.request.urlopen(f"http://{self.admin}/metrics") as answer:
            text = answer.read().decode()
        found = re.findall(r"^gatehouse_refused_total(\{.*\}) ([1-9]\d*)", text, re.MULTILINE)
        return {labels: int(count) for labels, count in found}

    def compute_beside(self, worker):
        """Before start(): lets compute.lua run too, on `worker` (Lua: an index or a string)."""
        service = os.path.relpath(BENCH / "compute", self.checkout / "lua/service")
        policy = self.path / "policy.lua"
        policy.write_text(
            'local core <const> = require "skynet.core"\n'
            f'assert(core.launch("snlua", "{service}", {worker}))\n'
            f'return assert(core.loadfile "{BENCH}/no_hash.lua")()\n')
        self.config["login"]["policy"] = str(policy)


SKYNET_CONFIG = """
thread = {workers}
harbor = 0
start = "{start}"
bootstrap = "snlua bootstrap"
luaservice = "./service/?.lua;{bench}/peer/?.lua;{bench}/services/?.lua"
lualoader = "lualib/loader.lua"
cpath = "./cservice/?.so"
"""


class Skynet(Process):
    """A skynet that somebody built in `checkout`."""

    name = "skynet"

    def __init__(self, checkout, workers=2):
        super().__init__()
        self.checkout = Path(checkout)
        self.workers = workers

    def start(self):
        login, gate = free_port(), free_port()
        config = self.path / "config"
        config.write_text(
            SKYNET_CONFIG.format(workers=self.workers, bench=BENCH, start="bench_main")
            + f'bench_login_port = "{login}"\nbench_gate_port = "{gate}"\n')
        self.spawn([self.checkout / "skynet", config], cwd=self.checkout)
        self.wait_until_ready(lambda: "READY" in self.log.read_text(errors="replace"))
        self.login = f"127.0.0.1:{login}"
        self.gate = f"127.0.0.1:{gate}"
