"""How the rows are measured. Each function starts fresh servers and returns {figure: number}."""

import contextlib
import ctypes
import threading
import time

from bench import Lost, end_load
from waiting import wait_until

THINK_US = 1_000
QUIET_THINK_US = 10_000
FLEET_SERVERS = 6
HASH_THREADS = 2
# As in config/production.json.
HASH_MEMORY_KIB, HASH_PASSES = 19456, 2


def echo_figures(report):
    echo = report["echo"]
    return {
        "cpu": echo["cpu_us"],
        "rate": echo["per_second"],
        "p50": echo["p50_us"],
        "p99": echo["p99_us"],
    }


def echo(connections, depth, workers=None):
    def measure(bench, kind):
        with bench.server(kind, workers) as server:
            players = bench.sized(connections) if connections > 100 else connections
            return echo_figures(bench.load(server, players=players, depth=depth))

    return measure


def think(connections, think_us):
    def measure(bench, kind):
        with bench.server(kind) as server:
            return echo_figures(bench.load(server, players=connections, think_us=think_us))

    return measure


def half_load(bench, kind):
    """At half of what it just did at most: each player asks once in a cycle of think time and
    answer, and a probe tells how long the answer takes."""
    connections = 200
    with bench.server(kind) as server:
        capacity = bench.load(server, players=connections)["echo"]["per_second"]
        cycle_us = 2 * connections / capacity * 1e6
        probe = bench.load(server, players=connections, think_us=int(cycle_us), prefix="probe",
                           seconds=bench.seconds / 4)
        answer_us = connections / probe["echo"]["per_second"] * 1e6 - int(cycle_us)
        think_us = max(int(cycle_us - answer_us), int(cycle_us / 4))
        figures = echo_figures(
            bench.load(server, players=connections, think_us=think_us, prefix="half"))
    return {
        "share": figures["rate"] / capacity,
        "p50": figures["p50"],
        "p99": figures["p99"],
        "p99/p50": figures["p99"] / figures["p50"],
    }


def login_figures(report):
    login = report["login"]
    return {
        "cpu": login["cpu_us"],
        "rate": login["per_second"],
        "p50": login["p50_us"],
        "p99": login["p99_us"],
        "p999": login["p999_us"],
    }


def login_first(bench, kind):
    with bench.server(kind) as server:
        return login_figures(bench.load(server, players=bench.sized(3000), gate=False))


def login_again(bench, kind):
    """The accounts exist, the players are not in: the server was started anew."""
    players = bench.sized(3000)
    with bench.server(kind) as server:
        bench.load(server, players=players, gate=False)
        server.stop()
        server.start()
        return login_figures(bench.load(server, players=players, gate=False))


def login_replace(bench, kind):
    """Each login takes over the session of an agent that is in."""
    players = bench.sized(3000)
    with bench.server(kind) as server:
        bench.load(server, players=players, gate=False)
        return login_figures(bench.load(server, players=players, gate=False))


def login_storm(bench, kind):
    """skynet is known to lose logins here; nobody else may."""
    players = bench.sized(3000)
    with bench.server(kind) as server:
        login = bench.load(
            server, may_lose=kind == "skynet", players=players, parallel=256, gate=False,
            patience_ms=5000)["login"]
    figures = {"unanswered": login["unanswered"], "p999": login["p999_us"] / 1000}
    if login["unanswered"] == 0:  # else the time is that of waiting for them
        figures["rate"] = login["per_second"]
    return figures


def hashes_per_second(seconds):
    """What HASH_THREADS threads of the argon2 library reach, and nothing else."""
    library = ctypes.CDLL("libargon2.so.1")
    number, size, text = ctypes.c_uint32, ctypes.c_size_t, ctypes.c_char_p
    argon2id = library.argon2id_hash_raw
    argon2id.argtypes = [number, number, number, text, size, text, size, text, size]
    counts = []
    start = time.monotonic()

    def work():
        output = ctypes.create_string_buffer(32)
        count = 0
        while time.monotonic() - start < seconds:
            salt = b"sixteen bytes it"
            assert argon2id(HASH_PASSES, HASH_MEMORY_KIB, 1, b"password", 8, salt, 16, output,
                            32) == 0
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(HASH_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - start)


def password_logins(bench, kind):
    """Logins of accounts that exist; `raw` is the bare hash."""
    if kind == "raw":
        return {"rate": hashes_per_second(max(2.5 * bench.seconds, 1))}
    players = 10 if bench.quick else 200
    changes = {
        "login": {"policy": "lua/game/login_policy.lua"},
        "limits": {"hash_threads": HASH_THREADS},
        "auth": {"argon2": {"memory_kib": HASH_MEMORY_KIB, "passes": HASH_PASSES, "lanes": 1}},
    }
    with bench.server(kind, changes=changes) as server:
        bench.load(server, players=players, parallel=16, gate=False)
        server.stop()
        server.start()
        login = bench.load(server, players=players, parallel=16, gate=False)["login"]
    return {"rate": login["per_second"]}


def memory(bench, kind):
    players = bench.sized(19_000)
    with bench.server(kind) as server:
        report = bench.load(server, players=players, seconds=0)
    before = report["memory_kib_before"]
    after = report["connect"]["memory_kib_after"]
    return {"player": (after - before) / players, "empty": before / 1024}


def idle(connected):
    def measure(bench, kind):
        with bench.server(kind) as server:
            report = bench.load(server, players=bench.sized(connected),
                                active=min(100, bench.sized(connected)))
        return echo_figures(report)

    return measure


def compute(bench, kind):
    """50 players who think 1 ms, beside a service that computes half of the time."""
    figures = {}
    for place, worker in (("without", None), ("exclusive", '"exclusive"'), ("shared", "0")):
        server = bench.server(kind)
        if worker is not None:
            server.compute_beside(worker)
        with server:
            echo_report = bench.load(server, players=50, think_us=THINK_US)["echo"]
        figures[f"p99 {place}"] = echo_report["p99_us"]
        figures[f"cpu {place}"] = echo_report["cpu_share"]
    return figures


def fleet(bench, kind):
    """All connected at a time, over several processes; then 100 more echo at each of them."""
    players = bench.sized(100_000) // FLEET_SERVERS + 1
    with contextlib.ExitStack() as stack:
        servers, holds = [], []
        for _ in range(FLEET_SERVERS):
            servers.append(stack.enter_context(bench.server(kind)))
        empty = [(server.memory_kib(), server.sockets()) for server in servers]
        for server in servers:
            hold = bench.start_load(server, players=players, seconds=0)
            holds.append(hold)
            stack.callback(hold.kill)
            report = bench.judge(server, hold.stdout.readline(), code=0)
            assert "connect" in report, "load connects when it is given a gate"
        full_kib = sum(server.memory_kib() for server in servers)
        rates = [bench.load(server, players=100, prefix="more")["echo"]["per_second"]
                 for server in servers]
        for server, (_, before) in zip(servers, empty):
            wait_until(lambda s=server, count=before + players: s.sockets() == count, 20,
                       f"{players} connections at each server, neither more nor less")
        for hold in holds:
            if end_load(hold) != 0:
                raise Lost("a load failed while it held its connections")
    connected = players * FLEET_SERVERS
    empty_kib = sum(kib for kib, _ in empty)
    return {
        "connected": connected,
        "player": (full_kib - empty_kib) / connected,
        "total": full_kib / 1024,
        "rate": min(rates),
    }


def residents(bench, kind):
    """Agents without a connection, in one process."""
    players = bench.sized(1_000_000)
    start = time.monotonic()
    with bench.server(kind) as server:
        report = bench.load(server, players=players, parallel=256, gate=False)
        seconds = time.monotonic() - start
    login = report["login"]
    return {
        "resident": login["answered"],
        "rate": login["per_second"],
        "seconds": seconds,
        "agent": (login["memory_kib_after"] - report["memory_kib_before"]) / players,
        "total": login["memory_kib_after"] / 1024,
    }


def service(row, *figures):
    """A row of services/bench.lua, which may print several figures."""
    def measure(bench, kind):
        printed = bench.services(kind, row)
        return {name: printed[name] for name in figures or [row]}

    return measure
