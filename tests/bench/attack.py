"""Rows about attacks (docs/limits.md): what players who play see of each, against what they saw
just before in the same run, and what memory it took. The limits are on, and are the
defaults.

The attackers run at the lowest priority: it is the server that is measured, not how two programs
share the cores.
"""

import contextlib
import json
import os
import socket
import subprocess

from bench import Lost, end_load
from gatehouse_client import Gate, login
from servers import BENCH

HONEST = 50
THINK_US = 10_000
ROUNDS = 3
CEILING_MIB = 400
DEAF_PUSH_BYTES = 4_096


def changes(**limits):
    return {
        "admin": {"listen": "127.0.0.1:0"},
        "agent": {"module": str(BENCH / "attack.lua")},
        "login": {
            "policy": str(BENCH / "no_hash.lua"),
            "listen": [{"transport": "tcp", "address": "127.0.0.1:0",
                        "suites": ["skynet", "plain"]}],
        },
        "gate": {"gates": [{"server": "sample", "listen": "127.0.0.1:0", "maxclient": 8_000}]},
        "limits": {"profile": "default", "memory_bytes": CEILING_MIB << 20} | limits,
    }


@contextlib.contextmanager
def program(bench, server, mode, **options):
    """The attacker; on leaving it ends, and its report is in the dictionary that it gives."""
    command = [bench.attack_program, mode, "--ports", f"{server.login},{server.gate}"]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    report = {}
    attacker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.nice(19))
    try:
        yield report
        attacker.stdin.close()
        report.update(json.loads(attacker.stdout.readline()))
        if attacker.wait(60) != 0:
            raise Lost(f"the attacker ended with {attacker.returncode}")
    finally:
        attacker.kill()
        attacker.wait()
        attacker.stdout.close()


def middle(values):
    return sorted(values)[len(values) // 2]


def measure(bench, kind, attack, **limits):
    """attack(server): a context in which it is under way, giving what it reports."""
    seconds = 5 if not bench.quick else 0.3
    with bench.server(kind, changes=changes(**limits)) as server:
        hold = bench.start_load(server, players=HONEST, seconds=seconds,
                                think_us=THINK_US, patience_ms=60_000)
        try:
            first = bench.judge(server, hold.stdout.readline(), code=0)["echo"]
            quiet = [first] + [bench.echo_again(server, hold) for _ in range(ROUNDS - 1)]
            peak = 0
            with attack(server) as report:
                bench.echo_again(server, hold)  # it is under way by then
                loud = []
                for _ in range(ROUNDS):
                    loud.append(bench.echo_again(server, hold))
                    peak = max(peak, server.memory_kib() / 1024)
        finally:
            ended = end_load(hold)
        if ended != 0:
            raise Lost("a player lost a request under attack")
        refused = server.refused()
    quiet_us, loud_us = (middle([echo["p99_us"] for echo in part]) for part in (quiet, loud))
    bench.reports.append({"attack": report, "refused": refused})
    return {"p99/quiet": loud_us / quiet_us, "quiet p99": quiet_us, "p99": loud_us,
            "peak": peak, "rate": report.get("per_second", 0)}


def slow_senders(bench, kind):
    count = bench.sized(5_000)
    return measure(
        bench, kind,
        lambda server: program(bench, server, "slow", count=count, addresses=max(count // 100, 1)))


def one_address(bench, kind):
    return measure(
        bench, kind,
        lambda server: program(bench, server, "crowd", count=bench.sized(15_000), addresses=1))


def malformed(bench, kind):
    return measure(
        bench, kind,
        lambda server: program(bench, server, "garbage", count=bench.sized(2_000),
                               addresses=100_000))


def deaf(bench, kind):
    """Players who are in and read nothing, while the server pushes to each."""
    count = bench.sized(1_000)

    @contextlib.contextmanager
    def attack(server):
        with contextlib.ExitStack() as stack:
            for number in range(count):
                entry = login(server.login, f"deaf{number}", "password", "sample", "plain")
                if entry.code != 200:
                    raise Lost(f"deaf{number}: {entry.line}")
                gate = stack.enter_context(Gate(server.gate, receive_buffer=4096))
                if not gate.handshake(entry, conversation="deaf").startswith("200 OK"):
                    raise Lost(f"deaf{number} does not get in")
                gate.send_request(f"push {DEAF_PUSH_BYTES}")
                with contextlib.suppress(OSError):
                    gate.socket.shutdown(socket.SHUT_RD)
            yield {"per_second": count}

    # They come from the address of the honest.
    return measure(bench, kind, attack, address_connections_max=0, address_connections_per_s=0,
                   login_address_per_s=0)
