"""Runs the scripts of tests/conformance/skynet, each of which prints the rules that hold."""

import re
import subprocess

from server import BINARY, PATIENCE, REPORT, ROOT

FOLDER = "./tests/conformance/skynet"
CONFIG = f"""thread = 2
harbor = 0
bootstrap = "snlua bootstrap"
luaservice = "{FOLDER}/?.lua"
lua_path = "{FOLDER}/?.lua"
"""


def rules_of(topic):
    """The names of the rules that a script states."""
    text = (ROOT / FOLDER / f"{topic}.lua").read_text()
    return re.findall(r'^\s*(?:rules\.)?rule\("([^"]+)"', text, re.MULTILINE)


def run(topic, folder, settings="", environment=None, seconds=60):
    """(lines of its standard output, all output) of a script that ends the process."""
    config = folder / f"{topic}.config"
    config.write_text(f'start = "{topic}"\n{CONFIG}{settings}')
    done = subprocess.run(
        [BINARY, "skynet", config], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=seconds * PATIENCE,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert not REPORT.search(output), output[-3000:]
    return done.stdout.splitlines(), output


def check(topic, lines, output):
    """Each rule of the script was printed, once, and held."""
    assert [line for line in lines if line.startswith("failed")] == []
    printed = [line[3:] for line in lines if line.startswith("ok ")]
    assert sorted(printed) == sorted(rules_of(topic)), output[-3000:]
    assert f"conformance {topic} done" in lines, output[-3000:]
