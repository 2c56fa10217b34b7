"""Looking into running services: debug messages and require, by the scripts of conformance."""

import signal
import subprocess

import pytest
import skynet_rules
from server import BINARY, PATIENCE, REPORT, ROOT
from waiting import wait_until

SETTINGS = f"""
lua_path = lua_path .. ";{skynet_rules.FOLDER}/service/modules/?.lua"
luaservice = luaservice .. ";{skynet_rules.FOLDER}/service/?/init.lua"
"""


@pytest.mark.parametrize("topic", ["debug", "request", "require", "details", "rare"])
def test_rules(topic, tmp_path):
    skynet_rules.check(topic, *skynet_rules.run(topic, tmp_path, SETTINGS))


def test_the_process_ends_with_its_last_service(tmp_path):
    """docs/skynet-rules.md 2.15."""
    _, output = skynet_rules.run("last", tmp_path)
    assert output.count("KILL self") >= 4


def started(folder, **keys):
    config = skynet_rules.write_config(folder, "logging", **keys)
    return subprocess.Popen([BINARY, "skynet", config], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_logger_written_in_lua(tmp_path):
    """docs/skynet-rules.md 2.15, 7.1."""
    process = started(tmp_path, logger="own_logger", logservice="snlua")
    lines = iter(process.stdout.readline, "")
    seen = []
    for line in lines:
        seen.append(line)
        if "a line of" in line:
            break
    assert seen[-1] == "own logger :00000005 a line of :00000005\n"
    assert "own logger :00000003 LAUNCH snlua launcher\n" in seen
    process.send_signal(signal.SIGHUP)
    assert "own logger: reopen\n" in lines
    process.terminate()
    rest = process.communicate(timeout=60 * PATIENCE)[0]
    assert process.returncode == 0 and not REPORT.search(rest)


def test_a_log_file(tmp_path):
    """docs/skynet-rules.md 7.1, logger: a path; SIGHUP opens it anew."""
    file = tmp_path / "skynet.log"
    process = started(tmp_path, logger=file)
    wait_until(lambda: file.exists() and "a line of :00000005" in file.read_text())
    file.rename(tmp_path / "old.log")
    process.send_signal(signal.SIGHUP)
    wait_until(file.exists)
    process.terminate()
    assert process.communicate(timeout=60 * PATIENCE)[0] == ""
    assert "KILL self" in file.read_text()
