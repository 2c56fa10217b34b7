"""An answer that says no is an oracle when it takes as long as the way to it: names were told by
the time that their password's format costs. Every 401 goes out at one floor that covers the
slowest format in the store; a good login does not wait for it."""

import pytest
from conftest import sqlite_store
from gatehouse_client import login
from login_times import answer_seconds, chance_of_longer

ROUNDS, WARM_UP = 30, 3
# Four standard deviations of the statistic for two samples of 30 that do not differ (0.075), as
# room for a machine whose load drifts while they are taken.
TOLERANCE = 0.3
# The password is "secret". bcrypt of cost 7: some ten times what the default of these tests takes.
HASHES = {
    "slow": "$2b$07$abcdefghijklmnopqrstuuIs/gM0Fa6RfwP3m2cvkz9ya9wGeauxW",
    "legacy": "{md5}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "broken": "no format",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("server")
    changes = {"limits": {"profile": "off"}}
    with Server(folder, changes) as instance:
        for name in ("known", *HASHES):
            assert login(instance.login, name, "secret", "sample").code == 200
    store = sqlite_store(instance.config["store"]["sqlite"]["path"])
    for name, text in HASHES.items():
        store.query(f"UPDATE account SET password_hash = '{text}' WHERE name = '{name}'")
    instance = Server(folder, changes | {"auth": {"registration": "closed"}})
    instance.start()
    yield instance
    instance.stop()


def test_no_format_and_no_name_is_told_by_the_time_of_a_401(server):
    kinds = ["unknown", "known", *HASHES, "ticket"]
    samples = {kind: [] for kind in kinds}
    for number in range(WARM_UP + ROUNDS):
        at = number % len(kinds)
        for kind in kinds[at:] + kinds[:at]:
            proof = {"ticket": "bm8gdGlja2V0"} if kind == "ticket" else {}
            user = {"unknown": f"nobody{number}", "ticket": "known"}.get(kind, kind)
            took = answer_seconds(server, user, **proof)
            if number >= WARM_UP:
                samples[kind].append(took)
    for kind in kinds:
        chance = chance_of_longer(samples[kind], samples["slow"])
        assert abs(chance - 0.5) < TOLERANCE, f"{kind}: {chance:.3f}"


def test_a_good_login_is_not_held_back(server):
    good, bad = [], []
    for _ in range(20):
        good.append(answer_seconds(server, "known", "secret", expected="200 .*"))
        bad.append(answer_seconds(server, "known"))
    assert chance_of_longer(bad, good) > 0.5 + TOLERANCE
