"""Runs services for skynet's API in a process of their own, and reads what they print."""

import re
import subprocess
import threading

from server import BINARY, PATIENCE, REPORT, ROOT
from skynet_rules import write_config
from waiting import wait_until


class SkynetProcess:
    """`gatehouse skynet` with a start service of tests/conformance/skynet; `values` are further
    keys of its configuration. Use `with`: leaving kills what still runs."""

    def __init__(self, folder, start, values=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.config = write_config(folder, start, **(values or {}))
        self.lines = []
        self.process = None
        self.reader = None

    def start(self):
        self.process = subprocess.Popen(
            [BINARY, "skynet", self.config], cwd=ROOT, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,))
        self.reader.start()
        return self

    def _read(self, stream):
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def output(self):
        return "\n".join(self.lines)

    def wait_line(self, pattern, since=0, timeout=20.0):
        """Number and match of the first line, from `since` on, that matches the pattern whole."""

        def found():
            for number, line in enumerate(self.lines[since:], since):
                if match := re.fullmatch(pattern, line):
                    return number, match
            return None

        try:
            return wait_until(found, timeout * PATIENCE, f"/{pattern}/")
        except AssertionError as error:
            raise AssertionError(f"{error} in\n{self.output()[-3000:]}") from None

    def finish(self, timeout=60.0):
        """Waits for the end by itself; its exit code."""
        code = self.process.wait(timeout * PATIENCE)
        self.reader.join()
        assert not REPORT.search(self.output()), self.output()[-4000:]
        return code

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.kill()
