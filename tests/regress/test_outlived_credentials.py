"""What was let in outlived what had let it in: tickets from before a second factor, and sessions
from before a new password, a second factor or a revocation, went on as if nothing had changed."""

import base64
import hmac
import struct
import time

import pytest
from conftest import mysql_store, sqlite_store
from credentials import (
    GONE,
    WRONG,
    connected,
    is_forgotten,
    is_kicked,
    is_let_in,
    key,
    look_passes,
    settings,
    with_ticket,
)
from gatectl import Tool
from gatehouse_client import login
from players import fresh_name
from server import Server, merged
from waiting import wait_until

PASSWORD = "secret"
SERVER = settings()


def sql(change):
    return lambda case: case.store.query(
        f"UPDATE account SET {change} WHERE name = '{case.user}'"
    )


def tool(*command, password=None):
    return lambda case: case.tool.done(
        "account", command[0], case.user, *command[1:], password=password
    )


def in_turn(*changes):
    def run(case):
        for change in changes:
            change(case)

    return run


def restored(case):
    """What the recipe of a restore does to every account."""
    case.store.query("UPDATE account SET ticket_generation = ticket_generation + 1000000")


ANOTHER_HASH = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
EITHER = (401, 403)
# Each change, and the code with which it ends a session.
CHANGES = {
    "password by gatectl": (tool("passwd", password="another"), 401),
    "the same password by gatectl": (tool("passwd", password=PASSWORD), 401),
    "password by SQL": (sql(f"password_hash = '{ANOTHER_HASH}'"), 401),
    "no password by SQL": (sql("password_hash = ''"), 401),
    "second factor by gatectl": (tool("totp"), 401),
    "second factor by SQL": (sql("totp_secret = 'c2VhbGVkIGJ5IHNvbWVib2R5IGVsc2U='"), 401),
    "revocation by gatectl": (tool("revoke"), 401),
    "revocation by SQL": (sql("ticket_generation = ticket_generation + 1"), 401),
    "ban by gatectl": (tool("ban"), 403),
    "ban by SQL": (sql("status = 'banned'"), 403),
    "closing by SQL": (sql("status = 'closed'"), 403),
    # By either code: the server may have looked in between.
    "ban and unban by gatectl": (in_turn(tool("ban"), tool("unban")), EITHER),
    "ban by SQL, unban by gatectl": (in_turn(sql("status = 'banned'"), tool("unban")), EITHER),
    "restore": (restored, 401),
}
# These begin with a second factor.
REMOVALS = {
    "no second factor by gatectl": (tool("totp", "--off"), 401),
    "no second factor by SQL": (sql("totp_secret = '', totp_step = 0"), 401),
    "another second factor by gatectl": (tool("totp"), 401),
}
HOLDERS = ["ticket of a password", "ticket of a ticket", "session", "session of a ticket", "away"]


class Case:
    """A player who is in, and who may change what let him in."""

    def __init__(self, server, store, folder):
        self.server, self.store, self.user = server, store, fresh_name("cred")
        self.tool = Tool(folder, server.config)

    def log_in(self, factor):
        first = is_let_in(login(self.server.login, self.user, PASSWORD, "sample", timeout=GONE))
        if not factor:
            return first
        made = self.tool.json("account", "totp", self.user)
        code = totp(made["key"])
        return is_let_in(
            login(self.server.login, self.user, PASSWORD, "sample", totp=code, timeout=GONE)
        )


def totp(base32):
    secret = base64.b32decode(base32 + "=" * (-len(base32) % 8))
    digest = hmac.new(secret, struct.pack(">Q", int(time.time()) // 30), "sha1").digest()
    at = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture
def case(server, tmp_path):
    return Case(server, sqlite_store(server.config["store"]["sqlite"]["path"]), tmp_path)


def holds(case, holder, change, code, factor):
    """Nothing of what the holder has is good after the change."""
    done = case.log_in(factor)
    if holder in ("ticket of a ticket", "session of a ticket"):
        done = is_let_in(with_ticket(case.server, done))
    gate = None
    if holder in ("session", "session of a ticket", "away"):
        gate = connected(case.server, done)
    if holder == "away":
        gate.close()
    change(case)
    if holder.startswith("ticket"):
        refused = ("403 Forbidden", WRONG) if code == 403 else (WRONG,)
        assert with_ticket(case.server, done).line in refused
    elif holder == "away":
        is_forgotten(case.server, done)
    else:
        is_kicked(gate, *(code if isinstance(code, tuple) else (code,)))


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_reaches(case, name, holder):
    change, code = CHANGES[name]
    holds(case, holder, change, code, factor=False)


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("name", REMOVALS)
def test_a_removal_reaches(case, name, holder):
    change, code = REMOVALS[name]
    holds(case, holder, change, code, factor=True)


@pytest.mark.parametrize("holder", ["ticket of a ticket", "session", "away"])
@pytest.mark.parametrize(
    "name", ["password by SQL", "second factor by SQL", "revocation by SQL", "password by gatectl"]
)
def test_the_same_on_mariadb(mariadb_case, name, holder):
    change, code = CHANGES[name]
    holds(mariadb_case, holder, change, code, factor=False)


@pytest.fixture(scope="module")
def mariadb_server(mariadb, tmp_path_factory):
    store = mysql_store(mariadb, "outlived_credentials")
    changes = merged(SERVER, {"store": store.config})
    instance = Server(tmp_path_factory.mktemp("maria"), changes).start()
    yield instance, store
    instance.stop()


@pytest.fixture
def mariadb_case(mariadb_server, tmp_path):
    server, store = mariadb_server
    return Case(server, store, tmp_path)


def test_another_server_of_the_database_ends_it(mariadb_server, tmp_path, start_server):
    """Whoever holds the session ends it, whoever was asked."""
    first, store = mariadb_server
    second = start_server({**SERVER, "store": {**first.config["store"]}})
    case = Case(second, store, tmp_path)
    gate = connected(second, case.log_in(False))
    Tool(tmp_path / "first", first.config).done("account", "revoke", case.user)
    is_kicked(gate, 401)


def test_who_comes_after_the_change_stays(case):
    """Neither the new session nor a neighbour's pays for the old one."""
    neighbour = Case(case.server, case.store, case.tool.path.parent / "neighbour")
    other = connected(case.server, neighbour.log_in(False))
    old = connected(case.server, case.log_in(False))
    case.tool.done("account", "passwd", case.user, password="another")
    is_kicked(old, 401)
    done = is_let_in(login(case.server.login, case.user, "another", "sample", timeout=GONE))
    new = connected(case.server, done)
    look_passes(case.server, case.store)
    assert new.request("mine") == b"mine" and other.request("his") == b"his"
    new.close()
    assert is_let_in(with_ticket(case.server, done))


def test_a_hash_computed_anew_is_no_new_password(case):
    """A second device logs in with the password, whose old hash is replaced: the first stays."""
    server, store, user = case.server, case.store, case.user
    case.log_in(False)
    digest = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
    store.query(f"UPDATE account SET password_hash = '{{sha1}}{digest}' WHERE name = '{user}'")

    def password_login():
        return is_let_in(login(server.login, user, "test", "sample", timeout=GONE))

    first = password_login()
    hashed = store.query(f"SELECT password_hash FROM account WHERE name = '{user}'")[0][0]
    assert hashed.startswith("$argon2id$"), "it was replaced"
    gate = connected(server, first)
    look_passes(server, store)
    assert gate.request("here") == b"here"
    assert is_let_in(with_ticket(server, first))


def test_a_new_cost_keeps_tickets(start_server):
    keys = {"tickets": {"keys": [key()]}}
    server = start_server(settings(**keys))
    user = fresh_name()
    phone = is_let_in(login(server.login, user, PASSWORD, "sample", timeout=GONE))
    server.stop()
    server.config["auth"]["argon2"]["passes"] = 2
    server.start()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    before = store.query("SELECT password_hash FROM account")
    assert is_let_in(login(server.login, user, PASSWORD, "sample", timeout=GONE))
    assert store.query("SELECT password_hash FROM account") != before
    assert is_let_in(with_ticket(server, phone)), "the other device's"


@pytest.mark.parametrize("lifetime_s", [0, 1])
def test_a_configuration_without_tickets_takes_none(start_server, lifetime_s):
    """Tickets obey the options of today, not those under which they were issued."""
    server = start_server(settings(tickets={"keys": [key()]}))
    done = is_let_in(login(server.login, fresh_name(), PASSWORD, "sample", timeout=GONE))
    server.stop()
    server.config["auth"]["tickets"]["lifetime_s"] = lifetime_s
    server.start()
    if lifetime_s == 0:
        assert with_ticket(server, done).line == WRONG
    wait_until(lambda: with_ticket(server, done).line == WRONG, GONE, "its end", interval=0.2)


POLICIES = {
    "auth_handler": "auth_handler = function(token) return token.server, token.user end",
    "login_handler": "login_handler = function(server, uid, secret)"
    " return require('gatehouse.login').place(server, uid, secret) end",
}


@pytest.mark.parametrize("handler", POLICIES)
def test_sessions_that_a_policy_made_end_too(start_server, tmp_path, handler):
    policy = tmp_path / "policy.lua"
    policy.write_text(f"return {{ {POLICIES[handler]} }}\n")
    server = start_server(settings() | {"login": {"policy": str(policy)}})
    case = Case(server, sqlite_store(server.config["store"]["sqlite"]["path"]), tmp_path / "tool")
    gate = connected(server, case.log_in(False))
    case.tool.done("account", "revoke", case.user)
    is_kicked(gate, 401)
