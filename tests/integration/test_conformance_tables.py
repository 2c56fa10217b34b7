"""skynet's libraries for state that services share (docs/skynet-rules.md 1.5)."""

import pytest
from skynet_rules import run_topic

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {"sharedata": 10, "sharetable": 6, "datasheet": 4, "stm": 3}


@pytest.mark.parametrize("topic", TOPICS)
def test_rules(topic, tmp_path):
    run_topic(topic, tmp_path, TOPICS[topic])
