"""skynet.db.redis against a real Redis server."""

from redis import Redis
from skynet_rules import run_topic


def test_rules(tmp_path):
    with (
        Redis(tmp_path / "first", password="sesame") as first,
        Redis(tmp_path / "second", again=True) as second,
    ):
        run_topic(
            "redis_real", tmp_path, 11,
            redis_port=first.port, redis_password="sesame", redis_other=second.port,
        )
