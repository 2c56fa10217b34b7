"""Looking into running services: debug messages and require, by the scripts of conformance."""

import pytest
import skynet_rules

MODULES = f'lua_path = lua_path .. ";{skynet_rules.FOLDER}/modules/?.lua"\n'


@pytest.mark.parametrize("topic", ["debug", "request", "require"])
def test_rules(topic, tmp_path):
    skynet_rules.check(topic, *skynet_rules.run(topic, tmp_path, MODULES))
