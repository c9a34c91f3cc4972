"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Someone who shows the steps of long work."""

    def step(
        self, label: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Open a step of `total` units; the yielded function advances it by so many units."""
        ...


def _forget(units: int = 1) -> None:
    """Advance nothing."""


class Silent:
    """Shows nothing: the default for tests and libraries."""

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Accept and forget."""
        yield _forget


SILENT = Silent()
