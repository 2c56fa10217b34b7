"""The kind of fault: something happened that an operator waits for or fears, and no line where he
looks says so."""

import json
import re
import signal
import subprocess

from conftest import mysql_store
from gatehouse_client import login
from mariadb import MariaDb, program
from players import Player, fresh_name
from server import BINARY, PATIENCE, ROOT, Server
from waiting import wait_until


def start_failing(folder, changes):
    """(exit code, standard output, standard error, the log's file) of a start that fails."""
    server = Server(folder, changes)
    log = folder / "own.log"
    server.config.setdefault("log", {})["file"] = str(log)
    server.config_path.write_text(json.dumps(server.config))
    done = subprocess.run(
        [BINARY, "--config", server.config_path], cwd=ROOT, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60 * PATIENCE, check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode(), log.read_text()


def test_failed_start_with_a_log_file(start_server, tmp_path):
    busy = start_server()
    code, _, error, log = start_failing(
        tmp_path / "a", {"admin": {"listen": busy.login}}
    )
    assert code == 1
    assert "admin.listen" in log and "admin.listen" in error and "own.log" in error, error


def test_failed_start_for_a_gate(start_server, tmp_path):
    busy = start_server()
    gates = [{"server": "sample", "listen": busy.login}]
    code, _, error, log = start_failing(tmp_path / "a", {"gate": {"gates": gates}})
    assert code == 1
    assert "address already in use" in log and "address already in use" in error, error


def hang_up(server):
    since = server.log_size()
    server.signal(signal.SIGHUP)
    server.wait_log("SIGHUP", since)
    return since


def test_reload_that_went_well(start_server):
    server = start_server()
    since = hang_up(server)
    server.wait_log(r"SIGHUP: the log's file is opened anew, keys, bans and game servers", since)
    assert server.log(since).count("SIGHUP") == 1, server.log(since)


def test_reload_with_keys_that_need_a_restart(start_server):
    server = start_server()
    server.config["agent"]["per_vm"] = 3
    server.config["gate"]["gates"][1]["maxclient"] = 7
    server.config["store"]["queue_max"] = 99
    server.config["auth"]["tickets"] = {"keys": ["A" * 43 + "="]}
    server.config_path.write_text(json.dumps(server.config))
    since = hang_up(server)
    for key in ("agent.per_vm", r"gate.gates\[1\].maxclient", "store.queue_max"):
        server.wait_log(rf"SIGHUP: {key} has changed, which takes a restart", since)
    assert "tickets" not in server.log(since), "that is in force"
    assert server.log(since).count("takes a restart") == 3, server.log(since)


def test_reload_that_failed(start_server):
    server = start_server()
    server.config_path.write_text("{")
    since = hang_up(server)
    server.wait_log("SIGHUP: the configuration is not read again", since)
    assert "opened anew" not in server.log(since)
    assert login(server.login, fresh_name(), "secret", "sample").code == 200


def test_failover_and_return(start_server, own_mariadb, tmp_path):
    store = mysql_store(own_mariadb, "ops")
    second = MariaDb(tmp_path / "second").start()
    try:
        mysql_store(second, "ops")
        hosts = [f"127.0.0.1:{own_mariadb.port}", f"127.0.0.1:{second.port}"]
        mysql = store.config["mysql"] | {"hosts": hosts}
        config = {"driver": "mysql", "mysql": mysql, "timeout_ms": 2000 * PATIENCE,
                  "watch_interval_ms": 200}
        server = start_server({"store": config})
        # The tables of the second, as replication would have made them.
        user = fresh_name()
        assert login(server.login, user, "secret", "sample").code == 200
        tables = subprocess.run(
            [program("mariadb-dump"), "--no-defaults", "--hex-blob", "--user=root",
             f"--socket={own_mariadb.socket}", "ops"],
            capture_output=True, check=True, timeout=60 * PATIENCE,
        ).stdout.decode()
        second.query(tables, "ops")
        since = server.log_size()
        own_mariadb.kill()

        def served():
            return login(server.login, user, "secret", "sample", timeout=30 * PATIENCE).code == 200

        wait_until(served, 60 * PATIENCE, "logins after the failover", 0.2)
        server.wait_log(
            rf"the store is now at {re.escape(hosts[1])}, before that at {re.escape(hosts[0])}",
            since, 30,
        )
        second.kill()
        server.wait_log("bans and game servers cannot be read", since, 30)
        back = server.log_size()
        second.start()
        server.wait_log("bans and game servers are read again", back, 60)
    finally:
        if second.process is not None:
            second.stop()


SAVER = """
return {
	load = function(self, data) self.data = data or "" end,
	request = function(self, msg)
		self.data = msg
		self:flush()
		return msg
	end,
	save = function(self) return self.data end,
}
"""


def test_words_of_the_database(start_server, mariadb, tmp_path):
    """A table that takes no more is called full by name, for who waits for it."""
    module = tmp_path / "saver.lua"
    module.write_text(SAVER)
    store = mysql_store(mariadb, "words")
    server = start_server({"store": store.config, "agent": {"module": str(module)}})
    player = Player(server)
    gate = player.connect()
    store.query(
        "CREATE TRIGGER full BEFORE UPDATE ON player_data FOR EACH ROW "
        "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, "
        "MESSAGE_TEXT = 'The table ''player_data'' is full'"
    )
    since = server.log_size()
    session = gate.send_request("one")
    server.wait_log(
        rf"{player.user}@sample: the store does not answer yet: unavailable: .*is full", since
    )
    store.query("DROP TRIGGER full")
    assert gate.response(session, 30 * PATIENCE)[1] == b"one"
