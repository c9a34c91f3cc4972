"""What screen readers are told, in the form in which Dash's html components take it."""

from __future__ import annotations

from typing import Any


def aria(**states: str) -> dict[str, Any]:
    """Attributes `aria-...`, to be unpacked: Dash takes their names only as strings."""
    return {f"aria-{name}": value for name, value in states.items()}
