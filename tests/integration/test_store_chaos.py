"""MariaDB is killed, paused and restarted in the middle of a storm of logins and saves.

No write that was acknowledged is lost, nothing is done that nobody asked for, no account is made
twice, no wrong password gets in, and the server recovers by itself.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import mysql_store
from gatehouse_client import Closed, Gate, login
from server import PATIENCE
from waiting import wait_until

THREADS, PLAYERS_EACH = 6, 4
WAIT = 30 * PATIENCE
AGAIN = ("503 Service Unavailable", "406 Not Acceptable")
BROKEN = (Closed, TimeoutError, ConnectionError)


class Storm:
    """Threads that log in, buy and leave, over and over; each has players of its own."""

    def __init__(self, server):
        self.server = server
        self.ended = threading.Event()
        self.acknowledged = {}  # user -> the highest count that a reply told
        self.asked = {}  # user -> requests sent
        self.acks = self.logins = self.refusals = 0
        self.wrong = []  # what must never happen
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(THREADS)
        self.threads = [self.pool.submit(self.run, number) for number in range(THREADS)]

    def run(self, thread):
        users = [f"storm{thread}x{number}" for number in range(PLAYERS_EACH)]
        visit = 0
        while not self.ended.is_set():
            visit += 1
            user = users[visit % PLAYERS_EACH]
            try:
                self.play(user, visit)
            except BROKEN:
                continue

    def play(self, user, visit):
        known = self.acknowledged.get(user, 0) > 0
        if known and visit % 3 == 0:
            stranger = login(self.server.login, user, "guess", "sample", timeout=WAIT).line
            if stranger not in (*AGAIN, "401 Unauthorized"):
                self.wrong.append(f"{user} with a wrong password: {stranger}")
        entry = login(self.server.login, user, "secret", "sample", timeout=WAIT)
        with self.lock:
            self.logins += entry.code == 200
            self.refusals += entry.code != 200
        if entry.code != 200:
            if entry.line not in AGAIN:
                self.wrong.append(f"{user}: {entry.line}")
            return
        with Gate(self.server.gate(), timeout=WAIT) as gate:
            gate.handshake(entry, conversation=f"{user}v{visit}")
            for _ in range(3):
                self.asked[user] = self.asked.get(user, 0) + 1
                kind, answer = gate.response(gate.send_request("buy"))
                if kind != 1:
                    return  # not acknowledged: it may have been done or not
                with self.lock:
                    self.acks += 1
                if int(answer) <= self.acknowledged.get(user, 0):
                    self.wrong.append(f"{user} went back to {answer.decode()}")
                self.acknowledged[user] = int(answer)

    def wait_progress(self, what):
        """Until writes are acknowledged again, and logins let in."""
        acks, logins = self.acks, self.logins
        wait_until(
            lambda: self.acks > acks + 30 and self.logins > logins + 10,
            60 * PATIENCE,
            f"progress {what} ({self.wrong})",
        )

    def wait_refusal(self):
        refusals = self.refusals
        wait_until(lambda: self.refusals > refusals, WAIT, "a login that is refused")

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.result(timeout=2 * WAIT)
        self.pool.shutdown()


@pytest.fixture
def stormy(own_mariadb, start_server):
    store = mysql_store(own_mariadb, "chaos")
    server = start_server(
        {
            "store": store.config | {"timeout_ms": 1000 * PATIENCE},
            "limits": {"profile": "off"},
        }
    )
    storm = Storm(server)
    yield storm, own_mariadb, store
    storm.ended.set()


def test_a_database_that_comes_and_goes(stormy):
    storm, mariadb, store = stormy
    storm.wait_progress("before all")
    for number in range(2):
        mariadb.kill()
        storm.wait_refusal()
        mariadb.start()
        storm.wait_progress(f"after kill {number}")
    for number in range(2):
        mariadb.pause()
        try:
            storm.wait_refusal()
        finally:
            mariadb.resume()
        storm.wait_progress(f"after pause {number}")
    mariadb.stop()
    mariadb.start()
    storm.wait_progress("after a restart")
    storm.end()
    assert storm.wrong == []

    names = store.query("SELECT name FROM account ORDER BY name")
    expected = sorted(f"storm{t}x{n}" for t in range(THREADS) for n in range(PLAYERS_EACH))
    found = [row[0] for row in names]
    assert len(set(found)) == len(found), "every account once"
    assert set(storm.acknowledged) <= set(found) <= set(expected)
    counts = {}
    for user in expected:
        entry = login(storm.server.login, user, "secret", "sample", timeout=WAIT)
        assert entry.code == 200
        with Gate(storm.server.gate(), timeout=WAIT) as gate:
            gate.handshake(entry)
            counts[user] = int(gate.request("count")) - 1
    for user, count in counts.items():
        least, most = storm.acknowledged.get(user, 0), storm.asked.get(user, 0)
        assert least <= count <= most, user
    epochs = store.query("SELECT SUM(session_epoch) FROM account")
    assert int(epochs[0][0]) >= storm.logins, "a login each"
