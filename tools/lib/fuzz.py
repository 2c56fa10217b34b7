"""Builds the fuzz targets of tests/fuzz with clang and libFuzzer, and runs them.

    ./tools/fuzz [--minutes N] [--jobs N] [--keep] [TARGET...]

Each target runs for N minutes (1 when nothing is said), in at most 1 GiB of memory and 20 s an
input, from its committed corpus and from what earlier runs found (build/fuzz/work/TARGET). A table
says how many inputs each ran and how many places of the code they reached. An input that a target
fails on is made as small as it gets and put into tests/fuzz/corpus/TARGET, where every test run
meets it; then the exit code is 1. tests/fuzz/README.md says more.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests/fuzz"
BUILD = ROOT / "build/fuzz"
WORK = BUILD / "work"
FINDS = BUILD / "finds"

INPUT_BYTES_MAX = 4096
KEPT_MAX = 48  # inputs of a target's corpus that --keep brings it to
OPTIONS = [
    f"-max_len={INPUT_BYTES_MAX}",
    "-timeout=20",
    "-rss_limit_mb=1024",
    "-use_value_profile=1",
    "-print_final_stats=1",
    "-verbosity=1",
]
MERGE_OPTIONS = [
    "-merge=1", "-use_counters=0", "-use_value_profile=0", f"-max_len={INPUT_BYTES_MAX - 1}",
]
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:handle_abort=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def all_targets():
    return sorted(path.stem for path in SOURCES.glob("*.cpp"))


def corpus(target):
    return SOURCES / "corpus" / target


def build(targets):
    subprocess.run(
        ["cmake", "--preset", "fuzz", "-DGATEHOUSE_TESTS=ON"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )
    programs = [f"fuzz_{target}" for target in targets]
    subprocess.run(["nice", "ninja", "-C", str(BUILD), *programs], check=True, stdout=sys.stderr)


def environment(target):
    scratch = BUILD / "scratch" / target
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return {**os.environ, **SANITIZERS, "TMPDIR": str(scratch)}


def run_program(target, arguments, **options):
    return subprocess.run(
        ["nice", "-n", "19", str(BUILD / "fuzz" / f"fuzz_{target}"), *arguments],
        cwd=BUILD, env=environment(target), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", **options,
    )


def keep_find(target, find):
    """Minimises an input that the target fails on, and commits it to the corpus' folder."""
    kind, _, name = find.name.partition("-")
    small = find.with_name(f"small-{name}")
    run_program(
        target,
        ["-minimize_crash=1", "-max_total_time=60", f"-exact_artifact_path={small}", str(find)],
    )
    smallest = small if small.exists() else find
    kept = corpus(target) / f"{kind}-{name[:12]}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(smallest, kept)
    return kept


def number_in(text, pattern):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


class Outcome:
    def __init__(self, target, minutes):
        self.target = target
        (WORK / target).mkdir(parents=True, exist_ok=True)
        finds = FINDS / target
        shutil.rmtree(finds, ignore_errors=True)
        finds.mkdir(parents=True)
        folders = [str(WORK / target), str(corpus(target))]
        limits = [f"-max_total_time={max(1, round(minutes * 60))}", f"-artifact_prefix={finds}/"]
        ended = run_program(target, [*OPTIONS, *limits, *[f for f in folders if Path(f).is_dir()]])
        self.log = ended.stdout
        self.inputs = number_in(self.log, r"stat::number_of_executed_units:\s*(\d+)") or number_in(
            self.log, r"#(\d+)\t"
        )
        self.places = number_in(self.log, r"cov: (\d+)")
        self.features = number_in(self.log, r"ft: (\d+)")
        self.failed = ended.returncode != 0
        self.kept = [keep_find(target, path) for path in sorted(finds.iterdir())]

    def report(self):
        found = "nothing" if not self.failed else ", ".join(
            str(path.relative_to(ROOT)) for path in self.kept
        ) or "no input"
        print(f"{self.target:18} {self.inputs:>12,} {self.places:>8} {self.features:>9}  {found}",
              flush=True)
        if self.failed:
            (BUILD / f"{self.target}.log").write_text(self.log)
            print("\n".join(self.log.splitlines()[-40:]), file=sys.stderr)


def keep_covering(target):
    """Adds to the corpus the small inputs of earlier runs that reach what it does not."""
    folder = corpus(target)
    folder.mkdir(parents=True, exist_ok=True)
    room = KEPT_MAX - len(list(folder.iterdir()))
    fresh = BUILD / "merged" / target
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(folder, fresh)
    old = {path.name for path in fresh.iterdir()}
    run_program(
        target,
        [*MERGE_OPTIONS, str(fresh), str(WORK / target)],
    )
    added = [path for path in fresh.iterdir() if path.name not in old]
    for path in sorted(added, key=lambda p: p.stat().st_size)[: max(room, 0)]:
        shutil.copy(path, folder / f"found-{path.name[:12]}")
    taken = min(len(added), max(room, 0))
    print(f"{target:18} {taken} inputs added, {len(list(folder.iterdir()))}")


def main():
    parser = argparse.ArgumentParser(
        prog="./tools/fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of each target (1)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time (1)")
    parser.add_argument("--keep", action="store_true",
                        help="run nothing: add what earlier runs found to the corpora")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="; ".join(all_targets()))
    arguments = parser.parse_args()
    targets = arguments.targets or all_targets()
    unknown = set(targets) - set(all_targets())
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    build(targets)
    if arguments.keep:
        for target in targets:
            keep_covering(target)
        return 0
    print(f"{'target':18} {'inputs':>12} {'places':>8} {'features':>9}  found", flush=True)
    failed = False
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for outcome in pool.map(lambda target: Outcome(target, arguments.minutes), targets):
            outcome.report()
            failed = failed or outcome.failed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
