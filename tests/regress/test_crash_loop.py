"""A supervisor that gives up: after a few starts in a row the server stays down although the next
one would have worked. The unit tries for ever, slowly enough, and only what trying cannot mend (a
wrong configuration) ends it."""

import configparser
import re
import shutil
import subprocess

import pytest
from server import ROOT

UNIT = ROOT / "deploy/gatehouse.service"


def read_unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser


def test_the_unit_never_gives_up():
    unit = read_unit()
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert "StartLimitBurst" not in unit["Unit"]
    assert unit["Service"]["Restart"] in ("on-failure", "always")
    # With no limit on the number of starts, the pause is what spares the database.
    assert 2 <= int(unit["Service"]["RestartSec"]) <= 30


def test_a_wrong_configuration_ends_it():
    """Only the main process's exit code counts: a check in ExecStartPre would be tried for ever."""
    unit = read_unit()
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
    assert "ExecStartPre" not in unit["Service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_knows_every_key(tmp_path):
    # The program and the page are not installed here.
    text = re.sub(r"/opt/gatehouse/build/release/gatehouse", "/bin/true", UNIT.read_text())
    text = re.sub(r"^Documentation=.*$", "", text, flags=re.MULTILINE)
    path = tmp_path / "gatehouse.service"
    path.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True,
        timeout=120, check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if "gatehouse.service" in line]
    assert complaints == [], done.stderr
