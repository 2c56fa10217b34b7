"""skynet's netpack, gate and login servers: the scripts of tests/conformance/skynet run and
every rule holds."""

import pytest
from conformance import check_topic

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"netpack": 15, "gateserver": 10, "watchdog": 7, "loginserver": 14, "msgserver": 22}


@pytest.mark.parametrize("topic", TOPICS)
def test_conformance(topic, tmp_path):
    check_topic(topic, TOPICS[topic], tmp_path)
