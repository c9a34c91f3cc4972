"""A ledger that takes long to fail is left alone for a while: whoever asks for it waits, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from geodata.ledger.troubles import LedgerError

SLOW, PAUSE = 2.0, 10.0
"""Seconds: a ledger that took `SLOW` to fail is left alone for `PAUSE`."""


class Respite:
    """What stands before a ledger and knows whether to ask it; safe to use from many threads.

    A database that is out of reach would otherwise hold every thread until it times out. One that
    fails at once costs nothing and is asked again at once.

    Parameters
    ----------
    pause : seconds for which it is left alone.
    clock : seconds; another one is for tests.
    """

    def __init__(self, pause: float = PAUSE, *, clock: Callable[[], float] | None = None) -> None:
        self._pause = pause
        self._clock = clock or time.monotonic
        self._until = float("-inf")

    @property
    def lasts(self) -> bool:
        """Whether the ledger is to be left alone now."""
        return self._clock() < self._until

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the ledger inside; a failure passes through, and a slow one begins a pause."""
        began = self._clock()
        try:
            yield
        except LedgerError:
            now = self._clock()
            if now - began >= SLOW:
                self._until = now + self._pause
            raise
