"""Rows about logins with passwords: tickets, a storm beside players, a flood of wrong passwords."""

import asyncio
import base64
import json
import threading
import time

from bench import Lost, end_load
from measures import HASH_MEMORY_KIB, HASH_PASSES, HASH_THREADS, hashes_per_second

PLAYERS = 1000
STORM_THINK_US = 200_000
FLOOD_ADDRESSES = 200
HONEST = 20
PASSWORD = "password"  # as load's


def with_passwords(limits=None, suites=("plain", "skynet")):
    return {
        "login": {
            "policy": "lua/game/login_policy.lua",
            "listen": [{"transport": "tcp", "address": "127.0.0.1:0", "suites": list(suites)}],
        },
        "admin": {"listen": "127.0.0.1:0"},
        "limits": {"hash_threads": HASH_THREADS} | (limits or {}),
        "auth": {"argon2": {"memory_kib": HASH_MEMORY_KIB, "passes": HASH_PASSES, "lanes": 1}},
    }


def b64(text):
    return base64.b64encode(text.encode()).decode()


async def login(address, user, proof, source=None):
    """The answer of one login with the plain suite; proof: the token behind the server's name."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(
        host, int(port), local_addr=(source, 0) if source else None)
    try:
        await reader.readline()
        writer.write(f"{b64(user)}@{b64('sample')}{proof}\n".encode())
        while True:
            line = (await reader.readline()).decode().rstrip("\n")
            if not line.startswith("102 "):
                return line
    finally:
        writer.close()


def ticket_of(line):
    if not line.startswith("200 "):
        raise Lost(f"login: {line}")
    return "!" + json.loads(base64.b64decode(line.split(" ")[2]))["ticket"]


def tickets(bench, kind):
    """Logins with a ticket, each by a player who is in; `raw` is the bare password hash."""
    if kind == "raw":
        return {"rate": hashes_per_second(max(2.5 * bench.seconds, 1))}
    users = [f"ticket{number}" for number in range(16)]

    async def run(address):
        proofs = [ticket_of(await login(address, user, ":" + b64(PASSWORD))) for user in users]
        end = time.monotonic() + bench.seconds

        async def again(user, proof):
            count = 0
            while time.monotonic() < end:
                proof = ticket_of(await login(address, user, proof))
                count += 1
            return count

        start = time.monotonic()
        counts = await asyncio.gather(*map(again, users, proofs))
        return sum(counts) / (time.monotonic() - start)

    with bench.server(kind, changes=with_passwords()) as server:
        return {"rate": asyncio.run(run(server.login))}


def storm(bench, kind):
    """What 1,000 players who echo see of a storm of password logins."""
    seconds = 60 if not bench.quick else 1
    players = bench.sized(PLAYERS)
    with bench.server(kind, changes=with_passwords()) as server:
        hold = bench.start_load(server, players=players, seconds=seconds / 6,
                                think_us=STORM_THINK_US, patience_ms=120_000)
        crowd = None
        try:
            quiet = bench.judge(server, hold.stdout.readline(), code=0)["echo"]
            # More logins than the time is enough for: it is ended by its id.
            crowd = bench.start_load(server, players=100_000, gate=False, prefix="storm",
                                     parallel=64, patience_ms=120_000)
            before = server.logins()
            start = time.monotonic()
            figures = [bench.echo_again(server, hold) for _ in range(6)]
            rate = (server.logins() - before) / (time.monotonic() - start)
        finally:
            if crowd is not None:
                crowd.kill()
                crowd.wait()
                crowd.stdin.close()
                crowd.stdout.close()
            ended = end_load(hold)
        if ended != 0:
            raise Lost("a player lost a request in the storm")
    p99s = sorted(figure["p99_us"] for figure in figures)
    worst = p99s[len(p99s) // 2]
    return {"quiet p99": quiet["p99_us"], "p99": worst, "p99/quiet": worst / quiet["p99_us"],
            "rate": rate}


class Flood(threading.Thread):
    """Wrong passwords for accounts that exist, from many addresses, each one after the other."""

    def __init__(self, address, users):
        super().__init__()
        self.address = address
        self.users = users
        self.ended = False
        self.answers = {}

    def run(self):
        asyncio.run(self.flood())

    async def flood(self):
        await asyncio.gather(*(self.guess(number) for number in range(FLOOD_ADDRESSES)))

    async def guess(self, number):
        source = f"127.0.9.{number + 1}"
        tries = 0
        while not self.ended:
            user = self.users[(number + tries) % len(self.users)]
            tries += 1
            try:
                line = await login(self.address, user, ":" + b64(f"guess {tries}"), source)
            except (OSError, EOFError):
                line = "lost"
            code = line.split(" ")[0]
            self.answers[code] = self.answers.get(code, 0) + 1
            if code == "429":
                await asyncio.sleep(0.2)


def flood(bench, kind):
    """Honest logins, of players who were here before, during a flood from 200 addresses."""
    seconds = 20 if not bench.quick else 1
    honest = [f"honest{number}" for number in range(HONEST)]
    times = []

    async def one(address, user):
        start = time.monotonic()
        line = await login(address, user, ":" + b64(PASSWORD))
        if not line.startswith("200 "):
            raise Lost(f"honest login: {line}")
        return time.monotonic() - start

    async def honest_logins(address, until):
        while time.monotonic() < until:
            for user in honest:
                times.append(await one(address, user))
                await asyncio.sleep(0.1)

    with bench.server(kind, changes=with_passwords({"profile": "default"})) as server:
        asyncio.run(first_logins(server.login, honest))
        attack = Flood(server.login, honest)
        attack.start()
        try:
            asyncio.run(honest_logins(server.login, time.monotonic() + seconds))
        finally:
            attack.ended = True
            attack.join()
    if "200" in attack.answers:
        raise Lost("a wrong password got in")
    times.sort()
    return {"p50": times[len(times) // 2] * 1e3, "max": times[-1] * 1e3,
            "guesses": attack.answers.get("401", 0) / seconds,
            "refused": attack.answers.get("429", 0) / seconds}


async def first_logins(address, users):
    for user in users:
        line = await login(address, user, ":" + b64(PASSWORD))
        if not line.startswith("200 "):
            raise Lost(f"first login: {line}")
