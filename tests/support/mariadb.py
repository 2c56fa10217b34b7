"""A real MariaDB in a folder of its own, on a socket and a free port of the loopback."""

import os
import random
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from waiting import wait_until

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin"


def program(name):
    path = shutil.which(name, path=PATH)
    assert path, f"{name} is missing: install mariadb-server-core and mariadb-client"
    return path


def free_port():
    """A port below the range that the kernel gives out by itself, so that it stays free."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class MariaDb:
    """The server process, with further options of mariadbd. start() again keeps port, socket and
    data."""

    def __init__(self, folder, options=()):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.socket = self.folder / "sock"
        self.port = free_port()
        self.process = None
        assert len(str(self.socket)) < 100, "a unix socket's path has at most 107 bytes"
        # Of its own: a server that starts deletes the temporary tables that it finds.
        self.tmpdir = self.folder / "tmp"
        self.tmpdir.mkdir(parents=True, exist_ok=True)
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        with open(self.folder / "install.log", "wb") as log:
            subprocess.run(
                [
                    program("mariadb-install-db"),
                    "--no-defaults",
                    f"--datadir={self.data}",
                    f"--tmpdir={self.tmpdir}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--innodb-log-file-size=8M",
                    *as_root,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )
        self.command = [
            program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.tmpdir}",
            f"--socket={self.socket}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={self.folder}/pid",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=8M",
            "--key-buffer-size=1M",
            "--innodb-flush-log-at-trx-commit=2",
            "--max-connections=50",
            "--skip-name-resolve",
            *options,
            *as_root,
        ]

    def start(self):
        with open(self.folder / "mariadbd.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, 60, f"mariadbd in {self.folder}", interval=0.1)
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "mariadbd.log").read_text()[-3000:]
        return self._client("SELECT 1").returncode == 0

    def open_client(self, database):
        """A client that reads statements from a pipe and answers line by line."""
        return subprocess.Popen(
            [*self._client_command(), "--unbuffered", database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def _client_command(self):
        return [
            program("mariadb"),
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            "--batch",
            "--raw",
            "--skip-column-names",
            "--connect-timeout=5",
            "--default-character-set=utf8mb4",
        ]

    def _client(self, statement, database=None):
        return subprocess.run(
            self._client_command() + ([database] if database else []),
            input=statement.encode(),
            capture_output=True,
            timeout=30,
            check=False,
        )

    def query(self, statement, database=None):
        """Rows as lists of strings."""
        done = self._client(statement, database)
        assert done.returncode == 0, done.stderr.decode()
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def create_database(self, name):
        self.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def store_config(self, database):
        """The `store` section of a server's configuration, over TCP."""
        return {
            "driver": "mysql",
            "mysql": {
                "host": "127.0.0.1",
                "port": self.port,
                "user": "root",
                "password": "",
                "database": database,
            },
        }

    def pause(self):
        """Returns when every thread of it stands still, which takes a moment on a busy machine."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """As a crash or a lost machine would end it."""
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
