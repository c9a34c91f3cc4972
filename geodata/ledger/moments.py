"""Moments as the tables spell them, reckoned with."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta


def later(at: str, **span: float) -> str:
    """A moment moved by a span (`minutes=15`, `hours=-8`), spelt as the tables do."""
    moved = datetime.fromisoformat(at).astimezone(UTC) + timedelta(**span)
    return moved.isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds(at: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(at).timestamp()


def until(at: str, end: str) -> int:
    """Whole seconds from a moment to a later one, rounded up; 0 when it is past."""
    return max(0, math.ceil(seconds(end) - seconds(at)))
