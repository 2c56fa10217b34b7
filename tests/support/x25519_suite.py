"""The suite x25519 and sealed frames (docs/protocol.md 2.4, 3.6), from their description.

Byte strings in, byte strings out; keys are raw.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LABEL = b"gatehouse login 1"
NONCE_BYTES = 12


class BadSeal(Exception):
    """A body that was not sealed with this key and counter."""


def _hkdf(key, salt, info, size):
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(key)


def random_key():
    return os.urandom(32)


def public_key(private):
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared(private, public):
    """Raises ValueError for a public key that makes it zero."""
    return X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(public)
    )


def check_signature(identity, signature, transcript):
    """Raises cryptography's InvalidSignature."""
    Ed25519PublicKey.from_public_bytes(identity).verify(signature, LABEL + transcript)


def login_keys(private, server_public, transcript):
    """(token key, session secret)."""
    keys = _hkdf(shared(private, server_public), transcript, LABEL, 64)
    return keys[:32], keys[32:]


def mac(secret, text):
    return hmac.new(secret, text, hashlib.sha256).digest()


def encrypt_token(key, token, challenge, nonce=None):
    nonce = nonce or os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, token, challenge)


def open_answer(key, sealed, head):
    """The JSON of a sealed answer; head is the line before its last blank."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], head)
    except InvalidTag as error:
        raise BadSeal from error


class Seal:
    """One direction of a connection: side is "c2s" or "s2c", text the handshake without its mac."""

    def __init__(self, secret, text, side):
        self.key = _hkdf(secret, text, f"gatehouse gate 1 {side}".encode(), 32)
        self.cipher = AESGCM(self.key)
        self.counter = 0

    def _nonce(self):
        nonce = self.counter.to_bytes(NONCE_BYTES, "big")
        self.counter += 1
        return nonce

    def seal(self, body):
        return self.cipher.encrypt(self._nonce(), body, None)

    def open(self, sealed):
        try:
            return self.cipher.decrypt(self._nonce(), sealed, None)
        except InvalidTag as error:
            raise BadSeal from error
