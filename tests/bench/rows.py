"""The rows: what is measured, with which servers, and what it should come to.

target, raw and skynet are figures of docs/performance.md: all measured on one machine, so that
their ratios hold on others too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import admission
import attack
import edge
import measures
from measures import QUIET_THINK_US, THINK_US

KIB = 1000 / 1024  # the design counts in kB


@dataclass(frozen=True)
class Figure:
    name: str
    unit: str
    target: float | None = None
    raw: float | None = None
    skynet: float | None = None
    better: str = "less"  # or "more", or "" for what only describes the rest
    is_absolute: bool = False  # the same on every machine: sizes and counts

    @property
    def base(self):
        """The server whose figure the target is a multiple of; None: the target is absolute."""
        if self.target is None or self.is_absolute:
            return None
        return "raw" if self.raw else "skynet" if self.skynet else None


GATEHOUSES = ("against", "gatehouse")
WITH_SKYNET = ("skynet", *GATEHOUSES)
WITH_RAW = ("raw", *GATEHOUSES)
ALL = ("raw", "skynet", *GATEHOUSES)


@dataclass(frozen=True)
class Row:
    name: str
    measure: Callable  # (Bench, kind) -> {figure's name: number}
    figures: tuple
    servers: tuple = ALL
    is_default: bool = True

    def is_named(self, name):
        return name == self.name or name in self.name.split()


def cpu(target=None, raw=None, skynet=None):
    return Figure("cpu", "us", target, raw, skynet)


def us(name, target=None, raw=None, skynet=None):
    return Figure(name, "us", target, raw, skynet)


def per_second(what, target=None, raw=None, skynet=None):
    return Figure("rate", f"{what}/s", target, raw, skynet, better="more")


def size(name, unit, target=None, raw=None, skynet=None):
    return Figure(name, unit, target, raw, skynet, is_absolute=True)


def echo_row(connections, depth, *design):
    figures = (cpu(*design), per_second("requests"), us("p50"), us("p99"))
    return Row(f"echo {connections}x{depth}", measures.echo(connections, depth), figures)


def login_row(name, measure, servers, *design):
    figures = (cpu(*design), per_second("logins"), us("p50"), us("p99"), us("p999"))
    return Row(f"login {name}", measure, figures, servers)


def idle_row(connected):
    figures = (cpu(), us("p50"), us("p99"))
    return Row(f"idle {connected}", measures.idle(connected), figures, WITH_RAW)


def workers_row(workers):
    figures = (cpu(), per_second("requests"), us("p99"))
    return Row(f"workers {workers}", measures.echo(100, 8, workers), figures, WITH_SKYNET)


def attack_row(name, measure):
    figures = (Figure("p99/quiet", "", 2, is_absolute=True), us("quiet p99"), us("p99"),
               size("peak", "MiB", attack.CEILING_MIB), Figure("rate", "1/s", better=""))
    return Row(f"attack {name}", measure, figures, GATEHOUSES, is_default=False)


def service_row(name, unit, target=None, skynet=None, servers=WITH_SKYNET):
    figure = Figure(name, unit, target, None, skynet,
                    "more" if unit.endswith("/s") else "less")
    return Row(f"services {name}", measures.service(name), (figure,), servers)


def edge_row(way, connections, depth, target=None):
    figures = (Figure("cpu/plain", "", target, is_absolute=True), cpu(), us("plain"),
               Figure("client", "us", better=""), us("p99"))
    return Row(f"edge {way} {connections}x{depth}", edge.echo(way, connections, depth), figures,
               GATEHOUSES)


def edge_memory_row(way, target=None):
    target = target and target * KIB
    figures = (size("player", "KiB", target),)
    return Row(f"edge players {way}", edge.memory(way), figures, GATEHOUSES)


ROWS = (
    echo_row(100, 1, 4.5, 3.5, 18.1),
    echo_row(100, 8, 1.5, 0.44, 16.5),
    echo_row(1000, 1, 5.5, 3.8, 23),
    echo_row(1000, 8, 1.8, 0.48, 20.4),
    Row("think", measures.think(50, THINK_US),
        (us("p50", 160, 134, 332), us("p99", 450, 326, 1663), cpu())),
    Row("quiet", measures.think(1, QUIET_THINK_US),
        (us("p50", 105, 79, 2507), us("p99", 200, 136, 2703))),
    Row("half load", measures.half_load,
        (us("p50"), us("p99"), Figure("p99/p50", ""), Figure("share", "of capacity", better=""))),
    login_row("first", measures.login_first, WITH_SKYNET, 80, None, 354),
    login_row("again", measures.login_again, GATEHOUSES),
    login_row("replace", measures.login_replace, GATEHOUSES),
    Row("login storm", measures.login_storm,
        (Figure("unanswered", "logins", 0, None, 171, is_absolute=True),
         Figure("p999", "ms", 100), per_second("logins")), WITH_SKYNET),
    Row("password", measures.password_logins,
        (per_second("logins", 0.95, 1),), WITH_RAW),
    Row("tickets", admission.tickets, (per_second("logins", 10, 1),), WITH_RAW),
    Row("crowd", admission.storm,
        (Figure("p99/quiet", "", 2, is_absolute=True), us("quiet p99"), us("p99"),
         per_second("logins")), GATEHOUSES, is_default=False),
    Row("flood", admission.flood,
        (Figure("max", "ms", 1000, is_absolute=True), Figure("p50", "ms"),
         Figure("guesses", "1/s", better=""), Figure("refused", "1/s", better="")),
        GATEHOUSES, is_default=False),
    attack_row("slow senders", attack.slow_senders),
    attack_row("one address", attack.one_address),
    attack_row("malformed", attack.malformed),
    attack_row("deaf", attack.deaf),
    Row("memory", measures.memory,
        (size("player", "KiB", 5 * KIB, 0.3 * KIB, 52.6 * KIB),
         size("empty", "MiB", 12 * KIB**2, 3.1 * KIB**2, 17 * KIB**2))),
    edge_row("sealed", 100, 1, 1.15),
    edge_row("sealed", 100, 8, 1.15),
    edge_row("websocket", 100, 1, 1.1),
    edge_row("websocket", 100, 8, 1.1),
    edge_row("tls", 100, 1, 1.35),
    edge_row("tls", 100, 8, 1.35),
    edge_row("wss", 100, 1),
    edge_row("wss", 100, 8),
    edge_memory_row("sealed", 3),
    edge_memory_row("websocket", 3.5),
    edge_memory_row("tls", 15),
    edge_memory_row("wss"),
    Row("edge handshakes", edge.handshakes,
        tuple(us(f"{kind} {version}", 1.2, 1) for version in ("1.3", "1.2")
              for kind in ("full", "resumed")), WITH_RAW),
    Row("edge logins", edge.logins,
        (us("full", 1.2, 1), us("resumed", 1.2, 1), us("plain")), WITH_RAW),
    idle_row(1000),
    idle_row(10_000),
    idle_row(19_000),
    workers_row(1),
    workers_row(2),
    workers_row(4),
    Row("compute", measures.compute,
        (us("p99 without"), us("p99 exclusive"), us("p99 shared"),
         *(Figure(f"cpu {place}", "cores", better="")
           for place in ("without", "exclusive", "shared"))), GATEHOUSES),
    service_row("call_1", "calls/s", 1.3e6, 452e3),
    service_row("call_8", "calls/s", 2e6, 496e3),
    service_row("call_1_same", "calls/s", servers=GATEHOUSES),
    service_row("call_1_other", "calls/s", servers=GATEHOUSES),
    service_row("call_8_same", "calls/s", servers=GATEHOUSES),
    service_row("call_8_other", "calls/s", servers=GATEHOUSES),
    service_row("send_1_1", "messages/s", 3e6, 872e3),
    service_row("send_8_1", "messages/s", 3e6, 740e3),
    service_row("send_1_8", "messages/s", 3e6, 1.01e6),
    service_row("send_1_1_same", "messages/s", servers=GATEHOUSES),
    service_row("send_1_1_other", "messages/s", servers=GATEHOUSES),
    service_row("launch", "services/s", 20e3, 7.2e3),
    Row("services service_kib", measures.service("service_kib"),
        (size("service_kib", "KiB", 30 * KIB, None, 49.9 * KIB),), WITH_SKYNET),
    service_row("timeout", "us", 1.3, 3.8),
    service_row("sleep", "us", 2.5, 8.0),
    service_row("pack_unpack", "tables/s", 500e3, 285e3),
    service_row("multicast", "deliveries/s", 2e6, 375e3),
    service_row("multicast_1", "deliveries/s"),
    Row("services sharedata", measures.service("sharedata", "sharedata", "sharedata_kib"),
        (Figure("sharedata", "reads/s", 25e6, None, 8.5e6, "more"),
         size("sharedata_kib", "KiB", 100 * KIB, None, 1853 * KIB)), WITH_SKYNET),
    Row("services sharetable", measures.service("sharetable", "sharetable", "sharetable_kib"),
        (Figure("sharetable", "reads/s", 100e6, None, 133e6, "more"),
         size("sharetable_kib", "KiB")), WITH_SKYNET),
    Row("services fairness", measures.service("fairness", "quiet_call_p50", "quiet_call_p99"),
        (us("quiet_call_p50"), us("quiet_call_p99")), WITH_SKYNET),
    Row("fleet", measures.fleet,
        (Figure("connected", "players", better=""), size("player", "KiB"),
         Figure("total", "MiB"), per_second("requests")), GATEHOUSES, is_default=False),
    Row("residents", measures.residents,
        (Figure("resident", "agents", better=""), size("agent", "KiB"),
         Figure("total", "MiB"), per_second("logins"), Figure("seconds", "s")),
        GATEHOUSES, is_default=False),
)


def chosen_rows(names, everything):
    """The rows with these names (or with one of these words in their name); raises ValueError."""
    if not names:
        return [row for row in ROWS if row.is_default or everything]
    for name in names:
        if not any(row.is_named(name) for row in ROWS):
            raise ValueError(f"no such row: {name!r}; --list names them")
    return [row for row in ROWS if any(row.is_named(name) for name in names)]
