"""Who may try to log in, how often, and from where."""

import pytest
from conftest import sqlite_store
from gatehouse_client import Stream, login, make_token, read_answer
from players import Player, fresh_name
from server import PATIENCE
from waiting import wait_until

HOME, AWAY, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
LIMITS = {
    "login_address_per_s": 1000,
    "login_address_failures_max": 6,
    "login_account_per_min": 60000,
    "login_account_burst": 1000,
    "login_account_failures_max": 3,
    "login_lock_ms": 2000,
}
WRONG = "401 Unauthorized"


@pytest.fixture
def guarded(start_server):
    def start(**limits):
        return start_server({"limits": LIMITS | limits, "store": {"watch_interval_ms": 100}})

    return start


def attempt(server, user, password="secret", source=HOME, game="sample", **proof):
    return login(server.login, user, password, game, source=source, **proof).line


def is_locked(line):
    return line.startswith("429 Too Many Requests ") and int(line.split(" ")[-1]) > 0


def test_who_fails_is_locked_out_of_the_account_and_its_player_is_not(guarded):
    server = guarded()
    name = fresh_name()
    assert attempt(server, name).startswith("200 ")
    for _ in range(3):
        assert attempt(server, name, "guess", AWAY) == WRONG
    assert is_locked(attempt(server, name, "guess", AWAY))
    assert is_locked(attempt(server, name, "secret", AWAY)), "the right one is not looked at"
    assert attempt(server, name, "secret", OTHER).startswith("200 "), "at a new address"
    assert attempt(server, name).startswith("200 "), "and where he was before"
    assert attempt(server, fresh_name(), source=AWAY).startswith("200 "), "it is not the address"


def test_a_ticket_is_not_locked_out(guarded):
    server = guarded()
    name = fresh_name()
    done = login(server.login, name, "secret", "sample", source=HOME)
    for _ in range(4):
        attempt(server, name, "guess", AWAY)
    assert is_locked(attempt(server, name, "secret", AWAY))
    assert attempt(server, name, "", AWAY, ticket=done.extras["ticket"]).startswith("200 ")


def test_strangers_do_not_keep_a_player_out_while_their_guesses_are_looked_at(start_server):
    """With the hash pool busy on guesses at an account, its player's login is no 406."""
    server = start_server(
        {
            "limits": {"hash_threads": 1},
            "auth": {"argon2": {"memory_kib": 65536, "passes": 2, "lanes": 1}},
        }
    )
    name = fresh_name()
    assert attempt(server, name).startswith("200 ")
    guesses = []
    for number in range(5):
        stream = Stream(server.login, timeout=30 * PATIENCE, source=AWAY)
        stream.read_line()
        stream.send(make_token(name, f"guess {number}", "sample").encode() + b"\n")
        guesses.append(stream)
    assert attempt(server, name).startswith("200 ")
    for stream in guesses:
        assert read_answer(stream).startswith(("401 ", "429 "))
        stream.close()


def test_a_lock_ends(guarded):
    server = guarded(login_lock_ms=300)
    name = fresh_name()
    assert attempt(server, name).startswith("200 ")
    for _ in range(3):
        assert attempt(server, name, "guess", AWAY) == WRONG
    wait_until(
        lambda: attempt(server, name, "secret", AWAY).startswith("200 "),
        10 * PATIENCE,
        "the end of the lock-out",
    )


def test_an_unknown_name_is_locked_like_a_known_one(start_server):
    server = start_server({"limits": LIMITS, "auth": {"registration": "closed"}})
    name = fresh_name()
    for _ in range(3):
        assert attempt(server, name, "guess", AWAY) == WRONG
    assert is_locked(attempt(server, name, "guess", AWAY))


def test_an_address_is_locked_after_failures_on_many_accounts(guarded):
    server = guarded()
    names = [fresh_name() for _ in range(7)]
    for name in names:
        assert attempt(server, name).startswith("200 ")
    for name in names[:6]:
        assert attempt(server, name, "guess", AWAY) == WRONG
    assert is_locked(attempt(server, names[6], "secret", AWAY))
    assert attempt(server, names[6], "secret", OTHER).startswith("200 ")


def test_an_address_has_a_rate(guarded):
    server = guarded(login_address_per_s=1, login_address_burst=3)
    lines = [attempt(server, fresh_name(), source=AWAY) for _ in range(12)]
    assert all(line.startswith("200 ") for line in lines[:3])
    assert any(is_locked(line) for line in lines)
    assert attempt(server, fresh_name(), source=OTHER).startswith("200 ")


def test_an_account_has_a_rate_from_each_network(guarded):
    server = guarded(login_account_per_min=1, login_account_burst=2)
    name = fresh_name()
    lines = [attempt(server, name, source=AWAY) for _ in range(7)]
    assert all(line.startswith("200 ") for line in lines[:2])
    assert is_locked(lines[-1]), "three times the rate, once it is known"
    assert attempt(server, name, source=OTHER).startswith("200 ")


def test_the_profile_off_lifts_all_of_it(guarded):
    server = guarded(profile="off", login_address_per_s=1, login_address_burst=1)
    name = fresh_name()
    assert attempt(server, name).startswith("200 ")
    for _ in range(20):
        assert attempt(server, name, "guess") == WRONG
    assert attempt(server, name).startswith("200 ")


def test_locks_show_in_the_log_without_the_password(guarded):
    server = guarded()
    name = fresh_name()
    assert attempt(server, name).startswith("200 ")
    for number in range(4):
        attempt(server, name, f"guess-{number}", AWAY)
    server.wait_log(r"refused 429: account_throttled")
    assert "guess-" not in server.log()


def ask_again(server, source, expected):
    def answer():
        with Stream(server.login, source=source) as stream:
            return stream.read_line()

    wait_until(lambda: answer().startswith("403") == expected, 5 * PATIENCE, f"ban: {expected}")


def test_networks_are_banned_and_allowed_by_sql(guarded):
    server = guarded(login_address_per_s=1, login_address_burst=2)
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query("INSERT INTO address_ban (network, reason) VALUES ('127.0.1.0/24', 'botnet')")
    ask_again(server, "127.0.1.77", True)
    assert attempt(server, fresh_name(), source="127.0.2.1").startswith("200 ")
    store.query("INSERT INTO address_allow (network, note) VALUES ('127.0.1.7', 'the office')")
    ask_again(server, "127.0.1.7", False)
    ask_again(server, "127.0.1.8", True)
    for _ in range(5):
        line = attempt(server, fresh_name(), source="127.0.1.7")
        assert line.startswith("200 "), "no limit holds for an allowed network"
    store.query("DELETE FROM address_ban")
    ask_again(server, "127.0.1.8", False)


def test_a_ban_that_is_over_and_a_network_that_is_none_do_nothing(guarded):
    server = guarded()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query("INSERT INTO address_ban (network, banned_until) VALUES ('127.0.3.1', 1000)")
    store.query("INSERT INTO address_ban (network) VALUES ('127.0.0.0/99')")
    store.query("INSERT INTO address_ban (network) VALUES ('127.0.4.1')")
    ask_again(server, "127.0.4.1", True)
    assert attempt(server, fresh_name(), source="127.0.3.1").startswith("200 ")
    server.wait_log(r'address_ban\.network: "127\.0\.0\.0/99" is no address')


def test_bans_hold_for_the_first_login_after_a_start(guarded):
    server = guarded()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    store.query("INSERT INTO address_ban (network) VALUES ('127.0.5.0/24')")
    server.stop()
    server.config["store"]["watch_interval_ms"] = 5000
    server.start()
    with Stream(server.login, source="127.0.5.5") as stream:
        assert stream.read_line() == "403 Forbidden"


def test_maintenance_lets_in_staff_and_allowed_networks(guarded):
    server = guarded()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    staff, player = fresh_name(), fresh_name()
    for name in (staff, player):
        assert attempt(server, name).startswith("200 ")
    store.query("INSERT INTO game_server (name, state) VALUES ('sample', 'maintenance')")
    store.query(f"UPDATE account SET staff = 1 WHERE name = '{staff}'")
    assert attempt(server, staff).startswith("200 ")
    assert attempt(server, player) == "403 Forbidden"
    assert attempt(server, player, "guess") == WRONG, "told to those only who know the password"
    assert attempt(server, fresh_name()) == "403 Forbidden", "nobody new"
    store.query("INSERT INTO address_allow (network) VALUES ('127.0.6.0/24')")
    wait_until(
        lambda: attempt(server, player, source="127.0.6.1").startswith("200 "), 5 * PATIENCE
    )
    store.query("UPDATE game_server SET state = 'closed'")
    assert attempt(server, staff) == "403 Forbidden"
    store.query("UPDATE game_server SET state = 'open'")
    assert attempt(server, player).startswith("200 ")


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("status = 'banned', ban_reason = 'cheating'", "cheating"),
        ("status = 'closed'", "the account is closed"),
    ],
)
def test_a_ban_by_sql_ends_the_open_session(guarded, statement, reason):
    server = guarded()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    player, other = Player(server), Player(server)
    gate = player.connect(conversation="c1")
    gate.request("count")
    store.query(f"UPDATE account SET {statement} WHERE name = '{player.user}'")
    gate.read_until_closed(timeout=5 * PATIENCE)
    assert gate.controls[-1]["type"] == "kick"
    assert gate.controls[-1]["code"] == 403
    assert gate.controls[-1]["reason"] == reason
    assert attempt(server, player.user) == "403 Forbidden"
    assert other.connect().request("still here") == b"still here"
    store.query(f"UPDATE account SET status = 'active' WHERE name = '{player.user}'")
    again = Player(server, player.user)
    assert again.connect().request("count") == b"2", "what he had is saved"


def test_a_ban_that_is_over_kicks_nobody(guarded):
    server = guarded()
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    over, banned = Player(server), Player(server)
    kept, ended = over.connect(), banned.connect()
    store.query(
        f"UPDATE account SET status = 'banned', banned_until = 1000 WHERE name = '{over.user}'"
    )
    store.query(f"UPDATE account SET status = 'banned' WHERE name = '{banned.user}'")
    ended.read_until_closed(timeout=5 * PATIENCE)
    assert kept.request("still here") == b"still here"


def test_old_audit_rows_are_trimmed(start_server):
    server = start_server(
        {"store": {"watch_interval_ms": 100}, "login": {"audit_keep_days": 30}}
    )
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    columns = "(at, name, server, address, suite, result)"
    for age in (29, 31):
        store.query(
            f"INSERT INTO login_audit {columns} VALUES"
            f" (unixepoch() - {age} * 86400, 'age{age}', 'sample', '', 'plain', '200')"
        )
    wait_until(
        lambda: store.query("SELECT name FROM login_audit") == [["age29"]], 5 * PATIENCE
    )
