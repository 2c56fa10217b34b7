"""The tool under test: gatectl, built beside the server."""

import fcntl
import json
import os
import pty
import select
import subprocess
import termios

from server import BINARY, PATIENCE, ROOT, base_config, merged, write_private

GATECTL = BINARY.with_name("gatectl")


class Tool:
    """gatectl with one configuration file, on a store that tests share or own."""

    def __init__(self, folder, changes):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "gatectl.json"
        write_private(self.path, json.dumps(merged(base_config(folder), changes)))

    def run(self, *arguments, stdin=b""):
        """(exit code, standard output, standard error) as text."""
        done = subprocess.run(
            [GATECTL, "--config", self.path, *arguments],
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            timeout=300 * PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def __call__(self, *arguments, password=None):
        """run() of what shows no hash, with the password on standard input."""
        stdin = (password + "\n" if password is not None else "").encode()
        code, output, error = self.run(*arguments, stdin=stdin)
        for text in (output, error):
            assert "$argon2" not in text, "no hash is shown"
            assert password in (None, "") or password not in text
        return code, output, error

    def done(self, *arguments, password=None):
        """The output of a command that must succeed."""
        code, output, error = self(*arguments, password=password)
        assert code == 0 and error == "", (code, output, error)
        return output

    def json(self, *arguments, password=None):
        """The same of a command with --json: one document."""
        text = self.done(*arguments, "--json", password=password)
        assert text.endswith("\n")
        return json.loads(text)

    def refused(self, code, *arguments, password=None):
        """What a command that must fail with this code says."""
        got, output, error = self(*arguments, password=password)
        assert got == code and output == "", (got, output, error)
        assert error.count("\n") == 1 and error.startswith("gatectl: "), error
        return error

    def json_refused(self, code, *arguments, password=None):
        """The same with --json: the error's code."""
        got, output, error = self("--json", *arguments, password=password)
        assert got == code and output == "", (got, output, error)
        document = json.loads(error)
        assert set(document) == {"error"} and set(document["error"]) == {"code", "message"}
        assert document["error"]["message"]
        return document["error"]["code"]

    def export(self, *arguments, form=None):
        """The text of an export with hashes."""
        options = ["--with-hashes", *arguments] + (["--format", form] if form else [])
        code, output, error = self.run("account", "export", *options)
        assert code == 0 and error == "", (code, error)
        return output


class Terminal:
    """gatectl on a terminal of its own."""

    def __init__(self, tool, *arguments):
        self.master, slave = pty.openpty()
        self.output = b""
        self.process = subprocess.Popen(
            [GATECTL, "--config", tool.path, *arguments],
            cwd=ROOT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )
        self.slave = slave

    def wait_for(self, text):
        while text not in self.output:
            assert select.select([self.master], [], [], 60 * PATIENCE)[0], self.output
            self.output += os.read(self.master, 1000)
        self.output = self.output[self.output.index(text) + len(text) :]

    def type(self, text):
        os.write(self.master, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def end(self):
        code = self.process.wait(60 * PATIENCE)
        os.set_blocking(self.master, False)
        try:
            self.output += os.read(self.master, 10_000)
        except BlockingIOError:
            pass
        os.close(self.slave)
        os.close(self.master)
        return code
