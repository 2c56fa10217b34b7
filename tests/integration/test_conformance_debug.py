"""Looking into running services: debug messages and require, by the scripts of conformance."""

import pytest
import skynet_rules

MODULES = f'lua_path = lua_path .. ";{skynet_rules.FOLDER}/modules/?.lua"\n'


@pytest.mark.parametrize("topic", ["debug", "request", "require"])
def test_rules(topic, tmp_path):
    skynet_rules.check(topic, *skynet_rules.run(topic, tmp_path, MODULES))


def test_the_process_ends_with_its_last_service(tmp_path):
    """sk 2.15."""
    _, output = skynet_rules.run("last", tmp_path)
    assert output.count("KILL self") >= 4
