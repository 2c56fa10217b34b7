"""A count of wrong guesses bounds nothing when something else takes it back: here a success of
another account, the last address of the victim, a second factor that nobody counts, and a login
policy beside the limits. Each way in is tried; no account has more wrong ones answered than the
configuration says (docs/login-limits.md)."""

import base64
import random

import pytest
from authenticator_app import totp, wrong_codes
from conftest import sqlite_store
from gatehouse_client import login
from players import fresh_name

HOME, AWAY, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
WRONG = "401 Unauthorized"
# The defaults: strangers and known networks in 24 hours.
STRANGERS_A_DAY, KNOWN_A_DAY = 300, 100
# A carrier's address: its many players must not be what ends the guessing here.
CARRIER = {"login_address_failures_max": 0, "login_address_per_s": 0, "login_account_per_min": 0}
KEY = base64.b64encode(bytes(range(32))).decode()


def attempt(server, user, password="secret", source=HOME, suite="plain", **proof):
    return login(server.login, user, password, "sample", suite, source=source, **proof)


def answered(lines):
    """How many were told that the guess was wrong; all others were not looked at."""
    assert all(line.startswith(("401 ", "429 ")) for line in lines), set(lines)
    return sum(line.startswith("401 ") for line in lines)


def test_an_own_ticket_between_the_guesses_buys_none(start_server):
    """The answer to one guess a victim: 30 of 420 failures lock the address out."""
    server = start_server()
    mine = fresh_name()
    ticket = attempt(server, mine, source=AWAY).extras["ticket"]
    victims = [fresh_name() for _ in range(70)]
    for victim in victims:
        assert attempt(server, victim).code == 200
    lines = []
    for number in range(420):
        if number % 14 == 0:
            own = attempt(server, mine, "", AWAY, ticket=ticket)
            assert own.code == 200, "a ticket is not locked out"
            ticket = own.extras["ticket"]
        lines.append(attempt(server, victims[number % 70], f"guess {number}", AWAY).line)
    assert answered(lines) <= 60


def test_the_victims_address_has_a_larger_budget_and_an_end(start_server):
    server = start_server({"limits": CARRIER})
    name = fresh_name()
    assert attempt(server, name).code == 200
    lines = [attempt(server, name, f"guess {number}").line for number in range(120)]
    assert 10 < answered(lines) <= KNOWN_A_DAY


def test_any_interleaving_is_bounded(start_server):
    server = start_server({"limits": CARRIER | {"login_lock_ms": 1, "login_lock_ms_max": 1}})
    chance = random.Random(12)
    victim, mine = fresh_name(), fresh_name()
    tickets = {user: attempt(server, user).extras["ticket"] for user in (victim, mine)}
    wrong = 0
    for number in range(600):
        source = HOME if chance.random() < 0.6 else f"127.0.1.{chance.randrange(1, 40)}"
        suite = chance.choice(["plain", "skynet"])
        what = chance.random()
        if what < 0.93:
            line = attempt(server, victim, f"guess {number}", source, suite).line
            wrong += answered([line])
        elif what < 0.98:
            user, source = (mine, source) if what < 0.96 else (victim, HOME)
            own = attempt(server, user, "", source, ticket=tickets[user])
            tickets[user] = own.extras.get("ticket", tickets[user])
        else:
            attempt(server, victim)
    # Half of each budget at once, the rest in the course of the day.
    assert wrong <= (STRANGERS_A_DAY + KNOWN_A_DAY) // 2 + 20


@pytest.fixture
def with_factor(start_server):
    """A server whose limits are off, and an account with a second factor: server, name, key."""
    from gatectl import Tool

    config = {"limits": {"profile": "off"}, "auth": {"totp": {"keys": [KEY]}}}
    server = start_server(config)
    name = fresh_name()
    assert attempt(server, name).code == 200
    tool = Tool(server.folder / "tool", {"store": server.config["store"], "auth": config["auth"]})
    return server, name, tool.json("account", "totp", name)["key"]


def test_a_second_factor_has_a_cap_that_nothing_lifts(with_factor):
    server, name, key = with_factor
    lines = [
        attempt(server, name, source=f"127.0.2.{number % 100 + 1}", totp=code).line
        for number, code in enumerate(wrong_codes(key, 150))
    ]
    assert 0 < answered(lines) <= 100
    line = attempt(server, name, totp=totp(key)).line
    assert line.startswith("429 "), "the right code is not looked at, too"
    assert 0 < int(line.split(" ")[-1]) <= 86_400
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query(f"UPDATE account SET totp_full_at = 0 WHERE name = '{name}'")
    assert attempt(server, name, totp=totp(key)).code == 200, "an operator gives the tries back"


def test_good_second_factors_spend_nothing(with_factor):
    server, name, key = with_factor
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    for _ in range(55):
        assert attempt(server, name, totp=totp(key)).code == 200
        store.query(f"UPDATE account SET totp_step = 0 WHERE name = '{name}'")


AUTH = """
local M = {}
function M.auth_handler(token)
	assert(token.password == "secret", "wrong")
	return token.server, token.user:lower()
end
"""
LOGIN = """
function M.login_handler(server, uid, secret)
	return "7"
end
"""


@pytest.mark.parametrize("handlers", ["auth", "auth and login"])
def test_a_policy_has_the_limits_of_the_server(start_server, tmp_path, handlers):
    policy = tmp_path / "policy.lua"
    policy.write_text(AUTH + (LOGIN if "login" in handlers else "") + "return M\n")
    server = start_server({"login": {"policy": str(policy)}, "limits": CARRIER})
    name = fresh_name("Victim")
    spellings = [name, name.upper(), name.lower() + " ", name.capitalize()]
    lines = [
        attempt(server, spellings[number % 4], f"guess {number}", AWAY).line
        for number in range(100)
    ]
    assert 0 < answered(lines) <= 30
    assert attempt(server, name, source=OTHER).code == 200, "and nobody else is kept out"


def test_a_success_by_a_policy_forgives(start_server, tmp_path):
    policy = tmp_path / "policy.lua"
    policy.write_text(AUTH + LOGIN + "return M\n")
    rates = {"login_account_per_min": 0}
    server = start_server({"login": {"policy": str(policy)}, "limits": rates})
    name = fresh_name()
    for number in range(20):
        for _ in range(3):
            assert attempt(server, name, f"typo {number}").line == WRONG
        assert attempt(server, name).code == 200


def test_guesses_at_once_are_no_more_than_one_by_one(start_server):
    from concurrent.futures import ThreadPoolExecutor

    server = start_server({"limits": CARRIER})
    name = fresh_name()
    assert attempt(server, name).code == 200
    with ThreadPoolExecutor(40) as pool:
        lines = list(
            pool.map(lambda n: attempt(server, name, f"guess {n}", AWAY).line, range(120))
        )
    assert answered(lines) <= 10
