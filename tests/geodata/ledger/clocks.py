"""A clock that tests set."""

from __future__ import annotations

from geodata.ledger import moments


class Clock:
    """Tells the moment that a test says it is."""

    def __init__(self, at: str = "2026-03-02T08:00:00.000000Z") -> None:
        self.at = at

    def __call__(self) -> str:
        """The moment."""
        return self.at

    def on(self, **span: float) -> None:
        """Let time go by: `minutes=15`."""
        self.at = moments.later(self.at, **span)
