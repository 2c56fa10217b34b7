"""Fixtures: one server a module where a test does not need its own.

GATEHOUSE_TRANSPORT=tls|ws|wss has the clients of these servers take that way instead of TCP; what a
module can do over several it asks for: parametrize("server", TRANSPORTS, indirect=True).
"""

import contextlib
import itertools
import os
import re
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))

from gatectl import Tool  # noqa: E402
from mariadb import MariaDb  # noqa: E402
from server import Server, raise_descriptor_limit  # noqa: E402


TRANSPORT = os.environ.get("GATEHOUSE_TRANSPORT", "tcp")


def pytest_configure():
    raise_descriptor_limit()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """One MariaDB for all modules that only use it; who stops or pauses it starts an own one."""
    instance = MariaDb(tmp_path_factory.mktemp("db")).start()
    yield instance
    instance.stop()


class Store:
    """The store behind a server, as operations staff see it: plain SQL."""

    def __init__(self, config, query):
        self.config = config
        self.query = query

    def names(self):
        """The accounts' names as bytes, in the order of their creation."""
        rows = self.query("SELECT HEX(name) FROM account ORDER BY id")
        return [bytes.fromhex(row[0]) for row in rows]


def sqlite_store(path):
    import sqlite3

    def query(statement):
        connection = sqlite3.connect(path, timeout=10)
        try:
            rows = connection.execute(statement).fetchall()
            connection.commit()
        finally:
            connection.close()
        return [["" if value is None else str(value) for value in row] for row in rows]

    return Store({"driver": "sqlite", "sqlite": {"path": str(path)}}, query)


def mysql_store(instance, database):
    instance.create_database(database)
    return Store(
        instance.store_config(database), lambda statement: instance.query(statement, database)
    )


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def store(request, tmp_path_factory):
    """Both drivers: a module that asks for it runs twice."""
    if request.param == "sqlite":
        return sqlite_store(tmp_path_factory.mktemp("sqlite") / "gatehouse.db")
    database = re.sub(r"\W", "_", request.module.__name__)
    return mysql_store(request.getfixturevalue("mariadb"), database)


@pytest.fixture(params=["sqlite", "mysql"])
def own_store(request, tmp_path):
    """One that no other server has open: a SQLite file belongs to one."""
    if request.param == "sqlite":
        return sqlite_store(tmp_path / "own.db")
    database = re.sub(r"\W", "_", request.node.originalname)
    return mysql_store(request.getfixturevalue("mariadb"), database)


@pytest.fixture(scope="module")
def tool(store, tmp_path_factory):
    """gatectl on each of the stores."""
    return Tool(tmp_path_factory.mktemp("gatectl"), {"store": store.config})


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    """A server on SQLite; a module's SERVER dictionary changes its configuration."""
    changes = getattr(request.module, "SERVER", {})
    transport = getattr(request, "param", TRANSPORT)
    instance = Server(tmp_path_factory.mktemp("server"), changes, transport=transport).start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def stored_server(store, tmp_path_factory):
    """A server on each of the stores."""
    instance = Server(tmp_path_factory.mktemp("server"), {"store": store.config}).start()
    yield instance
    instance.stop()


@pytest.fixture
def start_server(tmp_path):
    """A function that starts servers of the test's own; all are stopped at its end."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def start(changes=None, arguments=(), folder=None, transport=TRANSPORT):
            folder = folder or tmp_path / f"server{next(numbers)}"
            instance = Server(folder, changes, arguments, transport)
            stack.callback(instance.stop)
            return instance.start()

        yield start


@pytest.fixture
def own_mariadb(tmp_path):
    """A MariaDB that the test may stop, pause and kill."""
    instance = MariaDb(tmp_path / "db").start()
    yield instance
    instance.stop()


@pytest.fixture(autouse=True)
def server_still_runs(request):
    """A test that kills the module's server fails there, not in the next test."""
    yield
    for name in ("server", "stored_server"):
        if name in request.fixturenames:
            instance = request.getfixturevalue(name)
            assert instance.process.poll() is None, instance.log()[-3000:]


