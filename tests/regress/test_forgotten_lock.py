"""A bounded table that forgets the oldest entry forgets the lock that somebody waits out: a crowd
of new addresses made room for the one that was locked out. What is locked out stays."""

from gatehouse_client import login
from players import fresh_name

HOME, AWAY = "127.0.0.1", "127.0.0.2"


def attempt(server, user, password="secret", source=HOME, game="sample"):
    return login(server.login, user, password, game, source=source).line


def test_a_lock_outlives_a_crowd(start_server):
    server = start_server(
        {
            "limits": {
                "login_throttle_entries_max": 1000,
                "login_address_failures_max": 3,
                "login_lock_ms": 600_000,
            }
        }
    )
    victims = [fresh_name() for _ in range(4)]
    for victim in victims:
        assert attempt(server, victim).startswith("200 ")
    for victim in victims[:3]:
        assert attempt(server, victim, "guess", AWAY).startswith("401 ")
    assert attempt(server, victims[3], "guess", AWAY).startswith("429 ")
    # Each is an entry of the table; there is no such game server, so that none costs a hash.
    for number in range(1400):
        source = f"127.1.{number // 250}.{number % 250 + 1}"
        assert attempt(server, "anybody", source=source, game="nowhere").startswith("403 ")
    assert attempt(server, victims[3], "guess", AWAY).startswith("429 ")
