"""The legend: each class with the regions in it; no data, what is not published and out of scope
counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geodata.edition import Edition
from geodata.words import say
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED, Class, assign, classes


@dataclass(frozen=True)
class Counts:
    """How many regions of a level are in each class at one period."""

    classes: tuple[int, ...]
    missing: int
    out_of_scope: int
    suppressed: int = 0
    """Known, and not published."""

    @property
    def total(self) -> int:
        """All regions of the level (or of the chosen part of it)."""
        return sum(self.classes) + self.missing + self.out_of_scope + self.suppressed


def counts(values: ArrayLike, classes: Sequence[Class], status: ArrayLike | None = None) -> Counts:
    """Count one period's values (see `assign` for the rule)."""
    found = np.bincount(assign(values, classes, status).ravel(), minlength=256)
    return Counts(
        tuple(int(found[index]) for index in range(len(classes))),
        int(found[MISSING]),
        int(found[OUT_OF_SCOPE]),
        int(found[SUPPRESSED]),
    )


@dataclass(frozen=True)
class Entry:
    """One line of a legend."""

    index: int
    """Class index, or `MISSING`, `SUPPRESSED` or `OUT_OF_SCOPE`."""
    label: str
    count: int
    light: str
    dark: str


def legend(
    edition: Edition,
    measure: str,
    round: str,
    level: str,
    period: int,
    within: Sequence[int] | None = None,
) -> tuple[Entry, ...]:
    """The lines of a legend for one period, classes first, then no data, what is not published and
    out of scope.

    The last two have a line only where there is any; no data always has one, so that nobody
    takes its absence for completeness. `within` limits the count to these positions.
    """
    values = edition.values(measure, round, level)
    parts = slice(None) if within is None else np.asarray(within, dtype=np.intp)
    known = classes(edition, measure, round, level)
    found = counts(values.value[period][parts], known, values.status[period][parts])
    entries = [
        Entry(one.index, one.label, count, one.light, one.dark)
        for one, count in zip(known, found.classes, strict=True)
    ]
    entries.append(Entry(MISSING, say("layers.class.missing"), found.missing, "", ""))
    if found.suppressed:
        entries.append(Entry(SUPPRESSED, say("layers.class.suppressed"), found.suppressed, "", ""))
    if found.out_of_scope:
        entries.append(
            Entry(OUT_OF_SCOPE, say("layers.class.out_of_scope"), found.out_of_scope, "", "")
        )
    return tuple(entries)
