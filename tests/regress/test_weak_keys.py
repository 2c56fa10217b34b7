"""Keys of which everybody knows the secret: 0, 1 and their like modulo the prime were taken as
public keys of the exchange, and whoever sent one, or put it in the way, read and wrote what was
said after it. They are refused."""

import pytest
import skynet_crypto
from gatehouse_client import Stream, b64, unb64

WEAK_KEYS = [0, 1, 2**64 - 60, 2**64 - 59, 2**64 - 58, 2**64 - 1]


@pytest.mark.parametrize("key", WEAK_KEYS, ids=hex)
def test_it_is_refused(server, key):
    with Stream(server.login) as stream:
        challenge = unb64(stream.read_line())
        stream.send(b64(key.to_bytes(8, "little")).encode() + b"\n")
        # What an attacker would go on with: the secrets 0 and 1 are known for these keys.
        known = (key % skynet_crypto.DH_PRIME).to_bytes(8, "little")
        token = skynet_crypto.des_encode(known, b"YQ==@c2FtcGxl:YQ==")
        stream.send(f"{b64(skynet_crypto.hmac64(challenge, known))}\n{b64(token)}\n".encode())
        assert stream.read_to_end().decode().splitlines()[-1] == "401 Unauthorized"
