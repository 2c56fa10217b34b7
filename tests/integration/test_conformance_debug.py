"""Looking into running services: debug messages and require, by the scripts of conformance."""

import pytest
import skynet_rules

SETTINGS = f"""
lua_path = lua_path .. ";{skynet_rules.FOLDER}/modules/?.lua"
luaservice = luaservice .. ";{skynet_rules.FOLDER}/?/init.lua"
"""


@pytest.mark.parametrize("topic", ["debug", "request", "require", "details"])
def test_rules(topic, tmp_path):
    skynet_rules.check(topic, *skynet_rules.run(topic, tmp_path, SETTINGS))


def test_the_process_ends_with_its_last_service(tmp_path):
    """sk 2.15."""
    _, output = skynet_rules.run("last", tmp_path)
    assert output.count("KILL self") >= 4
