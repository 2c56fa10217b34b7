"""skynet.db.mysql on a real MariaDB: the scripts of tests/conformance/skynet, and the example."""

import re
import subprocess
import threading

import pytest
from conftest import mysql_store
from gatehouse_client import login
from server import BINARY, PATIENCE, REPORT, ROOT

SCRIPTS = "tests/conformance/skynet"
# How many rules each script has at least, so that none is lost unseen.
RULES_MIN = {"mysql": 21, "mysql_life": 12}
CONFIG = """
thread = THREADS
harbor = 0
start = "TOPIC"
bootstrap = "snlua bootstrap"
luaservice = "./SCRIPTS/?.lua"
lua_path = "./SCRIPTS/?.lua"
snax = "./lua/examples/?.lua"
mysql_port = PORT
mysql_database = "example_accounts"
"""


def rules_of(topic):
    text = (ROOT / SCRIPTS / f"{topic}.lua").read_text()
    return re.findall(r'^\s*rule\("([^"]+)"', text, re.MULTILINE)


def run(topic, mariadb, folder, threads=1):
    config = folder / f"{topic}.config"
    text = CONFIG.replace("TOPIC", topic).replace("SCRIPTS", SCRIPTS)
    config.write_text(text.replace("PORT", str(mariadb.port)).replace("THREADS", str(threads)))
    done = subprocess.run(
        [BINARY, "skynet", str(config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120 * PATIENCE,
    )
    output = done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("failed")], output
    rules = rules_of(topic)
    assert len(rules) == len(set(rules)) >= RULES_MIN.get(topic, 1)
    assert [line[3:] for line in lines if line.startswith("ok ")] == rules, output
    assert f"conformance {topic} done" in lines, output
    assert done.returncode == 0, output
    assert not REPORT.search(output), output


def test_values_results_and_statements(mariadb, tmp_path):
    run("mysql", mariadb, tmp_path)


@pytest.fixture
def reviving_mariadb(own_mariadb):
    """A server that is started again when somebody shuts it down."""
    over = threading.Event()

    def revive():
        while not over.is_set():
            if own_mariadb.process.poll() is not None:
                own_mariadb.start()
            over.wait(0.05)

    thread = threading.Thread(target=revive)
    thread.start()
    yield own_mariadb
    over.set()
    thread.join()


# One worker shows that queries hold nothing up; several, that answers cross threads.
@pytest.mark.parametrize("threads", [1, 2])
def test_life_of_connections(reviving_mariadb, tmp_path, threads):
    run("mysql_life", reviving_mariadb, tmp_path, threads)


def test_example_on_the_schema(mariadb, start_server, tmp_path):
    store = mysql_store(mariadb, "example_accounts")
    server = start_server({"store": store.config})
    for name in ("cocos1", "test1"):
        assert login(server.login, name, "only for tests", "sample").code == 200
    server.stop()
    run("account_db", mariadb, tmp_path, threads=2)
