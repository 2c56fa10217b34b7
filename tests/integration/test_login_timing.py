"""An unknown user, a wrong password and a password that no format knows take the same time.

The test compares distributions, not times: the chance that a login of one kind takes longer than
one of another kind.
"""

import pytest
from conftest import sqlite_store
from gatehouse_client import login
from login_times import answer_seconds, chance_of_longer

ROUNDS = 100
# Three standard deviations of the statistic for two samples of 100 that do not differ (0.041),
# doubled: the machine's load drifts while the samples are taken.
TOLERANCE = 0.25


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("server")
    changes = {
        "limits": {"profile": "off"},
        "auth": {"argon2": {"memory_kib": 1024, "passes": 1, "lanes": 1}},
    }
    with Server(folder, changes) as server:
        for name in ("known", "legacy", "broken"):
            assert login(server.login, name, "secret", "sample").code == 200
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    # MD5 of "secret": verified in a microsecond.
    store.query(
        "UPDATE account SET password_hash = '{md5}5ebe2294ecd0e0f08eab7690d2a6ee69'"
        " WHERE name = 'legacy'"
    )
    store.query("UPDATE account SET password_hash = 'no format' WHERE name = 'broken'")
    instance = Server(folder, changes | {"auth": changes["auth"] | {"registration": "closed"}})
    instance.start()
    yield instance
    instance.stop()


def test_the_four_kinds_are_not_told_apart(closed_server):
    users = {"unknown": "nobody", "wrong": "known", "legacy": "legacy", "broken": "broken"}
    samples = {kind: [] for kind in users}
    for number in range(ROUNDS):
        # Interleaved, each kind first as often as the others: what the machine does meanwhile
        # meets all of them.
        kinds = list(users)
        for kind in kinds[number % 4 :] + kinds[: number % 4]:
            user = users[kind] + (str(number) if kind == "unknown" else "")
            samples[kind].append(answer_seconds(closed_server, user))
    for kind in ("unknown", "legacy", "broken"):
        chance = chance_of_longer(samples[kind], samples["wrong"])
        assert abs(chance - 0.5) < TOLERANCE, f"{kind}: {chance:.3f}"


def test_the_statistic_finds_a_missing_hash(closed_server):
    """The same measure tells a login with a hash from an answer without one."""
    hashed, bare = [], []
    for _ in range(40):
        hashed.append(answer_seconds(closed_server, "known"))
        bare.append(
            answer_seconds(closed_server, "known", game="no server", expected="403 Forbidden")
        )
    assert chance_of_longer(hashed, bare) > 0.5 + TOLERANCE
