"""Small numbers protected and attacked: seconds, cells, what is lost, how each block came out."""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.edition import Edition
from geodata.nesting import Nesting
from geodata.publish import disclosure
from geodata.publish.disclosure import Column, Tables
from geodata.publish.gate import levels

WORLDS = 50
"""Random ones."""
SMALL = 10
MOST_LEAVES = 120

Json = dict[str, Any]


def measure(edition: Edition, worlds: int = WORLDS) -> list[Json]:
    """Protect and audit an edition, as publishing does, and so many random worlds.

    Returns
    -------
    Two rows, `world` (`demo` or `random`), `worlds`, `cells` (that would be published), `hidden`,
    `lost_percent`, `blocks` (in which something is small), `unfinished` (blocks of which no program
    came to an end), `exposed` (numbers that the audit could tell), `protect_s`, `audit_s`.
    """
    rows = [_row("demo", [_tables(edition)])]
    if worlds:
        rows.append(_row("random", [random_tables(seed) for seed in range(worlds)]))
    return rows


def _row(name: str, every: list[Tables]) -> Json:
    found: Json = {"cells": 0, "hidden": 0, "blocks": 0, "unfinished": 0, "exposed": 0}
    protect = audit = 0.0
    for tables in every:
        start = time.perf_counter()
        pattern = disclosure.suppress(tables)
        middle = time.perf_counter()
        attacked = disclosure.audit(tables, pattern)
        protect += middle - start
        audit += time.perf_counter() - middle
        told = pattern.as_dict()
        found["cells"] += told["cells"]
        found["hidden"] += told["suppressed"]
        found["blocks"] += told["components"]
        found["unfinished"] += told["fallbacks"]
        found["exposed"] += len(attacked.exposed)
    return {
        "world": name,
        "worlds": len(every),
        "cells": found["cells"],
        "hidden": found["hidden"],
        "lost_percent": round(100 * found["hidden"] / max(found["cells"], 1), 2),
        **{key: found[key] for key in ("blocks", "unfinished", "exposed")},
        "protect_s": round(protect, 2),
        "audit_s": round(audit, 2),
    }


def _tables(edition: Edition) -> Tables:
    """What the gate hands over: every public measure, at the levels that are public."""
    rules = edition.space.publication
    shown = {one.id: levels(edition, one) for one in edition.measures if one.public}
    counted = {
        name: kind for name, kind in disclosure.kinds(edition.space).items() if name in shown
    }
    return disclosure.from_edition(
        edition, counted, shown, small_number=rules.small_number, protection=rules.width
    )


def random_tables(seed: int) -> Tables:
    """Households counted in a tree of four levels, some months, some that did not report; and the
    same households by another measure at the upper levels alone.
    """
    rng = np.random.default_rng(seed)
    sizes = [1, int(rng.integers(2, 6))]
    sizes += [int(rng.integers(3 * sizes[1], 6 * sizes[1])), int(rng.integers(40, MOST_LEAVES))]
    parents = [np.zeros(1, np.int32)]
    for above, size in pairwise(sizes):
        extra = rng.integers(0, above, size - above)
        parents.append(np.sort(np.concatenate([np.arange(above), extra])).astype(np.int32))
    nesting = Nesting(
        tuple(f"l{depth}" for depth in range(len(sizes))),
        tuple(
            np.array([f"{depth}-{n:03d}" for n in range(size)], dtype=object)
            for depth, size in enumerate(sizes)
        ),
        tuple(parents),
    )
    months = int(rng.integers(2, 5))
    known = rng.random((months, sizes[-1])) < 0.95
    count = rng.poisson(rng.choice([6, 15, 40]), known.shape) * (rng.random(known.shape) < 0.7)
    whole = _column("households", nesting.levels, known, count)
    upper = _column("again", nesting.levels[:-1], known, count)
    return disclosure.assemble(nesting, (whole, upper), small_number=SMALL, protection=SMALL)


def _column(
    name: str, shown: tuple[str, ...], known: NDArray[np.bool_], count: NDArray[np.int64]
) -> Column:
    months, leaves = known.shape
    return Column(
        name,
        "r",
        tuple(f"2021-{n + 1:02d}" for n in range(months)),
        shown,
        known,
        np.where(known, count, 0).astype(np.float64),
        "households",
        np.repeat(np.arange(months)[:, None], leaves, axis=1).astype(np.int64),
    )


def main() -> None:
    """`python -m dashboard.bench.disclosure DIR [WORLDS]`: this benchmark alone, as JSON lines."""
    worlds = int(sys.argv[2]) if len(sys.argv) > 2 else WORLDS
    for row in measure(Edition.open(Path(sys.argv[1])), worlds):
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
