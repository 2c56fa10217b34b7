"""skynet's network modules: the scripts of tests/conformance/skynet run and every rule holds."""

import re
import subprocess

import pytest
from server import BINARY, PATIENCE, REPORT, ROOT

SCRIPTS = "tests/conformance/skynet"
# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"socketchannel": 28, "http": 24, "redis": 19, "websocket": 22}
CONFIG = f"""
thread = 2
harbor = 0
start = "TOPIC"
bootstrap = "snlua bootstrap"
luaservice = "./{SCRIPTS}/?.lua"
lua_path = "./{SCRIPTS}/?.lua"
"""


def rules_of(topic):
    text = (ROOT / SCRIPTS / f"{topic}.lua").read_text()
    return re.findall(r'^\s*(?:rules\.)?rule\("([^"]+)"', text, re.MULTILINE)


@pytest.mark.parametrize("topic", TOPICS)
def test_conformance(topic, tmp_path):
    config = tmp_path / f"{topic}.config"
    config.write_text(CONFIG.replace("TOPIC", topic))
    done = subprocess.run(
        [BINARY, "skynet", str(config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
    )
    lines = done.stdout.splitlines()
    output = done.stdout + done.stderr
    assert not [line for line in lines if line.startswith("failed")], output
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= TOPICS[topic]
    printed = [line[3:] for line in lines if line.startswith("ok ")]
    assert sorted(printed) == sorted(rules), output
    assert f"conformance {topic} done" in lines, output
    assert done.returncode == 0, output
    assert not REPORT.search(output), output
