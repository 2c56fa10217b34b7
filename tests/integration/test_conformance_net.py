"""skynet's network modules: the scripts of tests/conformance/skynet run and every rule holds."""

import pytest
from skynet_rules import run_topic

# How many rules each script has at least.
TOPICS = {"socketchannel": 28, "http": 24, "redis": 19, "websocket": 23}


@pytest.mark.parametrize("topic", TOPICS)
def test_conformance(topic, tmp_path):
    run_topic(topic, tmp_path, TOPICS[topic])
