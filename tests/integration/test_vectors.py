"""The reference vectors: against this test's own client, then by it against the live server."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
import skynet_crypto
from gatehouse_client import Gate, Stream, b64, login_skynet
from players import fresh_name

VECTORS = Path(__file__).resolve().parents[2] / "clients/vectors"
SKYNET = json.loads((VECTORS / "skynet-suite.json").read_text())["cases"]
X25519 = json.loads((VECTORS / "x25519-suite.json").read_text())["cases"]


@pytest.mark.parametrize("case", SKYNET, ids=lambda case: case["client_private"])
def test_skynet_crypto(case):
    def value(name):
        return bytes.fromhex(case[name])

    secret = value("secret")
    assert skynet_crypto.dh_exchange(value("client_private")) == value("client_public")
    assert skynet_crypto.dh_exchange(value("server_private")) == value("server_public")
    assert skynet_crypto.dh_secret(value("server_public"), value("client_private")) == secret
    assert skynet_crypto.dh_secret(value("client_public"), value("server_private")) == secret
    assert skynet_crypto.hmac64(value("challenge"), secret) == value("challenge_hmac64")
    token = case["token"].encode()
    assert skynet_crypto.des_encode(secret, token) == value("token_des_hex")
    assert skynet_crypto.des_decode(secret, value("token_des_hex")) == token
    text = case["gate_text"].encode()
    assert skynet_crypto.hash_key(text) == value("gate_text_hashkey")
    assert skynet_crypto.hmac_hash(secret, text) == value("gate_hmac64")


@pytest.mark.parametrize("case", X25519, ids=lambda case: case["challenge"])
def test_hmac_sha256_of_the_challenge(case):
    secret, challenge = bytes.fromhex(case["secret"]), bytes.fromhex(case["challenge"])
    assert b64(hmac.new(secret, challenge, hashlib.sha256).digest()) == case["line4"]


@pytest.mark.parametrize("case", SKYNET, ids=lambda case: case["client_private"])
def test_live_handshake_with_the_client_key_of_a_vector(server, case):
    private_key = bytes.fromhex(case["client_private"])
    user = fresh_name("vector")
    with Stream(server.login) as stream:
        login = login_skynet(stream, user, "secret", "sample", private_key)
        assert login.code == 200, login.line
        assert login.line == f"200 {b64(login.subid)}", "the skynet answer has nothing more"
        assert len(login.secret) == 8
        assert stream.read_to_end() == b""
    with Gate(server.gate()) as gate:
        assert gate.handshake(login) == "200 OK"
        assert gate.request("hello") == b"hello"
