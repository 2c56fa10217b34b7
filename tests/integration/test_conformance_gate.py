"""skynet's netpack, gate and login servers: the scripts of tests/conformance/skynet run and
every rule holds."""

import pytest
from skynet_rules import run_topic

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"netpack": 15, "gateserver": 10, "watchdog": 7, "loginserver": 14, "msgserver": 22}


@pytest.mark.parametrize("topic", TOPICS)
def test_conformance(topic, tmp_path):
    run_topic(topic, tmp_path, TOPICS[topic])
