"""deploy/README.md from top to bottom, as an operator goes through it, on a real MariaDB.

Its commands are run as they stand there, with the folders of an installation below a temporary
one; what the unit says is done as systemd would. Not done: making users, and systemd itself.
"""

import json
import os
import re
import shlex
import signal
import subprocess

import pytest
from gatehouse_client import Gate, login
from server import BINARY, PATIENCE, ROOT
from waiting import wait_until

README = ROOT / "deploy/README.md"


class Machine:
    """A folder in which the paths of deploy/README.md exist."""

    def __init__(self, folder, mariadb):
        self.root = folder
        self.paths = {
            path: str(folder) + path
            for path in (
                "/etc/gatehouse",
                "/etc/systemd/system",
                "/usr/local/share",
                "/var/lib/gatehouse",
                "/var/log/gatehouse",
                "/run/gatehouse",
            )
        }
        for path in list(self.paths)[1:]:
            (folder / path[1:]).mkdir(parents=True)
        self.paths["/opt/gatehouse/build/release"] = str(BINARY.parent)
        self.paths["/opt/gatehouse"] = str(ROOT)
        self.paths["build/release"] = str(BINARY.parent)
        self.work = folder / "work"
        self.work.mkdir()
        # mariadb and mariadb-dump find the server here, as on a machine where it is local.
        (folder / ".my.cnf").write_text(f"[client]\nsocket={mariadb.socket}\nuser=root\n")
        self.unit = None

    def here(self, text):
        """The text with the paths of this machine."""
        found = "|".join(re.escape(path) for path in sorted(self.paths, key=len, reverse=True))
        return re.sub(rf"(?<![\w/.])(?:{found})(?![\w])", lambda m: self.paths[m[0]], text)

    def shell(self, command, folder=ROOT, **environment):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=os.environ | {"HOME": str(self.root)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def run(self, block, folder=ROOT):
        """A block of README, command by command."""
        for line in block.splitlines():
            for command in line.split("  #")[0].split(" && "):
                self.command(command.strip(), folder)

    def command(self, command, folder):
        if command.startswith("systemctl "):
            self.manager(command.split()[1:])
        elif not command.startswith(("cmake ", "useradd ", "chgrp ", "#")) and command:
            self.shell(self.here(command.replace(" -g gatehouse", "")), folder)

    def manager(self, words):
        if words == ["daemon-reload"]:
            self.unit = Unit(self)
        elif words in (["enable", "--now", "gatehouse"], ["start", "gatehouse"]):
            self.unit.start()
        elif words == ["stop", "gatehouse"]:
            self.unit.stop()
        else:
            assert words == ["reload", "gatehouse"], words
            self.unit.reload()


class Unit:
    """deploy/gatehouse.service, obeyed."""

    def __init__(self, machine):
        self.machine = machine
        self.process = None
        text = (machine.root / "etc/systemd/system/gatehouse.service").read_text()
        self.keys = {}
        for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
            self.keys.setdefault(key, []).append(machine.here(value))

    def start(self):
        folder = self.keys["WorkingDirectory"][0]
        for command in self.keys.get("ExecStartPre", []):
            self.machine.shell(command, folder)
        [command] = self.keys["ExecStart"]
        ready = self.machine.root / "run/gatehouse/ready.json"
        ready.unlink(missing_ok=True)
        with open(self.machine.root / "journal", "ab") as journal:
            self.process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                umask=int(self.keys["UMask"][0], 8),
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: self.up(ready), 20 * PATIENCE, "the ready file")
        self.ready = json.loads(ready.read_text())
        self.login = self.ready["login"][0]["address"]
        self.gate = self.ready["gate"][0]["address"]

    def up(self, ready):
        assert self.process.poll() is None, (self.machine.root / "journal").read_text()[-3000:]
        return ready.exists()

    def reload(self):
        self.machine.shell(self.keys["ExecReload"][0], MAINPID=str(self.process.pid))

    def stop(self):
        [name], [seconds] = self.keys["KillSignal"], self.keys["TimeoutStopSec"]
        self.process.send_signal(signal.Signals[name])
        assert self.process.wait(int(seconds) * PATIENCE) == 0
        self.process = None


@pytest.fixture
def machine(tmp_path, mariadb):
    mariadb.query("DROP DATABASE IF EXISTS gatehouse")
    made = Machine(tmp_path, mariadb)
    yield made
    if made.unit is not None and made.unit.process is not None:
        made.unit.process.kill()
        made.unit.process.wait()


def blocks(heading):
    """The shell blocks of one section."""
    [section] = re.findall(rf"^# {heading}\n(.*?)(?=^# |\Z)", sections(), re.DOTALL | re.MULTILINE)
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def sections():
    """README with every heading as `# TITLE`."""
    text = re.sub(r"```sh\n.*?```", lambda m: m[0].replace("\n#", "\n #"), README.read_text(),
                  flags=re.DOTALL)
    return re.sub(r"^#+ ", "# ", text, flags=re.MULTILINE)


def edit(path, mariadb, log):
    """"Then edit it": what every operator has to fill in."""
    config = json.loads(path.read_text())
    config["login"]["listen"][0] |= {"address": "127.0.0.1:0", "suites": ["x25519", "plain"]}
    config["login"]["identity_key_file"] = str(path.with_name("identity.pem"))
    config["gate"]["gates"][0] |= {"listen": "127.0.0.1:0", "maxclient": 1000}
    config["gate"]["gates"][0].pop("advertise", None)
    config["limits"]["login_connections_max"] = 1000
    config["workers"] = 1
    config["store"]["mysql"] |= {"port": mariadb.port, "password": "gate house"}
    config["auth"]["tickets"]["keys"] = ["c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE="]
    config["auth"]["argon2"] = {"memory_kib": 1024, "passes": 1, "lanes": 1}
    config["agent"]["rescue_folder"] = str(log.parent.parent.parent / "lib/gatehouse/rescue")
    config["admin"]["listen"] = "127.0.0.1:0"
    config["log"]["file"] = str(log)
    path.write_text(json.dumps(config))


def test_the_operators_day(machine, mariadb):
    # The database, as sql/README.md says.
    text = (ROOT / "sql/README.md").read_text()
    for statement in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)[0].split(";"):
        mariadb.query(statement.replace("'...'", "'gate house'"))

    # Installation: the block of README, with the edit where it says so.
    [install, *_] = blocks("Running gatehouse as a daemon")
    log = machine.root / "var/log/gatehouse/gatehouse.log"
    config = machine.root / "etc/gatehouse/gatehouse.json"
    before, after = install.split("   # then edit it", 1)
    machine.run(before)
    edit(config, mariadb, log)
    machine.run(after.split("\n", 1)[1])
    unit = machine.unit

    tool = f"{BINARY.parent}/gatectl --config {config} --set admin.listen={unit.ready['admin']} "
    machine.shell(f"printf 'first words\\n' | {tool} account add ann")
    first = login(unit.login, "ann", "first words", "sample", "plain")
    assert first.code == 200, first.line
    with Gate(unit.gate) as gate:
        assert gate.handshake(first, 1) == "200 OK"
        gate.request("note of the first day", 1)
    # The next login ends and saves this one.
    first = login(unit.login, "ann", "first words", "sample", "plain")
    assert json.loads(machine.shell(f"{tool} status --json"))
    machine.run(blocks("gatectl")[0])

    # logrotate: the file goes away, and the reload opens it anew.
    log.rename(log.with_suffix(".1"))
    machine.run("systemctl reload gatehouse")
    wait_until(log.exists, 20 * PATIENCE, "the log opened anew")

    # A backup while the server runs; what follows it is to be forgotten, or must not come back.
    [dump, restore] = blocks("Backup")
    machine.run(dump, machine.work)
    machine.shell(f"printf 'second words\\n' | {tool} account passwd ann")
    second = login(unit.login, "ann", "second words", "sample", "plain")
    assert second.code == 200, second.line
    machine.shell(f"{tool} account revoke ann")
    assert ticket_login(unit, second) == 401, "revoked"

    machine.run(restore, machine.work)
    assert ticket_login(unit, first) == ticket_login(unit, second) == 401, "none comes back"
    again = login(unit.login, "ann", "first words", "sample", "plain")
    assert again.code == 200, "the backup's password"
    with Gate(unit.gate) as gate:
        assert gate.handshake(again, 1) == "200 OK"
        assert gate.request("note", 1) == b"of the first day", "and its data"

    # An update: the tables first, then the new program.
    machine.run("systemctl stop gatehouse")
    machine.shell(f"{BINARY.parent}/gatectl --config {config} migrate")
    machine.run("systemctl start gatehouse")
    assert login(unit.login, "ann", "first words", "sample", "plain").code == 200
    machine.run("systemctl stop gatehouse")
    rows = mariadb.query("SELECT COUNT(*) FROM account WHERE session_gate <> ''", "gatehouse")
    assert rows == [["0"]], "nobody is online"


def ticket_login(unit, earlier):
    return login(unit.login, "ann", None, "sample", "plain", ticket=earlier.extras["ticket"]).code
