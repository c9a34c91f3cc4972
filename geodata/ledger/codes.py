"""One-time codes (TOTP, RFC 6238): a secret shared with a phone, and which code belongs to when."""

from __future__ import annotations

import hmac
import re
import unicodedata

import pyotp

from geodata.ledger import moments

INTERVAL = 30
"""Seconds that a code belongs to; what every app for phones expects."""
TOLERANCE = 1
"""Steps that a phone's clock may be off, either way."""

_SECRET = re.compile(r"[A-Z2-7]{32}")


def secret() -> str:
    """A new secret: 160 bits in base32."""
    return pyotp.random_base32(32)


def is_secret(text: str) -> bool:
    """Whether a text is a secret such as `secret` makes."""
    return bool(_SECRET.fullmatch(text))


def uri(held: str, name: str, issuer: str) -> str:
    """What the QR code for a phone says (`otpauth://totp/...`)."""
    return pyotp.TOTP(held, interval=INTERVAL).provisioning_uri(name=name, issuer_name=issuer)


def step(held: str, code: str, at: str) -> int | None:
    """The step of time that a code belongs to, near a moment; None when it is not one of them.

    Who asks must refuse a step that is not later than the last one used.
    """
    typed = "".join(unicodedata.normalize("NFKC", code[:40]).split())
    if not re.fullmatch(r"[0-9]{6}", typed):
        return None
    now = int(moments.seconds(at) // INTERVAL)
    maker = pyotp.TOTP(held, interval=INTERVAL)
    found = None
    for one in range(now - TOLERANCE, now + TOLERANCE + 1):
        if hmac.compare_digest(maker.generate_otp(one), typed):
            found = one
    return found
