"""What a run found: medians and spread, as a table and as JSON."""

import os
import platform
import statistics
import subprocess
from pathlib import Path

from servers import ROOT

SAMPLES_TO_JUDGE = 3


class Results:
    """What each server's process came to in each row and round."""

    def __init__(self):
        self.samples = {}
        self.failures = []

    def add(self, row, kind, number, figures, reports):
        """figures: {figure's name: number}; reports: what they were taken from."""
        sample = {"round": number, "figures": figures, "reports": reports}
        self.samples.setdefault((row.name, kind), []).append(sample)

    def fail(self, row, kind, number, why):
        self.failures.append({"row": row.name, "server": kind, "round": number, "why": why})

    def by_round(self, row, kind, figure):
        return {
            sample["round"]: sample["figures"][figure.name]
            for sample in self.samples.get((row.name, kind), [])
            if figure.name in sample["figures"]
        }

    def values(self, row, kind, figure):
        return list(self.by_round(row, kind, figure).values())

    def median(self, row, kind, figure):
        values = self.values(row, kind, figure)
        return statistics.median(values) if values else None

    def ratio(self, row, kind, base, figure):
        """The median of the rounds' ratios: what disturbed a round disturbed both."""
        above, below = (self.by_round(row, name, figure) for name in (kind, base))
        ratios = [above[number] / below[number] for number in above if below.get(number)]
        return statistics.median(ratios) if ratios else None


def short(number):
    """Three digits, and k or M for thousands and millions."""
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if abs(number) >= limit:
            return f"{number / (1e6 if suffix == 'M' else 1e3):.3g}{suffix}"
    if abs(number) >= 100 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.3g}"


def cell(values):
    if not values:
        return ""
    middle = short(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({short(min(values))}–{short(max(values))})"


def judge(results, row, figure):
    """(ratio to the base here, ratio in the design, reached or None)."""
    mine = results.median(row, "gatehouse", figure)
    base = figure.base
    here = results.ratio(row, "gatehouse", base, figure) if base else None
    wanted = figure.target / getattr(figure, base) if base else None
    if figure.target is None or mine is None:
        return here, wanted, None
    value, target = (mine, figure.target) if here is None else (here, wanted)
    return here, wanted, value >= target if figure.better == "more" else value <= target


def target_text(figure, wanted):
    if figure.target is None:
        return ""
    sign = "≥" if figure.better == "more" else "≤"
    if wanted is None:
        return f"{sign} {short(figure.target)}"
    if figure.target == wanted:
        return f"{sign} {short(wanted)} {figure.base}"
    return f"{sign} {short(figure.target)} ({short(wanted)} {figure.base})"


def slower(results, row, figure):
    """Whether every sample of gatehouse is worse than every one of `against`, by more than 2 %."""
    old, new = (results.values(row, kind, figure) for kind in ("against", "gatehouse"))
    if min(len(old), len(new)) < SAMPLES_TO_JUDGE or not figure.better:
        return False
    if figure.better == "more":
        return max(new) * 1.02 < min(old)
    return min(new) > max(old) * 1.02


def table(rows, kinds, results):
    """Aligned text: a line a figure. Of servers that take no part there is no column."""
    head = ["row", "figure", *kinds, "ratio", "target", "reached"]
    if "against" in kinds:
        head.append("vs against")
    lines = [head]
    for row in rows:
        for figure in row.figures:
            here, wanted, reached = judge(results, row, figure)
            line = [row.name, " ".join(f"{figure.name} {figure.unit}".split())]
            line += [cell(results.values(row, kind, figure)) for kind in kinds]
            line.append("" if here is None else f"{short(here)} {figure.base}")
            line.append(target_text(figure, wanted))
            line.append({None: "", True: "yes", False: "no"}[reached])
            if "against" in kinds:
                change = results.ratio(row, "gatehouse", "against", figure)
                worse = " worse" if slower(results, row, figure) else ""
                line.append("" if change is None else f"{change:.2f}{worse}")
            lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
        for line in lines)


def output_of(*command):
    """What a program prints; nothing when it fails or is not there."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def first_of(path, key):
    for line in Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def machine(binaries):
    """What figures depend on, as far as it can be asked for."""
    checkout = binaries["skynet"]
    return {
        "cpu": first_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": first_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "load": os.getloadavg(),  # of others, before the run
        "libuv": output_of("pkg-config", "--modversion", "libuv"),
        "compiler": output_of("c++", "--version").partition("\n")[0],
        "gatehouse": output_of(binaries["gatehouse"], "--version"),
        "against": output_of(binaries["against"], "--version") if binaries["against"] else "",
        "skynet": output_of("git", "-C", str(checkout), "describe", "--tags") if checkout else "",
        "commit": output_of("git", "rev-parse", "HEAD"),
        "changed": output_of("git", "status", "--porcelain", "--untracked-files=no") != "",
    }


def as_json(rows, kinds, results, facts, options):
    def describe(row, figure):
        here, wanted, reached = judge(results, row, figure)
        return {
            "name": figure.name,
            "unit": figure.unit,
            "better": figure.better,
            "median": {kind: results.median(row, kind, figure) for kind in kinds},
            "base": figure.base,
            "ratio": here,
            "target": figure.target,
            "target_ratio": wanted,
            "reached": reached,
        }

    return {
        "machine": facts,
        "options": options,
        "failures": results.failures,
        "rows": [
            {
                "name": row.name,
                "figures": [describe(row, figure) for figure in row.figures],
                "samples": {kind: results.samples.get((row.name, kind), []) for kind in kinds},
            }
            for row in rows
        ],
    }
