"""The reference vectors: against this test's own client, then by it against the live server."""

import json
import re
from pathlib import Path

import pytest
import skynet_crypto
import x25519_suite
from cryptography.exceptions import InvalidSignature
from gatehouse_client import Gate, Login, Stream, b64, login_skynet, login_x25519, unb64
from players import fresh_name

VECTORS = Path(__file__).resolve().parents[2] / "clients/vectors"
SKYNET = json.loads((VECTORS / "skynet-suite.json").read_text())["cases"]
X25519 = json.loads((VECTORS / "x25519-suite.json").read_text())["cases"]
SEALED = json.loads((VECTORS / "sealed-frames.json").read_text())["cases"]


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


def x25519_login(case, identity):
    """A login of the test's client with a case's keys and token, against its server's lines."""
    sent = []
    user, server, proof = re.split("[@:!]", case["token"])
    proof = {"ticket": proof} if "!" in case["token"] else {"password": unb64(proof).decode()}
    names = (unb64(user).decode(), proof.pop("password", ""), unb64(server).decode())

    class Script:
        lines = iter([case["line1"], case["line3"], "200 MQ=="])

        def read_line(self):
            return next(self.lines)

        def send(self, data):
            sent.extend(data.decode().splitlines())

    private = bytes.fromhex(case["client_private"])
    return login_x25519(Script(), *names, identity, private, sealed=False, **proof), sent


@pytest.mark.parametrize("case", X25519, ids=lambda case: case["challenge"])
def test_x25519_crypto(case):
    def value(name):
        return bytes.fromhex(case[name])

    transcript = value("challenge") + value("client_public") + value("server_public")
    assert x25519_suite.public_key(value("client_private")) == value("client_public")
    assert x25519_suite.shared(value("client_private"), value("server_public")) == value("shared")
    keys = x25519_suite.login_keys(value("client_private"), value("server_public"), transcript)
    assert keys == (value("token_key"), value("secret"))
    x25519_suite.check_signature(value("identity_public"), value("signature"), transcript)
    with pytest.raises(InvalidSignature):
        x25519_suite.check_signature(value("client_public"), value("signature"), transcript)
    token = x25519_suite.encrypt_token(
        keys[0], case["token"].encode(), value("challenge"), value("nonce")
    )
    assert b64(token) == case["line5"]


@pytest.mark.parametrize("case", X25519, ids=lambda case: case["challenge"])
def test_the_lines_of_an_x25519_client(case):
    login, sent = x25519_login(case, bytes.fromhex(case["identity_public"]))
    assert sent[:2] == [case["line2"], case["line4"]] and len(sent) == 3
    assert login.secret == bytes.fromhex(case["secret"])
    at_gate = Login("200 MQ==", "x25519", "test1", "cocos1", login.secret)
    index = case["gate_3_fields"].split(":")[1]
    assert at_gate.handshake(index) == case["gate_3_fields"]
    _, index, last_push, conversation, options, _ = case["gate_6_fields"].split(":")
    handshake = at_gate.handshake(index, last_push, conversation, options)
    assert handshake == case["gate_6_fields"]
    with pytest.raises(InvalidSignature):
        x25519_login(case, bytes.fromhex(case["client_public"]))


@pytest.mark.parametrize("case", SEALED, ids=lambda case: case["text"])
def test_sealed_frames(case):
    secret, text = bytes.fromhex(case["secret"]), case["text"]
    mac = Login("200", "x25519", "", "", secret).mac(text)
    assert f"{text}:{b64(mac)}" == case["handshake"]
    for side, frames in case["frames"].items():
        sealing, opening = (x25519_suite.Seal(secret, text.encode(), side) for _ in range(2))
        assert sealing.key.hex() == case[f"key_{side}"]
        for frame in frames:
            body, sealed = bytes.fromhex(frame["body"]), bytes.fromhex(frame["sealed"])
            sealing.counter = opening.counter = frame["counter"]
            assert sealing.seal(body) == sealed and opening.open(sealed) == body
            opening.counter = frame["counter"] + 1
            with pytest.raises(x25519_suite.BadSeal):
                opening.open(sealed)


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
