"""docs/skynet-api.md says of each of skynet's functions what the server says."""

import subprocess
import sys

from server import BINARY, ROOT

TOOL = ROOT / "tools/skynet_api.py"
DOCUMENT = ROOT / "docs/skynet-api.md"


def tool(*arguments):
    return subprocess.run(
        [sys.executable, "-B", TOOL, "--binary", BINARY, *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )


def test_the_document_is_what_the_tool_writes():
    done = tool()
    assert done.returncode == 0, f"run tools/skynet_api.py --write\n{done.stdout}{done.stderr}"


def test_a_wrong_document_is_seen(tmp_path):
    wrong = tmp_path / "wrong.md"
    row = "| skynet | `start` | A | there |  |"
    text = DOCUMENT.read_text()
    assert text.count(row) == 1
    wrong.write_text(text.replace(row, row.replace("there", "missing")))
    done = tool("--document", wrong)
    assert done.returncode == 1
    assert row in done.stdout


def test_states_are_those_of_the_functions():
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| ")
    ]
    states = {(row[0], row[1]): row[3:] for row in rows if len(row) == 5}
    assert states["skynet", "`call`"] == ["there", ""]
    assert states["skynet.harbor", "`link`"] == ["not supported", "there is no other harbor"]
    assert len(states) > 350
