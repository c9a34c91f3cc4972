"""Match rows of a table to regions: by code, and by name only where the code is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geodata import cells

Array = np.ndarray[Any, Any]

NOBODY = -1


@dataclass(frozen=True)
class Match:
    """Which region each row is about. Many rows may be about one region; a row about one."""

    position: Array
    """Row of `regions` ([n] int64), or `NOBODY`."""
    by_name: Array
    """Rows without a code that their name identified ([n] bool)."""
    unknown: Array
    """Rows with a code that no region has."""
    ambiguous: Array
    """Rows without a code whose name several regions bear: never guessed."""
    nameless: Array
    """Rows with neither a code nor a name that any region bears."""


def match(rows: pd.DataFrame, regions: pd.DataFrame) -> Match:
    """Match rows to regions, many to one.

    Parameters
    ----------
    rows : `code` (canonical, "" where missing), `name`, and a column for each level whose name
        the table gives, all as text.
    regions : `code` (unique), `name`, and the names of the same ancestors under the same headings.

    Raises
    ------
    ValueError : a code occurs twice among the regions, so that the join would not be many to one.
    """
    index = pd.Index(regions["code"])
    if not index.is_unique:
        raise ValueError("regions must have unique codes")
    places, distinct = rows["code"].factorize(use_na_sentinel=False)
    found = index.get_indexer(pd.Index(distinct))
    position = found[places] if len(distinct) else np.empty(0, dtype=np.int64)
    position = np.asarray(position, dtype=np.int64)
    missing = (rows["code"] == "").to_numpy(dtype=bool)
    position[missing] = NOBODY
    unknown = ~missing & (position == NOBODY)
    by_name = np.zeros(len(rows), dtype=bool)
    ambiguous = np.zeros(len(rows), dtype=bool)
    if missing.any():
        at = np.flatnonzero(missing)
        matched, several = _by_name(rows.iloc[at], regions)
        position[at] = matched
        by_name[at] = matched != NOBODY
        ambiguous[at] = several
    nameless = missing & ~by_name & ~ambiguous
    return Match(position, by_name, unknown, ambiguous, nameless)


def _by_name(rows: pd.DataFrame, regions: pd.DataFrame) -> tuple[Array, Array]:
    """Regions whose name, and ancestors' names as far as the row gives them, are the row's."""
    names: dict[str, list[int]] = {}
    for n, name in enumerate(cells.each(regions["name"], cells.name)):
        names.setdefault(name, []).append(n)
    above = [column for column in rows.columns if column not in ("code", "name")]
    clean = {column: cells.each(regions[column], cells.name) for column in above}
    matched = np.full(len(rows), NOBODY, dtype=np.int64)
    several = np.zeros(len(rows), dtype=bool)
    wanted = cells.each(rows["name"], cells.name)
    given = {column: cells.each(rows[column], cells.name) for column in above}
    for n, name in enumerate(wanted):
        here = names.get(name, []) if name else []
        for column in above:
            if given[column][n]:
                here = [place for place in here if clean[column][place] == given[column][n]]
        if len(here) == 1:
            matched[n] = here[0]
        several[n] = len(here) > 1
    return matched, several
