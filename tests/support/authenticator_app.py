"""The codes of a second factor, as the player's app computes them (RFC 6238)."""

import base64
import hashlib
import hmac
import struct
import time

STEP_S = 30


def totp(key, now=None):
    """The code for a key in base32, now or at a Unix time."""
    secret = base64.b32decode(key + "=" * (-len(key) % 8))
    step = int(time.time() if now is None else now) // STEP_S
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def wrong_codes(key, count):
    """Codes that are wrong now and for the next minutes."""
    now = int(time.time())
    right = {totp(key, now + STEP_S * step) for step in range(-4, 40)}
    codes = (f"{number:06}" for number in range(count + len(right)))
    return [code for code in codes if code not in right][:count]
