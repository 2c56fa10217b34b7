"""Runs a script of tests/conformance/skynet, which prints `ok RULE` or `failed RULE: why`."""

import re
import subprocess

from server import BINARY, PATIENCE, REPORT, ROOT

SCRIPTS = "tests/conformance/skynet"


def write_config(folder, topic, **keys):
    """A skynet configuration whose first service is `topic`; returns its path."""
    lines = {
        "thread": "2",
        "harbor": "0",
        "start": topic,
        "bootstrap": "snlua bootstrap",
        "luaservice": f"./{SCRIPTS}/?.lua",
        "lua_path": f"./{SCRIPTS}/?.lua",
        **keys,
    }
    path = folder / f"{topic}.config"
    path.write_text("".join(f'{key} = "{value}"\n' for key, value in lines.items()))
    return path


def rules_of(topic):
    text = (ROOT / SCRIPTS / f"{topic}.lua").read_text()
    return re.findall(r'^\s*(?:rules\.)?rule\("([^"]+)"', text, re.MULTILINE)


def run_topic(topic, folder, count_min, **keys):
    """Every rule that the script names holds; it names `count_min` at least, so that none is
    lost unseen."""
    done = subprocess.run(
        [BINARY, "skynet", str(write_config(folder, topic, **keys))],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
    )
    lines = done.stdout.splitlines()
    output = done.stdout + done.stderr
    assert not [line for line in lines if line.startswith("failed")], output
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= count_min
    printed = [line[3:] for line in lines if line.startswith("ok ")]
    assert sorted(printed) == sorted(rules), output
    assert f"conformance {topic} done" in lines, output
    assert done.returncode == 0, output
    assert not REPORT.search(output), output
