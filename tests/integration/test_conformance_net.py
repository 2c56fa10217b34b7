"""skynet's network modules: the scripts of tests/conformance/skynet run and every rule holds."""

import pytest
from conformance import check_topic

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"socketchannel": 28, "http": 24, "redis": 19, "websocket": 22}


@pytest.mark.parametrize("topic", TOPICS)
def test_conformance(topic, tmp_path):
    check_topic(topic, TOPICS[topic], tmp_path)
