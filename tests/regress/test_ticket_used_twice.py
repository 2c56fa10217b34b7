"""A resume ticket could be copied and nobody noticed: it stayed good for its lifetime however often
and from wherever it was used, so that a thief went on as the player did."""

import concurrent.futures

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
from gatehouse_client import login
from players import fresh_name
from waiting import wait_until

HERE, THERE = "127.0.0.1", "127.0.0.2"
SERVER = settings()


def first_login(server, user=None, **how):
    how.setdefault("source", HERE)
    return is_let_in(
        login(server.login, user or fresh_name(), "secret", "sample", timeout=GONE, **how)
    )


def use(server, done, source=HERE, **how):
    return with_ticket(server, done, source=source, **how)


def store_of(server):
    return sqlite_store(server.config["store"]["sqlite"]["path"])


def test_each_login_brings_the_next_ticket(server):
    done = first_login(server)
    tickets = {done.extras["ticket"]}
    for place in (HERE, THERE, HERE):
        done = is_let_in(use(server, done, place))
        assert done.extras["ticket"] not in tickets, "from wherever the newest comes"
        tickets.add(done.extras["ticket"])


def test_a_lost_answer_costs_nothing(server):
    """The client never heard of the newer ticket; another time neither."""
    done = first_login(server)
    is_let_in(use(server, done))
    is_let_in(use(server, done))
    newest = is_let_in(use(server, done))
    assert is_let_in(use(server, newest))


def test_who_got_the_next_one_lost_no_answer(server):
    """The ticket before the last comes from a copy, even from the same place and at once."""
    done = first_login(server)
    second = is_let_in(use(server, done))
    third = is_let_in(use(server, second))
    gate = connected(server, third)
    assert use(server, done).line == WRONG
    is_kicked(gate, 401)
    assert use(server, third).line == WRONG, "nobody knows whose the newest is"
    assert use(server, second).line == WRONG
    assert first_login(server, done.user), "the password decides"


def test_two_places_end_both(server):
    """Whoever comes first: the thief's session and the player's ticket end alike."""
    done = first_login(server)
    thief = is_let_in(use(server, done, THERE))
    gate = connected(server, thief, source=THERE)
    assert use(server, done, HERE).line == WRONG
    is_kicked(gate, 401)
    assert use(server, thief, THERE).line == WRONG
    assert use(server, thief, HERE).line == WRONG
    again = first_login(server, done.user)
    assert is_let_in(use(server, again)), "a family of its own"


def test_a_player_who_is_away_is_ended_too(server):
    done = first_login(server)
    thief = is_let_in(use(server, done, THERE))
    assert use(server, done, HERE).line == WRONG
    is_forgotten(server, thief)


def test_other_devices_go_on(server):
    """Each password begins a family: what happens to one does not reach the others."""
    phone = first_login(server)
    tablet = first_login(server, phone.user)
    use(server, phone, THERE)
    assert use(server, phone, HERE).line == WRONG
    tablet = is_let_in(use(server, tablet))
    gate = connected(server, tablet)
    assert use(server, phone, HERE).line == WRONG
    look_passes(server, store_of(server))
    assert gate.request("still here") == b"still here"


def test_one_of_many_at_once(server):
    """However they interleave, a ticket lets one place in, and the others end it."""
    done = first_login(server)
    places = [f"127.0.0.{n}" for n in range(2, 10)]
    with concurrent.futures.ThreadPoolExecutor(len(places)) as crowd:
        tries = list(crowd.map(lambda place: (place, use(server, done, place)), places))
    let_in = [(place, each) for place, each in tries if each.code == 200]
    assert len(let_in) <= 1, [each.line for _, each in tries]
    # 503: the session ended while it was made.
    refused = {each.code for _, each in tries if each.code != 200}
    assert refused <= {401, 406, 503}, [each.line for _, each in tries]
    for place, each in let_in:
        assert use(server, done, HERE).line == WRONG, "in case all others met 406"
        assert use(server, each, place).line == WRONG


def test_a_login_that_fails_spends_nothing(server):
    """The waiting room, maintenance and outages are no reason to type a password."""
    store = store_of(server)
    done = first_login(server)
    store.query("INSERT INTO game_server (name, state) VALUES ('cocos1', 'closed')")
    try:
        assert use(server, done, game="cocos1").line == "403 Forbidden"
        assert use(server, done, THERE, game="cocos1").line == "403 Forbidden"
    finally:
        store.query("DELETE FROM game_server")
    assert is_let_in(use(server, done, THERE))


def test_a_skynet_client_spends_it(server):
    """Its answer has no room for another one."""
    done = first_login(server)
    once = is_let_in(use(server, done, suite="skynet"))
    assert len(once.line.split(" ")) == 2
    is_let_in(use(server, done, suite="skynet"))
    assert use(server, done, THERE).line == WRONG


def test_the_time_for_a_lost_answer_ends(start_server):
    server = start_server(settings(tickets={"lost_answer_s": 1}))
    done = first_login(server)
    newest = is_let_in(use(server, done))
    wait_until(
        lambda: use(server, done).line == WRONG, GONE, "the end of the time", interval=0.2
    )
    assert use(server, newest).line == WRONG


def test_what_is_spent_stays_spent(start_server):
    """Also behind a restart, and when somebody has emptied the table."""
    server = start_server(settings(tickets={"keys": [key()]}))
    done = first_login(server)
    newest = is_let_in(use(server, done))
    server.stop()
    server.start()
    newest = is_let_in(use(server, newest))
    assert use(server, done).line == WRONG
    other = first_login(server)
    other = is_let_in(use(server, other))
    store_of(server).query("DELETE FROM ticket_family")
    assert use(server, other).line == WRONG, "unknown is not unspent"
    assert use(server, newest).line == WRONG


@pytest.fixture(scope="module")
def pair(mariadb, tmp_path_factory):
    """Two servers on one database, with one ring of keys."""
    from server import Server, merged

    store = mysql_store(mariadb, "ticket_used_twice")
    changes = merged(settings(tickets={"keys": [key()]}), {"store": store.config})
    servers = [Server(tmp_path_factory.mktemp("pair"), changes).start() for _ in range(2)]
    yield (*servers, store)
    for server in servers:
        server.stop()


def test_two_servers_see_the_same(pair):
    here, there, store = pair
    done = first_login(here)
    thief = is_let_in(use(there, done, THERE))
    gate = connected(there, thief, source=THERE)
    assert use(here, done).line == WRONG
    is_kicked(gate, 401)
    assert use(there, thief, THERE).line == WRONG
    assert store.query("SELECT COUNT(*) FROM ticket_family WHERE ended_at IS NOT NULL") != [["0"]]


def test_a_lost_answer_on_the_other_server(pair):
    here, there, _ = pair
    done = first_login(here)
    is_let_in(use(here, done))
    newest = is_let_in(use(there, done))
    assert is_let_in(use(here, newest))
