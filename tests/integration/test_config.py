"""The shipped configurations and the page that explains them agree with each other."""

import json
import re

import pytest
from server import ROOT

README = (ROOT / "config/README.md").read_text()
PRODUCTION = json.loads((ROOT / "config/production.json").read_text())


def leaves(value, path=""):
    """(path, value) of every key; the entries of a list of objects share the path `key[]`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield path, None
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def documented():
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| [^|]+ \| ([^|]+) \|", README, re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def test_every_key_is_documented_and_every_documented_key_is_there():
    values = dict(leaves(PRODUCTION))
    # The file has no certificates, and so shows none of their keys.
    named = {key for key in documented()
             if "[]" not in key or values.get(key.partition("[]")[0]) != []}
    assert set(values) == named
    assert len(set(documented()) - named) == 2


def test_numbers_of_the_page_are_those_of_the_file():
    table = documented()
    for path, value in leaves(PRODUCTION):
        if isinstance(value, int) and "[]" not in path:
            assert table[path] == json.dumps(value), path


def test_limits_are_those_of_the_header():
    def fields_of(text):
        return re.findall(r"std::uint\d+_t (\w+) = ([\w' <]+);", text)

    fields = fields_of((ROOT / "server/base/limits.hpp").read_text())
    assert len(fields) > 10
    handshakes = (ROOT / "server/edge/tls_options.hpp").read_text()
    handshakes = handshakes[handshakes.index("struct TlsHandshakeLimits"):]
    names = {"per_s": "tls_handshakes_per_s", "threads": "tls_handshake_threads",
             "waiting_max": "tls_handshakes_waiting_max"}
    of_handshakes = fields_of(handshakes[:handshakes.index("};")])
    assert {name for name, _ in of_handshakes} == set(names)
    fields += [(names[name], value) for name, value in of_handshakes]

    def number(text):
        left, _, shift = text.replace("'", "").replace("u", "").partition("<<")
        return int(left) << int(shift or 0)

    limits = {key: value for key, value in PRODUCTION["limits"].items() if key != "profile"}
    defaults = {name: number(value) for name, value in fields}
    # In production nobody is idle for ever; a program that does not say so keeps its connections.
    assert defaults.pop("gate_idle_timeout_ms") == 0
    assert limits.pop("gate_idle_timeout_ms") == 60_000
    assert limits == defaults


@pytest.mark.parametrize("name", ["quickstart", "production"])
def test_shipped_addresses_are_loopback(name):
    text = (ROOT / f"config/{name}.json").read_text()
    addresses = re.findall(r'"([\w.]+):\d+"', text)
    assert addresses and set(addresses) == {"127.0.0.1"}


def test_quickstart_uses_known_keys_only():
    config = json.loads((ROOT / "config/quickstart.json").read_text())
    assert {path for path, _ in leaves(config)} <= set(documented())
