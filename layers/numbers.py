"""Numbers as people read them: sensible digits, thousands, unit; the same in every locale."""

from __future__ import annotations

import math

from geodata.words import say

MINUS = "\N{MINUS SIGN}"


def figure(value: float, digits: int = 0, *, trim: bool = False) -> str:
    """A number without unit: `1,364`, `−2.5`; `trim` drops zeros after the point (5, not 5.0)."""
    text = f"{abs(value):,.{digits}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    negative = value < 0 and any(sign in "123456789" for sign in text)
    return (MINUS if negative else "") + text


def with_unit(number: str, unit: str) -> str:
    """A number with its unit: `20 万元`, and `45%` without a gap."""
    if not unit:
        return number
    return f"{number}{unit}" if unit in ("%", "‰", "°") else f"{number} {unit}"


def difference_unit(unit: str) -> str:
    """The unit of a difference: shares differ by percentage points, not by percent."""
    return say("layers.percentage_points") if unit == "%" else unit


def amount(value: float | None, digits: int, unit: str, absent: str = "—") -> str:
    """A value with unit, or `absent` where there is none."""
    if value is None or math.isnan(value):
        return absent
    return with_unit(figure(value, digits), unit)


def plain(value: float) -> float | None:
    """A float that JSON can hold: no NaN, no infinity; -0.0 is 0.0."""
    return float(value) + 0.0 if math.isfinite(value) else None
