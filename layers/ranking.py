"""Who is first: ranks with ties shared, best first, the unreported unranked at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.vocabulary import Direction


def ranks(values: ArrayLike, direction: Direction) -> NDArray[np.int32]:
    """Rank of each value from 1; equal values share the better rank; 0 where there is no value.

    `less` ranks the smallest first, everything else the largest.
    """
    given = np.asarray(values, dtype=np.float64)
    signed = given if direction is Direction.LESS else -given
    known = np.sort(signed[~np.isnan(signed)])
    found = (np.searchsorted(known, signed, side="left") + 1).astype(np.int32)
    found[np.isnan(signed)] = 0
    return found


def order(values: ArrayLike, direction: Direction, codes: Sequence[str]) -> list[int]:
    """Indices best first; ties by code, the unreported last."""
    place = ranks(values, direction)
    return sorted(range(len(codes)), key=lambda at: (place[at] == 0, int(place[at]), codes[at]))
