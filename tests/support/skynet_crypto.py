"""The primitives of the skynet login suite (docs/skynet-rules.md 4.1), written from their
description.

Byte strings in, byte strings out; 8-byte values are little-endian 64-bit integers. Meant for
tests and the demonstration client: nothing here is constant in time.
"""

import math
import os
import struct

DH_PRIME = 2**64 - 59
DH_GENERATOR = 5
_MASK = 0xFFFFFFFF

# RFC 1321 section 3.4: the sine table and the rotation of each of the 64 steps.
_MD5_SINES = [int(abs(math.sin(i + 1)) * 2**32) & _MASK for i in range(64)]
_MD5_SHIFTS = [
    shifts[i % 4]
    for shifts in ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
    for i in range(16)
]
_MD5_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)


def _md5_compress_without_feedback(block):
    """One MD5 compression of 16 words; the start values are not added to the result."""
    a, b, c, d = _MD5_START
    for i in range(64):
        if i < 16:
            mixed, word = (b & c) | (~b & d), i
        elif i < 32:
            mixed, word = (d & b) | (~d & c), (5 * i + 1) % 16
        elif i < 48:
            mixed, word = b ^ c ^ d, (3 * i + 5) % 16
        else:
            mixed, word = c ^ (b | (~d & _MASK)), (7 * i) % 16
        total = (a + mixed + _MD5_SINES[i] + block[word]) & _MASK
        shift = _MD5_SHIFTS[i]
        rotated = ((total << shift) | (total >> (32 - shift))) & _MASK
        a, b, c, d = d, (b + rotated) & _MASK, b, c
    return a, b, c, d


def hmac64(x, y):
    x0, x1 = struct.unpack("<2I", x)
    y0, y1 = struct.unpack("<2I", y)
    a, b, c, d = _md5_compress_without_feedback((x1, x0, y1, y0) * 4)
    return struct.pack("<2I", c ^ d, a ^ b)


def hash_key(text):
    h, j = 5381, 1315423911
    for byte in text:
        h = (h * 33 + byte) & _MASK
        j ^= ((j << 5) + byte + (j >> 2)) & _MASK
    return struct.pack("<2I", h, j)


def hmac_hash(key, text):
    return hmac64(hash_key(text), key)


def dh_exchange(private):
    """The public key of an 8-byte private key."""
    return dh_secret(struct.pack("<Q", DH_GENERATOR), private)


def dh_secret(public, private):
    base = int.from_bytes(public, "little")
    exponent = int.from_bytes(private, "little")
    if base == 0 or exponent == 0:
        raise ValueError("Can't be 0")
    return pow(base, exponent, DH_PRIME).to_bytes(8, "little")


def random_key():
    return os.urandom(7) + b"\x01"


def _des_ecb(key):
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    try:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    except ImportError:  # releases before 43
        from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES
    # Three times the same key makes triple DES the single DES of the suite.
    return Cipher(TripleDES(key * 3), modes.ECB())


def des_encode(key, text):
    """DES-ECB with iso7816-4 padding: 0x80, then zeros."""
    padded = text + b"\x80" + b"\0" * (-(len(text) + 1) % 8)
    encryptor = _des_ecb(key).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def des_decode(key, data):
    decryptor = _des_ecb(key).decryptor()
    padded = (decryptor.update(data) + decryptor.finalize()).rstrip(b"\0")
    if not padded.endswith(b"\x80"):
        raise ValueError("Invalid des crypt text")
    return padded[:-1]
