"""A real Redis server on a free port, in a folder of its own."""

import socket
import subprocess
import threading

from mariadb import free_port
from server import PATIENCE
from waiting import wait_until

# The server's program under the name that Debian's redis-tools gives it: what it does depends on
# the name that it is started by. The package redis-server would start one for the whole machine.
PROGRAM = "/usr/bin/redis-check-rdb"


class Redis:
    """Use `with`. With `again` it is started anew whenever it ends before."""

    def __init__(self, folder, password="", again=False):
        self.folder = folder
        self.password = password
        self.again = again
        self.port = free_port()
        self.process = None
        self.ending = False
        self.keeper = None

    def start(self):
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                     "--appendonly", "no", "--dir", str(self.folder)]
        if self.password:
            arguments += ["--requirepass", self.password]
        with (self.folder / "redis.log").open("a") as log:
            self.process = subprocess.Popen(
                ["redis-server", *arguments], executable=PROGRAM, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def keep(self):
        while True:
            self.process.wait()
            if self.ending:
                return
            self.start()

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        wait_until(self.is_up)
        if self.again:
            self.keeper = threading.Thread(target=self.keep)
            self.keeper.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.process.kill()
        self.process.wait(timeout=30 * PATIENCE)
        if self.keeper:
            self.keeper.join()
