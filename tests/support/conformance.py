"""Runs a script of tests/conformance/skynet and compares the rules that it prints with those it
holds."""

import re
import subprocess

from server import BINARY, PATIENCE, REPORT, ROOT

SCRIPTS = "tests/conformance/skynet"


def rules_of(topic):
    text = (ROOT / SCRIPTS / f"{topic}.lua").read_text()
    return re.findall(r'^\s*(?:rules\.)?rule\("([^"]+)"', text, re.MULTILINE)


def check_rules(topic, count, folder):
    """Every rule of the script holds, and there are `count` of them at least."""
    config = folder / f"{topic}.config"
    config.write_text(
        f'thread = 2\nharbor = 0\nstart = "{topic}"\nluaservice = "./{SCRIPTS}/?.lua"\n'
        f'lua_path = "./{SCRIPTS}/?.lua"\n'
    )
    done = subprocess.run(
        [BINARY, "skynet", config], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60 * PATIENCE,
    )
    output = done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("failed")] == []
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= count
    found = [line for line in lines if line.startswith(("ok ", "conformance "))]
    assert found == [f"ok {rule}" for rule in rules] + [f"conformance {topic} done"], output[-3000:]
    assert done.returncode == 0, output[-3000:]
    assert not REPORT.search(output), output[-3000:]
