"""Runs the scripts of tests/conformance/skynet, each of which prints the rules that hold. A script
lies in the folder of its section, with the services that only its section needs; what several
sections need lies above them."""

import re
import subprocess

from server import BINARY, PATIENCE, REPORT, ROOT

FOLDER = "./tests/conformance/skynet"
SUPPORT = "./tests/support/lua"


def scripts_named(topic):
    """The paths of the sections' scripts of that name: one, or none for what is no topic."""
    return [f"./{path.relative_to(ROOT)}" for path in (ROOT / FOLDER).glob(f"*/{topic}.lua")]


def search_path(*folders):
    return ";".join(f"{folder}/?.lua" for folder in folders)


def write_config(folder, topic, settings="", **keys):
    """A skynet configuration whose first service is `topic`, of a section or of nobody's; returns
    its path."""
    sections = [path.rpartition("/")[0] for path in scripts_named(topic)]
    values = {
        "thread": "2",
        "harbor": "0",
        "start": topic,
        "bootstrap": "snlua bootstrap",
        "luaservice": search_path(*sections, FOLDER),
        "lua_path": search_path(*sections, FOLDER, SUPPORT),
        "snax": f"{FOLDER}/snax/services/?.lua;{FOLDER}/snax/folders/?/main.lua",
        **keys,
    }
    path = folder / f"{topic}.config"
    lines = [f'{key} = "{value}"\n' for key, value in values.items()]
    path.write_text("".join(lines) + settings)
    return path


def rules_of(topic):
    """The names of the rules that a script states."""
    (script,) = scripts_named(topic)
    text = (ROOT / script).read_text()
    return re.findall(r'^\s*(?:rules\.)?rule\("([^"]+)"', text, re.MULTILINE)


def run(topic, folder, settings="", environment=None, seconds=60, **keys):
    """(lines of its standard output, all output) of a script that ends the process."""
    config = write_config(folder, topic, settings, **keys)
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


def run_topic(topic, folder, count_min, **keys):
    """Every rule that the script names holds; it names `count_min` at least, so that none is
    lost unseen."""
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= count_min
    lines, output = run(topic, folder, **keys)
    check(topic, lines, output)
