"""docs/protocol.md and its translation say what the code does: codes, texts, limits, examples."""

import json
import re

import pytest
from gatehouse_client import b64
from server import ROOT

PAGES = ["protocol.md", "protocol.zh-CN.md"]
VECTORS = ROOT / "clients/vectors"


def section(page, number):
    """The text under a numbered heading."""
    text = (ROOT / "docs" / page).read_text()
    return re.split(rf"^#+ {re.escape(number)}\.? .*$", text, flags=re.MULTILINE)[1].split("\n#")[0]


def code(path, pattern):
    """What the pattern finds in a file of the server, which is something."""
    found = re.findall(pattern, (ROOT / "server" / path).read_text())
    assert found, f"{path} has changed its form: {pattern}"
    return found


@pytest.mark.parametrize("page", PAGES)
def test_answers_of_the_login(page):
    answers = code("protocol/login_answer.cpp", r'return "(\d{3} [\w ]+)";')
    told = section(page, "2.11")
    for answer in answers:
        assert f"`{answer}" in told, answer
    assert len(re.findall(r"^\| `\d{3} ", told, re.MULTILINE)) == len(answers) + 1, "and totp"


@pytest.mark.parametrize("page", PAGES)
def test_answers_of_the_gate(page):
    answers = code("protocol/gate_handshake.hpp", r'kGate\w+ = "([^"]+)";')
    for answer in answers:
        assert f"`{answer}`" in section(page, "3.4"), answer


@pytest.mark.parametrize("page", PAGES)
def test_codes_and_reasons_of_a_kick(page):
    told = section(page, "3.16")
    rows = dict(re.findall(r"^\| (\d+) \|(.*)$", told, re.MULTILINE))
    constants = dict(code("protocol/control.hpp", r"constexpr int (kKick\w+) = (\d+);"))
    constants.update(code("gate/ending.cpp", r"constexpr int (kKick\w+) = (\d+);"))
    assert set(rows) == set(constants.values())
    kicking = code("gate/ending.cpp", r'\{Ending::\w+,\s*"(\w+)",[^}]*?(kKick\w+)\s*\}')
    for reason, constant in kicking:
        lines = re.findall(rf"^\| {constants[constant]} \|.*$", told, re.MULTILINE)
        assert any(f"`{reason}`" in line for line in lines), reason


@pytest.mark.parametrize("page", PAGES)
def test_control_frames(page):
    kinds = set(code("protocol/control.cpp", r'R"\(\{"type":"(\w+)"'))
    assert set(re.findall(r'"type":"(\w+)"', section(page, "3.15"))) == kinds


@pytest.mark.parametrize("page", PAGES)
def test_limits(page):
    """The numbers of its chapter 4 are the defaults of server/base/limits.hpp."""
    told = section(page, "4").replace(",", "")
    limits = dict(code("base/limits.hpp", r"uint\d+_t (\w+) = ([\d']+)"))
    for name in (
        "login_connections_max", "login_queue_max", "waiting_places_max",
        "gate_handshake_frame_bytes_max", "unauthenticated_max", "address_connections_max",
        "address_connections_per_s", "address_connections_burst", "gate_frames_per_s_max",
        "gate_address_frames_per_s_max", "gate_pending_requests_max",
    ):
        value = limits[name].replace("'", "")
        assert re.search(rf"(?<!\d){value}(?!\d)", told), f"{name}: {value}"
    constants = dict(code("base/limits.hpp", r"size_t (k\w+) = (\d+);"))
    for name in ("kLoginLineBytesMax", "kFrameBytesMax"):
        assert constants[name] in told, name
    contents = section(page, "3.7").replace(",", "")
    for name in ("kRequestContentBytesMax", "kResponseContentBytesMax"):
        assert constants[name] in contents, name
        assert str(int(constants[name]) - int(constants["kSealBytes"])) in contents, name


@pytest.mark.parametrize("page", PAGES)
def test_examples(page):
    """Every line of its chapter 7 that goes over the wire is the vectors'."""
    text = (ROOT / "docs" / page).read_text().split("\n## 7. ")[1]
    skynet, x25519 = (
        json.loads((VECTORS / f"{suite}-suite.json").read_text())["cases"][0]
        for suite in ("skynet", "x25519")
    )
    in_base64 = {
        field: b64(bytes.fromhex(skynet[field]))
        for field in ("challenge", "client_public", "server_public", "challenge_hmac64",
                      "token_des_hex", "gate_hmac64")
    }
    sealed = json.loads((VECTORS / "sealed-frames.json").read_text())["cases"][0]
    in_frames = [
        f"{len(body) // 2:04x} {body}"
        for body in (sealed["frames"][side][0]["sealed"] for side in ("c2s", "s2c"))
    ]
    handshake = f"{skynet['gate_text']}:{in_base64.pop('gate_hmac64')}"
    known = {
        *in_base64.values(),
        *(x25519[f"line{number}"] for number in range(1, 6)),
        x25519["gate_3_fields"],
        x25519["gate_6_fields"],
        sealed["handshake"],
        *in_frames,
        f"200 {b64('1')}",
        f"{len(handshake):04x} {handshake}",
        f"{len('200 OK'):04x} 200 OK",
        "0008 6563686f 00000001",
        "0009 6563686f 01 00000001",
        "0005 00 00000001",
    }
    shown = set()
    for block in text.split("```")[1::2]:
        for line in block.splitlines():
            sent = line.removeprefix("S  ").removeprefix("C  ").split("   ")[0].strip()
            if sent:
                shown.add(sent)
    assert shown == known
    for field in ("client_private", "server_private", "challenge", "secret", "gate_hmac64",
                  "gate_text_hashkey", "token"):
        assert skynet[field] in text, field
