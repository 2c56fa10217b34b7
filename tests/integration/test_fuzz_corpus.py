"""Every fuzz target has inputs that the ordinary run replays, and its row on the page."""

from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("*.cpp"))
INPUT_BYTES_MAX = 4096
INPUTS_MAX = 100


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_small_inputs(target):
    inputs = list((FUZZ / "corpus" / target).iterdir())
    assert 0 < len(inputs) <= INPUTS_MAX
    assert not [path.name for path in inputs if path.stat().st_size >= INPUT_BYTES_MAX]


def test_every_target_is_on_the_page():
    page = (FUZZ / "README.md").read_text(encoding="utf-8")
    assert not [target for target in TARGETS if f"`{target}`" not in page]


def test_no_inputs_are_left_of_a_target_that_is_gone():
    assert {path.name for path in (FUZZ / "corpus").iterdir()} == set(TARGETS)
