"""A limit that strangers can use up keeps out whom it protects: failures and rates were counted for
the account, whoever came. They are counted for the network that guesses at it first; what is
left for all together is the last resort, and not for who proves himself."""

import base64

import pytest
from authenticator_app import totp, wrong_codes
from conftest import sqlite_store
from gatehouse_client import login
from players import fresh_name

HOME, AWAY, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
WRONG = "401 Unauthorized"
KEY = base64.b64encode(bytes(range(32))).decode()


def attempt(server, user, password="secret", source=HOME, suite="plain", **proof):
    return login(server.login, user, password, "sample", suite, source=source, **proof)


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_the_failures_of_one_stranger_are_his(start_server, suite):
    server = start_server()
    name = fresh_name()
    assert attempt(server, name).code == 200
    lines = [attempt(server, name, f"guess {n}", AWAY, suite).line for n in range(25)]
    assert lines[0] == WRONG and lines[-1].startswith("429 ")
    assert attempt(server, name, source=OTHER, suite=suite).code == 200


def test_wrong_logins_without_end_take_no_turn_of_the_owners(start_server):
    """One a second would be 60 a minute: what login_account_per_min lets in."""
    server = start_server({"limits": {"login_account_per_min": 1, "login_account_burst": 5}})
    name = fresh_name()
    assert attempt(server, name).code == 200
    for number in range(60):
        attempt(server, name, f"guess {number}", AWAY)
    assert attempt(server, name, source=OTHER, suite="skynet").code == 200


def test_a_carriers_address_locks_out_nobody_who_is_known(start_server):
    server = start_server()
    name, elsewhere = fresh_name(), fresh_name()
    ticket = attempt(server, name).extras["ticket"]
    assert attempt(server, elsewhere, source=OTHER).code == 200
    for _ in range(31):
        victim = fresh_name()
        assert attempt(server, victim, source=OTHER).code == 200
        attempt(server, victim, "guess")
    assert attempt(server, elsewhere).line.startswith("429 "), "a stranger at this address"
    assert attempt(server, name).code == 200, "who logged in from here before"
    assert attempt(server, name, "", ticket=ticket).code == 200


def spend_everything(server, name):
    """Strangers from many networks, until the account takes no guess of a new one."""
    for number in range(1, 120):
        for guess in range(12):
            line = attempt(server, name, f"guess {guess}", f"127.0.3.{number}").line
            if line.startswith("429 "):
                break
        if guess == 0:
            return
    raise AssertionError("an account without a last resort")


def test_at_the_last_resort_who_proves_himself_comes_in(start_server):
    from gatectl import Tool

    auth = {"auth": {"totp": {"keys": [KEY]}}}
    server = start_server(auth | {"limits": {"login_address_failures_max": 0}})
    name = fresh_name()
    assert attempt(server, name).code == 200
    tool = Tool(server.folder / "tool", {"store": server.config["store"]} | auth)
    spend_everything(server, name)
    assert attempt(server, name, source=OTHER).line.startswith("429 ")
    assert attempt(server, name).code == 200, "from a known network"
    ticket = attempt(server, name).extras["ticket"]
    assert attempt(server, name, "", "127.0.0.4", ticket=ticket).code == 200, "by ticket"

    key = tool.json("account", "totp", name)["key"]
    store = sqlite_store(server.config["store"]["sqlite"]["path"])

    def tries_spent():
        rows = store.query(f"SELECT totp_full_at > 0 FROM account WHERE name = '{name}'")
        return rows == [["1"]]

    for wrong in wrong_codes(key, 2):
        line = attempt(server, name, "guess", "127.0.0.5", totp=wrong).line
        assert line.startswith("429 "), "one answer, whatever was wrong"
    assert not tries_spent(), "strangers spend nothing of the second factor's"
    code = totp(key)
    assert attempt(server, name, "guess", "127.0.0.6", totp=code).line.startswith("429 ")
    assert tries_spent(), "but who has one of the two does"
    assert attempt(server, name, source="127.0.0.7", totp=totp(key)).code == 200
