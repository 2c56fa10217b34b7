"""The tools that README tells people to use."""

import json
import re
import subprocess
import sys

import pytest
from server import BINARY, ROOT, SANITIZED, run

READMES = [path for path in (ROOT / "README.md", ROOT / "README.zh-CN.md") if path.exists()]


def play(server, *arguments, game="sample"):
    return subprocess.run(
        [ROOT / "tools/play", "--login", server.login, "--gate", server.gate(game), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("suite", ["skynet", "plain"])
def test_play(server, suite):
    done = play(server, "--suite", suite)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("200 OK", "'whoami' -> 'hello@sample'", "good news", "not counted twice"):
        assert text in done.stdout, done.stdout


def test_play_as_somebody_else(server):
    options = ["--user", "严", "--password", "p", "--server", "cocos1"]
    done = play(server, *options, game="cocos1")
    assert done.returncode == 0 and "'严@cocos1'" in done.stdout, done.stdout + done.stderr
    assert play(server, *options, game="cocos1").returncode == 0, "a second time as well"
    done = play(server, "--user", "严", "--password", "wrong")
    assert done.returncode == 1 and "401 Unauthorized" in done.stdout


def test_play_says_when_nothing_listens():
    nowhere = "127.0.0.1:1"
    done = subprocess.run(
        [ROOT / "tools/play", "--login", nowhere, "--gate", nowhere],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "./tools/run" in done.stdout


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_commands_of_the_readme_exist(readme):
    blocks = re.findall(r"```sh\n(.*?)```", readme.read_text(), re.DOTALL)
    commands = [
        line.split()[0]
        for block in blocks
        for line in block.splitlines()
        if line.startswith("./") and not line.startswith("./build/")
    ]
    assert "./tools/run" in commands and "./tools/test" in commands
    for command in commands:
        path = ROOT / command
        assert path.is_file() and path.stat().st_mode & 0o111, command


@pytest.mark.parametrize("tool", ["tools/run", "tools/test", "tools/play", "tools/bench"])
def test_help(tool):
    done = subprocess.run(
        [ROOT / tool, "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and f"./{tool}" in done.stdout


def test_help_and_version_of_the_program():
    code, output = run("--help")
    assert code == 0 and "--config" in output and "--ready-file" in output
    code, _ = run("--no-such-option")
    assert code != 0


def test_sum_of_results(tmp_path):
    """A failed step, a failed test and an empty report all count."""
    report = '<testsuite><testcase name="a"/>{}</testsuite>'
    failed = '<testcase name="b"><failure message="x"/></testcase>'

    def total(**steps):
        folder = tmp_path / ("of " + " ".join(steps))
        folder.mkdir()
        for name, (code, xml) in steps.items():
            (folder / f"{name}.code").write_text(str(code))
            if xml is not None:
                (folder / f"{name}.xml").write_text(xml)
        command = [sys.executable, "-B", ROOT / "tools/lib/sum_results.py", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1]

    assert total(good=(0, report.format(""))) == (0, "1 passed, 0 failed")
    assert total(bad=(1, report.format(failed))) == (1, "1 passed, 1 failed")
    assert total(crashed=(9, report.format(""))) == (1, "1 passed, 1 failed")
    assert total(absent=(2, None)) == (1, "0 passed, 1 failed")
    assert total(empty=(0, "<testsuite/>")) == (1, "0 passed, 1 failed")
    assert total() == (1, "0 passed, 0 failed")
    skipped = '<testcase name="c"><skipped/></testcase>'
    assert total(some=(0, report.format(skipped))) == (0, "1 passed, 0 failed, 1 skipped")


@pytest.mark.skipif(SANITIZED, reason="tools/run builds the release preset")
@pytest.mark.skipif(
    BINARY != ROOT / "build/release/gatehouse", reason="tools/run starts build/release/gatehouse"
)
def test_run_detached_play_and_stop():
    """On ports of its own, so that it can run beside a server that is up already."""
    if (ROOT / "var/gatehouse.pid").exists():
        pytest.skip("a server started by ./tools/run is up; it is left alone")
    free = "127.0.0.1:0"
    gates = json.dumps([{"server": "sample", "listen": free}, {"server": "cocos1", "listen": free}])
    login = json.dumps([{"transport": "tcp", "address": free, "suites": ["plain", "skynet"]}])
    start = [ROOT / "tools/run", "--detach", "--"]
    start += ["--set", f"gate.gates={gates}", "--set", f"login.listen={login}"]

    def tool(command):
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    done = tool(start)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "./tools/play" in done.stdout and "gate sample: 127.0.0.1:" in done.stdout
        again = tool(start)
        assert again.returncode == 1 and "running already" in again.stderr
        played = tool([ROOT / "tools/play"])
        assert played.returncode == 0 and "not counted twice" in played.stdout, played.stdout
    finally:
        stopped = tool([ROOT / "tools/run", "--stop"])
    assert stopped.returncode == 0 and "stopped" in stopped.stdout
    assert "not running" in tool([ROOT / "tools/run", "--stop"]).stdout
