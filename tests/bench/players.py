#!/usr/bin/python3
"""Memory and CPU of the server for players who are logged in and connected.

    tests/bench/players.py [PLAYERS [ROUNDS]]      default 2000 20

Logs the players in (skynet suite, cheap password hash), reads the server's resident memory
before and after, then lets each echo ROUNDS times, 64 bytes, one in flight, and reads the CPU
time the server spent on it. The client runs on the same cores; no time is asserted.
"""

import os
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

from mass_client import run_players  # noqa: E402
from server import Server  # noqa: E402


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    players = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        changes = {
            "limits": {"profile": "off"},
            "log": {"level": "error"},
            "gate": {"gates": [{"server": "sample", "listen": "127.0.0.1:0"}]},
        }
        with Server(Path(folder), changes) as server:
            empty_kib = server.memory_kib()
            seen = {}

            def look():
                seen["full_kib"] = server.memory_kib()
                seen["cpu_s"] = cpu_seconds(server.pid)

            report = run_players(server, players, rounds, on_gathered=look)
            echo_s = cpu_seconds(server.pid) - seen["cpu_s"]
            print(f"players connected:      {report.most_at_once} of {players}")
            print(f"answers:                {report.right} right, {report.wrong} wrong, "
                  f"{report.missing} missing")
            print(f"empty server:           {empty_kib / 1024:.1f} MiB")
            per_player = (seen["full_kib"] - empty_kib) / max(report.most_at_once, 1)
            print(f"memory per player:      {per_player:.2f} KiB")
            print(f"server CPU per echo:    {echo_s / max(report.right, 1) * 1e6:.1f} us")
            return 0 if report.right == players * rounds else 1


if __name__ == "__main__":
    sys.exit(main())
