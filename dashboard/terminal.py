"""Progress as people see it: bars in a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from geodata.words import catalogue, say


def table(name: str, rows: list[dict[str, Any]]) -> Table:
    """Rows as a table; titles from the catalogue's section `bench`, else the bare key."""

    def word(key: str) -> str:
        return say(f"bench.{key}") if f"bench.{key}" in catalogue() else key

    columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = Table(title=word(name), title_justify="left")
    for key in columns:
        numeric = all(isinstance(row.get(key, 0), int | float) for row in rows)
        shown.add_column(word(key), justify="right" if numeric else "left")
    for row in rows:
        shown.add_row(*[_cell(row.get(key)) for key in columns])
    return shown


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _forget(units: int = 1) -> None:
    """Advance nothing: a log has no bar."""


class Shown:
    """A `geodata.progress.Progress` on a console; use it as a context around the work.

    Everything goes to stderr, so that stdout holds results alone (`bangfu build` prints the id).
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars: Bars | None = None

    def __enter__(self) -> Shown:
        if self._console.is_terminal:
            self._bars = Bars(
                SpinnerColumn(finished_text="[green]✓[/green]"),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show one step of the work; the yielded function advances it by so many units."""
        began = time.monotonic()
        if self._bars is None:
            self._line(say("cli.step_begins", label=label))
            yield _forget
            self._line(say("cli.step_ends", label=label, seconds=f"{time.monotonic() - began:.1f}"))
            return
        bars = self._bars
        task = bars.add_task(label, total=total)

        def advance(units: int = 1) -> None:
            bars.advance(task, units)

        yield advance
        # A step that did not say how much there was is done all the same.
        done = total if total is not None else 1
        bars.update(task, total=done, completed=done)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
