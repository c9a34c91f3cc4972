"""One-time codes: what a phone shows, near its time."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from geodata.ledger import codes, moments

AT = "2026-03-02T08:00:15.000000Z"


def shown(secret: str, **span: float) -> str:
    return pyotp.TOTP(secret).at(int(moments.seconds(moments.later(AT, **span))))


def test_the_code_of_rfc_6238_is_known() -> None:
    # Appendix B, SHA-1: at 59 s the last six of 94287082.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert codes.step(secret, "287082", "1970-01-01T00:00:59.000000Z") == 1


@pytest.mark.parametrize(
    ("off", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_phone_may_be_half_a_minute_off(off: int, good: bool) -> None:
    secret = codes.secret()
    step = codes.step(secret, shown(secret, seconds=off), AT)
    assert (step is not None) == good
    if good:
        assert step == int(moments.seconds(AT) + off) // 30


def test_blanks_and_full_width_digits_are_understood() -> None:
    secret = codes.secret()
    code = shown(secret)
    wide = "".join(chr(ord(char) + 0xFEE0) for char in code)
    for typed in (f"{code[:3]} {code[3:]}", f" {code}\n", wide):
        assert codes.step(secret, typed, AT) is not None


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "\ud800", "0" * 9999]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert codes.step(codes.secret(), typed, AT) is None


def test_the_address_for_the_phone_names_account_and_programme() -> None:
    secret = codes.secret()
    assert codes.is_secret(secret)
    found = urlsplit(codes.uri(secret, "王伟", "帮扶一张图"))
    assert (found.scheme, found.netloc) == ("otpauth", "totp")
    assert unquote(found.path) == "/帮扶一张图:王伟"
    assert parse_qs(found.query)["secret"] == [secret]


@pytest.mark.parametrize("text", ["", "a" * 32, "A" * 31, "A" * 33, "1" * 32, "A" * 32 + "\n"])
def test_what_is_no_secret(text: str) -> None:
    assert not codes.is_secret(text)
