"""skynet.db.mysql on a real MariaDB: the scripts of tests/conformance/skynet, and the example."""

import threading

import pytest
from conftest import mysql_store
from gatehouse_client import login
from players import Player
from skynet_rules import run_topic

# How many rules each script has at least, so that none is lost unseen.
RULES_MIN = {"mysql": 21, "mysql_life": 12}


def run(topic, mariadb, folder, threads=1):
    run_topic(
        topic, folder, RULES_MIN.get(topic, 1), seconds=120, thread=threads,
        snax="./lua/examples/?.lua", mysql_port=mariadb.port, mysql_database="example_accounts",
    )


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


PLAYER_MODULE = """
local mysql = require "skynet.db.mysql"
local db -- of all players in this VM
return {
	load = function()
		db = db or mysql.connect { host = "127.0.0.1", port = PORT, user = "root" }
	end,
	request = function(self, msg)
		if msg == "leave" then
			self:kick()
			return ""
		end
		return tostring(db:query("SELECT " .. msg .. " n, SLEEP(0.01)")[1].n)
	end,
}
"""


def test_players_share_a_connection_which_outlives_its_opener(mariadb, start_server, tmp_path):
    module = tmp_path / "player.lua"
    module.write_text(PLAYER_MODULE.replace("PORT", str(mariadb.port)))
    server = start_server({"workers": 1, "agent": {"module": str(module), "per_vm": 100}})
    opener = Player(server).connect()
    others = [Player(server).connect() for _ in range(5)]
    everybody = [opener, *others]
    sessions = [gate.send_request(str(n).encode()) for n, gate in enumerate(everybody)]
    for number, gate in enumerate(everybody):
        assert gate.response(sessions[number])[1] == str(number).encode()
    opener.send_request(b"leave")
    opener.read_until_closed()
    for number, gate in enumerate(others):
        assert gate.request(str(number).encode()) == str(number).encode()
