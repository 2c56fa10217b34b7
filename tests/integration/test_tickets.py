"""Resume tickets: a login without a password, until something ends it."""

import base64
import os
import signal
import time

import pytest
from conftest import sqlite_store
from gatehouse_client import Gate, login
from players import fresh_name
from server import PATIENCE
from waiting import wait_until

WRONG = "401 Unauthorized"


def key():
    return base64.b64encode(os.urandom(32)).decode()


def first_login(server, name=None, game="sample", **proof):
    done = login(server.login, name or fresh_name(), "secret", game, **proof)
    assert done.code == 200, done.line
    return done


def again(server, done, user=None, game="sample", suite="plain", ticket=None):
    ticket = ticket or done.extras["ticket"]
    return login(server.login, user or done.user, "", game, suite, ticket=ticket)


def query(server, statement):
    return sqlite_store(server.config["store"]["sqlite"]["path"]).query(statement)


@pytest.fixture(scope="module")
def hard_server(tmp_path_factory):
    """Where a password costs so much that it shows when one is hashed."""
    from server import Server

    instance = Server(
        tmp_path_factory.mktemp("server"), {"auth": {"tickets": {"keys": [key()]}}}
    ).start()
    yield instance
    instance.stop()


def test_a_ticket_logs_in_and_plays(hard_server):
    server = hard_server
    done = first_login(server)
    expires_in = done.extras["ticket_expires"] - time.time()
    assert 86400 - 60 < expires_in <= 86400
    resumed = again(server, done)
    assert resumed.code == 200
    assert resumed.uid == done.user
    assert resumed.subid != done.subid, "a session of its own"
    gate = Gate(server.gate())
    assert gate.handshake(resumed).startswith("200 OK")
    assert gate.request("played by ticket") == b"played by ticket"
    newer = again(server, resumed)
    assert newer.code == 200, "it comes with the next one"
    newest = again(server, newer, game="cocos1")
    assert newest.code == 200, "on any game server"
    encoded = base64.b64encode(newest.extras["ticket"].encode()).decode()
    assert again(server, newest, ticket=encoded).code == 200, "in base64 like any other text"


def test_a_skynet_client_may_use_one(hard_server):
    done = first_login(hard_server)
    resumed = again(hard_server, done, suite="skynet")
    assert resumed.code == 200
    assert len(resumed.line.split(" ")) == 2, "its answer has no room for one"


def test_no_hash_is_computed(start_server):
    """As many tickets as there are passwords in line for the only hash thread are through before
    them: with a hash each, every one would have to wait for one of the others at least."""
    server = start_server(
        {
            "limits": {"hash_threads": 1},
            "auth": {"argon2": {"memory_kib": 131072, "passes": 6, "lanes": 1}},
            "shutdown": {"timeout_ms": 60000},  # a hash that has begun is waited for
        }
    )
    done = first_login(server, timeout=60 * PATIENCE)
    from gatehouse_client import Stream, make_token

    crowd = []
    for _ in range(12):
        stream = Stream(server.login)
        stream.read_line()
        stream.send(make_token(fresh_name(), "secret", "sample").encode() + b"\n")
        crowd.append(stream)
    for _ in crowd:
        assert again(server, done).code == 200
    waiting = [stream for stream in crowd if not answered(stream)]
    assert waiting
    for stream in crowd:
        stream.close()


def answered(stream):
    """Whether the answer is there: a place in line is none."""
    stream.socket.setblocking(False)
    try:
        return b"\n200 " in b"\n" + stream.socket.recv(4096)
    except BlockingIOError:
        return False


@pytest.mark.parametrize("spoil", ["other user", "cut", "flipped", "garbage", "empty name"])
def test_what_is_no_ticket_of_this_account_is_refused(hard_server, spoil):
    server = hard_server
    done, other = first_login(server), first_login(server)
    raw = base64.b64decode(done.extras["ticket"])
    if spoil == "other user":
        assert again(server, done, user=other.user).line == WRONG
    elif spoil == "cut":
        assert again(server, done, ticket=base64.b64encode(raw[:-1]).decode()).line == WRONG
    elif spoil == "flipped":
        for at in range(0, len(raw), 7):
            bad = bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]])
            assert again(server, done, ticket=base64.b64encode(bad).decode()).line == WRONG
    elif spoil == "garbage":
        for size in (1, 32, 72, 5000):
            bad = base64.b64encode(os.urandom(size)).decode()
            assert again(server, done, ticket=bad).line == WRONG
    else:
        assert again(server, done, user=fresh_name("nobody")).line == WRONG
        assert query(server, "SELECT name FROM account WHERE name LIKE 'nobody%'") == []
    assert again(server, done).code == 200


@pytest.mark.parametrize(
    "change",
    [
        "password_hash = (SELECT password_hash FROM account WHERE name = 'donor')",
        "ticket_generation = ticket_generation + 1",
    ],
)
def test_a_new_password_and_a_new_generation_void_it(hard_server, change):
    server = hard_server
    first_login(server, "donor")
    done = first_login(server)
    assert again(server, done).code == 200
    query(server, f"UPDATE account SET {change} WHERE name = '{done.user}'")
    assert again(server, done).line == WRONG


def test_a_ban_counts(hard_server):
    server = hard_server
    done = first_login(server)
    query(server, f"UPDATE account SET status = 'banned' WHERE name = '{done.user}'")
    assert again(server, done).line == "403 Forbidden"


def test_an_account_of_the_same_name_is_another(hard_server):
    server = hard_server
    done = first_login(server)
    gate = Gate(server.gate())
    gate.handshake(done)
    query(server, f"UPDATE account SET name = 'gone{done.user}' WHERE name = '{done.user}'")
    first_login(server, done.user)
    assert again(server, done).line == WRONG


def test_it_expires(start_server):
    server = start_server({"auth": {"tickets": {"lifetime_s": 2}}})
    done = first_login(server)
    assert again(server, done).code == 200
    wait_until(lambda: again(server, done).line == WRONG, 20 * PATIENCE, "the ticket's end")


def test_a_chain_of_tickets_ends_with_the_age_of_the_password(start_server):
    server = start_server({"auth": {"tickets": {"lifetime_s": 1000, "age_max_s": 3}}})
    done = first_login(server)
    assert done.extras["ticket_expires"] <= time.time() + 3

    def ends():
        nonlocal done
        resumed = again(server, done)
        if resumed.code == 200 and "ticket" in resumed.extras:
            assert resumed.extras["ticket_expires"] == done.extras["ticket_expires"]
            done = resumed
        return resumed.line == WRONG

    wait_until(ends, 20 * PATIENCE, "the end of the chain")


def test_a_lifetime_of_zero_means_none(start_server):
    server = start_server({"auth": {"tickets": {"lifetime_s": 0}}})
    assert "ticket" not in first_login(server).extras


def test_without_keys_they_end_with_the_process(start_server):
    server = start_server()
    done = first_login(server)
    assert again(server, done).code == 200
    server.stop()
    server.start()
    assert again(server, done).line == WRONG


def rewrite_keys(server, keys):
    import json

    server.config["auth"]["tickets"] = {"keys": keys}
    server.config_path.write_text(json.dumps(server.config))


def test_keys_of_the_configuration_rotate_by_sighup(start_server):
    old, new = key(), key()
    server = start_server({"auth": {"tickets": {"keys": [old]}}})
    done = first_login(server)
    server.stop()
    server.start()
    assert again(server, done).code == 200, "good beyond a restart"

    rewrite_keys(server, [new, old])
    server.signal(signal.SIGHUP)
    newer = first_login(server)

    def sealed_with_the_new_one():
        nonlocal newer
        newer = again(server, newer)
        return base64.b64decode(newer.extras["ticket"])[:4] != old_id

    old_id = base64.b64decode(done.extras["ticket"])[:4]
    wait_until(sealed_with_the_new_one, 10 * PATIENCE, "the new key")
    assert again(server, done).code == 200, "the old key still opens"

    rewrite_keys(server, [new])
    server.signal(signal.SIGHUP)
    wait_until(lambda: again(server, done).line == WRONG, 10 * PATIENCE, "the old key's end")
    assert again(server, newer).code == 200

    rewrite_keys(server, ["not a key"])
    since = server.log_size()
    server.signal(signal.SIGHUP)
    server.wait_log(r"auth\.tickets\.keys", since)
    assert again(server, newer).code == 200, "a wrong configuration changes nothing"
    rewrite_keys(server, [new])


def test_a_policy_gets_it_instead(start_server, tmp_path):
    policy = tmp_path / "policy.lua"
    policy.write_text(
        "return { auth_handler = function(token)\n"
        "  assert(token.ticket == 'by another service', 'no')\n"
        "  return token.server, 'uid of ' .. token.user\n"
        "end }\n"
    )
    server = start_server({"login": {"policy": str(policy)}})
    ticket = base64.b64encode(b"by another service").decode()
    done = login(server.login, "someone", "", "sample", ticket=ticket)
    assert done.code == 200 and done.uid == "uid of someone"
    assert "ticket" not in done.extras
