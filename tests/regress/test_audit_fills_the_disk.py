"""What any stranger can cause left something that stays, without a bound: each refused login was a
row of the audit, thousands a second of one address. Refusals are one row an address and minute,
which counts them, and the table has bounds of age, rows and bytes that are kept."""

import pytest
from gatehouse_client import login
from server import PATIENCE
from waiting import wait_until

COLUMNS = "(at, name, server, address, suite, result)"


@pytest.fixture
def audited(start_server, own_store):
    """A server with bounds of its audit, and the store behind it."""

    def start(limits=None, **login_keys):
        config = {
            "store": own_store.config | {"watch_interval_ms": 100},
            "login": login_keys,
            "limits": limits or {"profile": "off"},
        }
        return start_server(config), own_store

    return start


def numbers(store, what, where="1 = 1"):
    rows = store.query(f"SELECT {what} FROM login_audit WHERE {where}")
    return [0 if cell in ("", "NULL") else int(cell) for cell in rows[0]]


def test_refusals_of_an_address_are_one_row_a_minute(audited):
    server, store = audited({"login_address_per_s": 1, "login_address_burst": 5})
    for number in range(120):
        answer = login(server.login, f"guess{number % 7}", "wrong", "nowhere")
        assert answer.code in (403, 429)
    wait_until(
        lambda: numbers(store, "SUM(attempts)") == [120], 20 * PATIENCE, "all refusals counted"
    )
    rows, minutes, names = numbers(store, "COUNT(*), COUNT(DISTINCT minute), MAX(names)")
    assert rows == minutes and rows <= 1 + 2 * PATIENCE
    assert 2 <= names <= 7


def test_what_is_let_in_is_a_row_each(audited):
    server, store = audited()
    for number in range(6):
        assert login(server.login, f"player{number % 2}", "secret", "sample").code == 200
        assert login(server.login, "player0", "wrong", "sample").code == 401
    wait_until(lambda: numbers(store, "SUM(attempts)") == [12], 20 * PATIENCE, "twelve logins")
    assert numbers(store, "COUNT(*), SUM(attempts)", "result = '200'") == [6, 6]
    assert numbers(store, "COUNT(*)", "result = '401'")[0] <= 1 + 2 * PATIENCE
    assert numbers(store, "COUNT(*)", "minute IS NULL") == [6]


def test_many_addresses_make_no_more_rows_than_a_minute_has(audited):
    server, store = audited(audit_addresses_max=3)
    for number in range(1, 13):
        answer = login(server.login, "guess", "wrong", "nowhere", source=f"127.0.9.{number}")
        assert answer.code == 403
    wait_until(lambda: numbers(store, "SUM(attempts)") == [12], 20 * PATIENCE, "all counted")
    rows, minutes = numbers(store, "COUNT(*), COUNT(DISTINCT minute)")
    assert rows <= 4 * minutes
    if minutes == 1:
        assert numbers(store, "attempts", "address = '*'") == [9]


def fill(store, rows):
    """Rows as of earlier logins, one after the other."""
    now = "UTC_TIMESTAMP()" if store.config["driver"] == "mysql" else "unixepoch()"
    for first in range(0, rows, 500):
        values = ", ".join(
            f"({now}, 'row{number}', 'sample', '192.0.2.1', 'plain', '200')"
            for number in range(first, min(first + 500, rows))
        )
        store.query(f"INSERT INTO login_audit {COLUMNS} VALUES {values}")


def test_the_table_has_no_more_rows_than_it_may_have(audited):
    _, store = audited(audit_rows_max=320)
    fill(store, 2000)
    wait_until(lambda: numbers(store, "COUNT(*)")[0] <= 320, 30 * PATIENCE, "320 rows")
    fill(store, 700)
    wait_until(lambda: numbers(store, "COUNT(*)")[0] <= 320, 30 * PATIENCE, "320 rows again")
    newest = store.query("SELECT name FROM login_audit ORDER BY id DESC LIMIT 1")
    assert newest == [["row699"]], "the oldest go first"
    assert numbers(store, "COUNT(*)")[0] >= 250, "no more goes than has to"


def test_the_table_has_no_more_bytes_than_it_may_have(audited):
    server, store = audited(audit_bytes_max=100_000)
    fill(store, 2000)
    wait_until(lambda: numbers(store, "COUNT(*)")[0] <= 450, 30 * PATIENCE, "less than 100 kB")
    assert numbers(store, "COUNT(*)")[0] >= 200, "no more goes than has to"
    assert server.process.poll() is None
