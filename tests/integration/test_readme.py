"""What README.md shows is what there is. (Its ./tools/... commands: test_tools.py.)"""

import re
import subprocess

from server import ROOT

DICE = ROOT / "lua/examples/dice.lua"


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


def play(server, *arguments):
    command = [ROOT / "tools/play", "--login", server.login, "--gate", server.gate("sample")]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_actor_shown_is_the_example():
    code = DICE.read_text()
    assert blocks("README.md", "lua") == [code[code.index("local M") :]]


def test_both_languages_show_the_same_commands():
    def commands(name):
        lines = [line for block in blocks(name, "sh") for line in block.splitlines()]
        return [line.split("  #")[0].rstrip() for line in lines]

    assert commands("README.md") == commands("README.zh-CN.md")


def test_the_example_plays(start_server):
    server = start_server({"agent": {"module": str(DICE)}})
    code, output = play(server, "--user", "cleo", *["roll"] * 40, "sum")
    assert code == 0, output
    rolls = [int(roll) for roll in re.findall(r"'roll' -> '([1-6])'", output)]
    assert len(rolls) == 40
    assert f"'sum' -> '{sum(rolls)}'" in output
    assert output.count("'a six!'") == rolls.count(6)
    code, output = play(server, "--user", "cleo", "sum", "nonsense")
    assert code == 0 and f"'sum' -> '{sum(rolls)}'" in output, output
    assert "'nonsense' -> '(an error: kind 0)'" in output
