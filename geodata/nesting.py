"""Who lies in whom, as positions: what roll-ups, tiles and drill-down ask of the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import AtlasError
from geodata.words import say

Positions = NDArray[np.int32]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Nesting:
    """Levels root first; a region is its position (row) within its level."""

    levels: tuple[str, ...]
    codes: tuple[NDArray[np.object_], ...]
    """Canonical codes of each level, in position order."""
    parents: tuple[Positions, ...]
    """Position of each region's parent in the level above; zeros for the root level."""

    @classmethod
    def of(cls, frames: Mapping[str, pd.DataFrame]) -> Nesting:
        """The nesting of frames with `code` and `parent`, a level each, root first.

        Raises
        ------
        AtlasError : when a region's parent is not in the level above.
        """
        codes: list[NDArray[np.object_]] = []
        parents: list[Positions] = []
        for depth, (level, frame) in enumerate(frames.items()):
            own = frame["code"].to_numpy(dtype=object)
            if depth == 0:
                above = np.zeros(len(own), np.int32)
            else:
                above = pd.Index(codes[-1]).get_indexer(frame["parent"]).astype(np.int32)
                lost = np.flatnonzero(above < 0)
                if len(lost):
                    raise AtlasError(
                        say("build.orphan", level=level),
                        value=own[lost[0]],
                        cure=say("build.orphan_cure", count=len(lost)),
                    )
            codes.append(own)
            parents.append(above)
        return cls(tuple(frames), tuple(codes), tuple(parents))

    def depth(self, level: str) -> int:
        """Number of the level, the root's being 0."""
        return self.levels.index(level)

    def above(self, level: str, upper: str) -> Positions:
        """Position of each region's ancestor at `upper`; its own when the levels are the same."""
        low, high = self.depth(level), self.depth(upper)
        found = np.arange(len(self.codes[low]), dtype=np.int32)
        for depth in range(low, high, -1):
            found = self.parents[depth][found]
        return found

    def below(self, level: str, position: int, lower: str) -> Positions:
        """Positions at `lower` of all that lies in one region, ascending."""
        return np.flatnonzero(self.above(lower, level) == position).astype(np.int32)


@dataclass(frozen=True)
class Gather:
    """Adds up the columns of children into their parents' columns.

    Children are brought into the order of their parents once, so that each sum is one pass over
    neighbouring memory: many times faster than a histogram a period.
    """

    order: NDArray[np.intp] | None
    """None: the children already are in that order."""
    starts: NDArray[np.intp]
    owners: Positions
    count: int

    @classmethod
    def into(cls, parents: Positions, count: int) -> Gather:
        """For children whose parents' positions are `parents`, of `count` parents."""
        sorted_already = bool(np.all(parents[1:] >= parents[:-1]))
        order = None if sorted_already else np.argsort(parents, kind="stable")
        row = parents if order is None else parents[order]
        starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, int)
        return cls(order, starts, row[starts], count)

    def add(self, values: NDArray[Number]) -> NDArray[Number]:
        """[P, children] -> [P, parents], of the same type; parents without children get 0."""
        row = values if self.order is None else values[:, self.order]
        total = np.zeros((values.shape[0], self.count), values.dtype)
        if len(self.starts) and len(row):
            total[:, self.owners] = np.add.reduceat(row, self.starts, axis=1)
        return total
