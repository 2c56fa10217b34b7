"""Runs a script of tests/conformance/skynet: each of its rules must be printed as held."""

import re
import subprocess

from server import BINARY, PATIENCE, REPORT, ROOT

SCRIPTS = "tests/conformance/skynet"
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


def check_topic(topic, rules_min, folder):
    """The script has so many rules at least, all hold, and the process ends in order."""
    config = folder / f"{topic}.config"
    config.write_text(CONFIG.replace("TOPIC", topic))
    done = subprocess.run(
        [BINARY, "skynet", str(config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
    )
    lines = done.stdout.splitlines()
    output = done.stdout + done.stderr
    assert not [line for line in lines if line.startswith("failed")], output
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= rules_min
    printed = [line[3:] for line in lines if line.startswith("ok ")]
    assert sorted(printed) == sorted(rules), output
    assert f"conformance {topic} done" in lines, output
    assert done.returncode == 0, output
    assert not REPORT.search(output), output
