"""Rows about the edge: what sealed frames, WebSocket and TLS cost beside plain TCP in one run."""

import statistics

from bench import Lost, end_load

WAYS = {
    "sealed": {"suite": "x25519", "sealed": True},
    "websocket": {"over": "ws"},
    "tls": {"over": "tls", "tls": "1.3"},
    "wss": {"over": "wss", "tls": "1.3"},
}
TURNS = 3
HANDSHAKES = 3000


def edge_server(bench, kind, way="tls"):
    server = bench.server(kind)
    server.open_edge("tls" in WAYS[way], WAYS[way].get("suite", "skynet"))
    return server


def echo(way, connections, depth):
    """Plain and other connections of one server echo in turn, and wait meanwhile."""

    def measure(bench, kind):
        turns = 1 if bench.quick else TURNS
        with edge_server(bench, kind, way) as server:
            holds, pairs = [], []
            try:
                for name, options in (("plain", {}), ("edge", WAYS[way])):
                    hold = bench.start_load(server, players=connections, depth=depth, prefix=name,
                                            **options)
                    holds.append(hold)
                    bench.judge(server, hold.stdout.readline(), code=0)  # the first turn warms up
                for _ in range(turns):
                    pairs.append([bench.echo_again(server, hold) for hold in holds])
            finally:
                ended = [end_load(hold) for hold in holds]
            if any(ended):
                raise Lost("a load failed while it held its connections")

        def middle(number, figure):
            return statistics.median(pair[number][figure] for pair in pairs)

        return {
            "cpu/plain": statistics.median(
                edge["cpu_us"] / plain["cpu_us"] for plain, edge in pairs),
            "cpu": middle(1, "cpu_us"),
            "plain": middle(0, "cpu_us"),
            "client": middle(1, "client_cpu_us"),
            "p99": middle(1, "p99_us"),
        }

    return measure


def memory(way):
    def measure(bench, kind):
        players = bench.sized(19_000)
        with edge_server(bench, kind, way) as server:
            report = bench.load(server, players=players, seconds=0, **WAYS[way])
        connected = report["connect"]["memory_kib_after"]
        return {"player": (connected - report["memory_kib_before"]) / players}

    return measure


def judge_resumption(full, resumed, expected):
    if full["resumed"] != 0 or resumed["resumed"] != expected:
        raise Lost(f"{resumed['resumed']} of {expected} sessions were resumed")


def handshakes(bench, kind):
    """TLS handshakes alone, of clients that leave at once; `raw` is a loop of SSL_accept."""
    players = bench.sized(HANDSHAKES)
    figures = {}
    with bench.raw_tls() if kind == "raw" else edge_server(bench, kind) as server:
        for version in ("1.3", "1.2"):
            report = bench.load(server, players=players, over="tls", tls=version, handshakes=True,
                                parallel=16)
            judge_resumption(report["full"], report["resumed"], players)
            figures[f"full {version}"] = report["full"]["cpu_us"]
            figures[f"resumed {version}"] = report["resumed"]["cpu_us"]
    return figures


def logins(bench, kind):
    """What TLS 1.3 adds to a login that takes a session over; `raw`: a handshake alone."""
    if kind == "raw":
        figures = handshakes(bench, kind)
        return {"full": figures["full 1.3"], "resumed": figures["resumed 1.3"]}
    players = bench.sized(HANDSHAKES)
    options = {"players": players, "gate": False, "login_rounds": 2}
    with edge_server(bench, kind) as server:
        plain = bench.load(server, **options)["logins"][1]
        full, resumed = bench.load(server, login_over="tls", tls="1.3", resume=True,
                                   **options)["logins"]
    judge_resumption(full, resumed, players)
    return {
        "full": full["cpu_us"] - plain["cpu_us"],
        "resumed": resumed["cpu_us"] - plain["cpu_us"],
        "plain": plain["cpu_us"],
    }
