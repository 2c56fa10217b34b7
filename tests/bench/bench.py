"""What the rows measure with: servers, the load program, the programs of Lua services."""

import json
import os
import re
import subprocess

from servers import BENCH, Gatehouse, RawEcho, RawTls, Skynet, checkout_of

LOAD_TIMEOUT_S = 1800


class Lost(Exception):
    """A server lost a request or a login, or gave a wrong answer."""


class Bench:
    """One run's choices, and how a row gets at servers and load.

    raw, skynet, against, gatehouse: path of each, None where it takes no part. `quick`: sizes and
    times are a fraction, for a look at whether all works; the figures say little then.
    """

    def __init__(self, options):
        self.binaries = {
            "raw": options.programs / "bench_raw_echo",
            "skynet": options.skynet,
            "against": options.against,
            "gatehouse": options.binary,
        }
        self.load_program = options.programs / "bench_load"
        self.raw_tls_program = options.programs / "bench_raw_tls"
        self.attack_program = options.programs / "bench_attack"
        self.workers = options.workers
        self.quick = options.quick
        self.seconds = options.seconds or (0.2 if options.quick else 2)
        self.reports = []  # of load, in this sample

    def kinds(self):
        return [kind for kind, binary in self.binaries.items() if binary is not None]

    def sized(self, count):
        """`count` players, or few of them with `quick`."""
        return max(count // 100, 10) if self.quick else count

    def server(self, kind, workers=None, changes=None):
        """A server that is not started yet: use `with`."""
        binary = self.binaries[kind]
        workers = workers or self.workers
        if kind == "raw":
            return RawEcho(binary)
        if kind == "skynet":
            return Skynet(binary, workers)
        return Gatehouse(binary, kind, workers, changes)

    def raw_tls(self):
        return RawTls(self.raw_tls_program)

    def _command(self, server, options):
        command = [self.load_program, "--server-pid", server.pid]
        over, login_over = options.pop("over", "tcp"), options.pop("login_over", "tcp")
        if options.pop("gate", True):
            command += ["--gate", f"{over}://{server.gate}"]
        if server.login is not None:
            command += ["--login", f"{login_over}://{server.login_over(login_over)}"]
        options.setdefault("warm_up", 0.05 if self.quick else 0.5)
        options.setdefault("seconds", self.seconds)
        if self.quick:
            options.setdefault("patience_ms", 3000)
        for key, value in options.items():
            command.append(f"--{key.replace('_', '-')}")
            if value is not True:
                command.append(value)
        return [str(word) for word in command]

    def load(self, server, may_lose=False, **options):
        """Runs load with these options and returns its report.

        gate=False: logins only. over, login_over: transport of the gate's and the login's
        connections. A value of True is an option without one.
        """
        done = subprocess.run(
            self._command(server, options), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=LOAD_TIMEOUT_S, check=False)
        return self.judge(server, done.stdout, done.returncode, done.stderr, may_lose)

    def start_load(self, server, **options):
        """Starts a load that stays connected: read its report, then echo_again(), end_load()."""
        return subprocess.Popen(
            [*self._command(server, options), "--hold"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def echo_again(self, server, process):
        """Has a load that stays connected measure its echoes once more."""
        process.stdin.write("\n")
        process.stdin.flush()
        return self.judge(server, process.stdout.readline(), code=0)["echo"]

    def judge(self, server, output, code, errors="", may_lose=False):
        """The report in load's output, if nothing went wrong; raises Lost."""
        if not output:
            raise Lost(f"load ended with {code}: {errors[-500:]}")
        report = json.loads(output.splitlines()[-1])
        self.reports.append(report)
        if server.process.poll() is not None:
            raise Lost(f"the server ended with {server.process.returncode}: {server.log_end()}")
        if may_lose:
            return report
        if code != 0 or report["failed"] != 0:
            why = report.get("first_error", "requests without an answer")
            raise Lost(f"{report['failed']} failed: {why}")
        if report.get("login", {}).get("unanswered", 0) != 0:
            raise Lost(f"{report['login']['unanswered']} logins without an answer")
        if "echo" in report and report["echo"].get("requests") == 0:
            raise Lost("not one request was answered")
        return report

    def services(self, kind, rows):
        """Runs rows of services/bench.lua in a process of their own: {row: value}."""
        binary, config = self.binaries[kind], BENCH / "services/bench.config"
        if kind == "skynet":
            command, cwd = [binary / "skynet", config], binary
        else:
            command, cwd = [binary, "skynet", config], checkout_of(binary)
        environment = dict(
            os.environ, BENCH_SERVICES=str(BENCH / "services"), BENCH_THREADS=str(self.workers),
            BENCH_ROWS=rows, BENCH_SECONDS=str(self.seconds))
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LOAD_TIMEOUT_S, check=False)
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0 or "BENCH done" not in text:
            raise Lost(f"services ended with {done.returncode}: {text[-500:]}")
        lines = [json.loads(line) for line in re.findall(r"BENCH (\{.*\})", text)]
        self.reports += lines
        return {line["row"]: line["value"] for line in lines}


def end_load(process):
    process.stdin.close()
    process.stdout.close()
    return process.wait(60)
