"""skynet.cluster: within a process, and between two."""

import pytest
import skynet_rules
from mariadb import free_port
from skynet_process import SkynetProcess

# How many rules each script has at least, so that none is lost unseen.
TOPICS = {
    "cluster": 18,
    "cluster_failures": 10,
    "cluster_pair": 5,
    "cluster_public": 1,
}


def check_rules(process, topic):
    assert len(skynet_rules.rules_of(topic)) >= TOPICS[topic]
    skynet_rules.check(topic, process.lines, process.output())


@pytest.mark.parametrize("topic", ["cluster", "cluster_failures"])
def test_one_process(topic, tmp_path):
    names = tmp_path / "names.lua"
    names.write_text("listed = false\n")
    with SkynetProcess(tmp_path, topic, {"cluster": names}) as process:
        assert process.finish() == 0, process.output()
        check_rules(process, topic)


def test_two_processes(tmp_path):
    keys = {"peer_port": free_port()}
    with SkynetProcess(tmp_path, "cluster_node", keys) as node:
        node.wait_line(r"listening \d+ \d+")
        with SkynetProcess(tmp_path, "cluster_pair", keys) as driver:
            line, _ = driver.wait_line("do kill")
            node.kill()
            line, _ = driver.wait_line("do start", since=line)
            node.start()
            driver.wait_line("do start", since=line + 1)
            node.finish()
            node.start()
            assert driver.finish() == 0, driver.output()
            check_rules(driver, "cluster_pair")


def test_public_addresses_when_the_configuration_says_so(tmp_path):
    with SkynetProcess(tmp_path, "cluster_public", {"cluster_public": "true"}) as process:
        assert process.finish() == 0, process.output()
        check_rules(process, "cluster_public")
