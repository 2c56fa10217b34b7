"""Measures servers side by side; started by tools/bench. See docs/performance.md."""

import argparse
import json
import resource
import signal
import sys
import time
from pathlib import Path

from bench import Bench
from report import Results, as_json, machine, short, table
from rows import ROWS, chosen_rows
from servers import ROOT

BUILD = ROOT / "build/release"


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="samples of each figure (5)")
    parser.add_argument("--seconds", type=float, help="of each measurement (2)")
    parser.add_argument("--only", metavar="NAME,...",
                        help="rows with this name, or with this word in their name")
    parser.add_argument("--all", action="store_true",
                        help="with attacks, crowd, flood, fleet and residents")
    parser.add_argument("--list", action="store_true", help="the names of the rows")
    parser.add_argument("--quick", action="store_true",
                        help="small and short, to see whether all works; figures say little")
    parser.add_argument("--workers", type=int, default=2, help="of each server (2)")
    parser.add_argument("--skynet", type=Path, metavar="DIR", help="a skynet that was built")
    parser.add_argument("--against", type=Path, metavar="BINARY", help="another gatehouse")
    parser.add_argument("--binary", type=Path, default=BUILD / "gatehouse", help="this gatehouse")
    parser.add_argument("--programs", type=Path, default=BUILD / "tests/bench", metavar="DIR",
                        help="where bench_load, bench_attack, bench_raw_echo and bench_raw_tls are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all samples")
    options = parser.parse_args()
    for name in ("skynet", "against", "binary", "programs"):
        path = getattr(options, name)
        if path is not None and not path.exists():
            parser.error(f"--{name}: {path} does not exist")
        setattr(options, name, path and path.absolute())
    try:
        names = options.only.split(",") if options.only else []
        options.rows = chosen_rows([name.strip() for name in names], options.all)
    except ValueError as error:
        parser.error(str(error))
    return options


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def take_sample(bench, row, kind, number, results):
    bench.reports = []
    begin = time.monotonic()
    try:
        figures = row.measure(bench, kind)
    except Exception as error:  # whatever it is: this sample failed, the run goes on
        results.fail(row, kind, number, f"{type(error).__name__}: {error}")
        said = f"FAILED: {error}"
    else:
        results.add(row, kind, number, figures, bench.reports)
        said = ", ".join(f"{name} {short(value)}" for name, value in figures.items())
    took_s = time.monotonic() - begin
    print(f"{number} {row.name}, {kind}: {said} [{took_s:.1f} s]", file=sys.stderr, flush=True)


def measure_all(bench, rows, rounds, results):
    """Round by round, the servers of a row in turn; every second round in reverse."""
    for number in range(1, rounds + 1):
        for row in rows:
            kinds = [kind for kind in bench.kinds() if kind in row.servers]
            for kind in kinds if number % 2 else reversed(kinds):
                take_sample(bench, row, kind, number, results)


def main():
    options = arguments()
    if options.list:
        print("\n".join(row.name for row in ROWS))
        return 0
    raise_descriptor_limit()
    # However it is told to end, no server stays behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    bench, results = Bench(options), Results()
    facts = machine(bench.binaries)
    interrupted = False
    try:
        measure_all(bench, options.rows, options.rounds, results)
    except KeyboardInterrupt:
        interrupted = True
    kinds = bench.kinds()
    print(f"{facts['cpu']}, {facts['cores']} cores, kernel {facts['kernel']}, "
          f"{options.workers} workers; median (lowest–highest) of {options.rounds}")
    print(table(options.rows, kinds, results))
    for failure in results.failures:
        print("FAILED round {round} {row}, {server}: {why}".format(**failure))
    if options.json:
        chosen = {"rounds": options.rounds, "seconds": bench.seconds, "workers": bench.workers,
                  "quick": bench.quick}
        found = as_json(options.rows, kinds, results, facts, chosen)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if interrupted:
        return 130
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
