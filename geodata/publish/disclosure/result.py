"""What suppression and its audit answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.publish.losses import Losses, count

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Key = tuple[str, str, str]
"""Measure, round, level."""

OPTIMAL, WITHIN, FALLBACK = "optimal", "within", "fallback"


@dataclass(frozen=True)
class Solved:
    """How one component (cells that have nothing to do with all others) came out."""

    cells: int
    hidden: int
    loss: float
    """Leaves whose numbers are hidden, added up over the hidden cells."""
    bound: float
    """No safe pattern loses less than this."""
    status: str
    """`optimal`; `within` the gap, when that is enough or the work was done; `fallback`, when
    no program came to an end and the pattern was patched instead."""
    seconds: float

    @property
    def gap(self) -> float:
        """How much of the loss might have been spared, at most: 0 to 1."""
        if self.loss <= self.bound or self.loss <= 0:
            return 0.0
        return (self.loss - max(self.bound, 0.0)) / self.loss


@dataclass(frozen=True)
class Pattern:
    """Which cells are hidden."""

    cells: Mapping[Key, Bools]
    """[P, R]: what would have been published."""
    primary: Mapping[Key, Bools]
    """[P, R]: hidden because the base is small."""
    suppressed: Mapping[Key, Bools]
    """[P, R]: all that is hidden."""
    components: tuple[Solved, ...] = ()
    """Those in which something is small."""
    told: int = 0
    """Numbers that are kept back though readers of earlier publications can tell them."""

    def losses(
        self, measure: str | None = None, round: str | None = None, level: str | None = None
    ) -> Losses:
        """Cells lost of a measure, round or level, or all of them."""
        total = Losses()
        for key, cells in self.cells.items():
            wanted = zip((measure, round, level), key, strict=True)
            if any(name is not None and name != own for name, own in wanted):
                continue
            total += count(cells, self.primary[key], self.suppressed[key])
        return total

    @property
    def gap(self) -> float:
        """How much of the whole loss might have been spared, at most: 0 to 1."""
        loss = sum(one.loss for one in self.components)
        spare = sum(one.loss * one.gap for one in self.components)
        return spare / loss if loss else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The counts, for reports."""
        total = self.losses()
        return {
            "cells": total.cells,
            "primary": total.primary,
            "complementary": total.complementary,
            "suppressed": total.suppressed,
            "share": total.share,
            "gap": self.gap,
            "components": len(self.components),
            "fallbacks": sum(one.status == FALLBACK for one in self.components),
        }


@dataclass(frozen=True)
class Exposed:
    """A hidden number that an attacker can say too much about."""

    measure: str
    round: str
    level: str
    region: int
    """Position in its level."""
    period: str
    part: str
    """`base` or `product`."""
    low: float
    high: float
    protection: float

    @property
    def place(self) -> tuple[str, str, str, int, str, str]:
        """Which number it is."""
        return self.measure, self.round, self.level, self.region, self.period, self.part


@dataclass(frozen=True)
class Intervals:
    """What an attacker can say of every hidden number."""

    low: Mapping[tuple[str, str, str, str], Floats]
    """(measure, round, level, part) -> [P, R]; NaN where nothing is hidden."""
    high: Mapping[tuple[str, str, str, str], Floats]
    """Infinite where nothing bounds it."""
    hidden: int
    """Numbers that were attacked."""
    exposed: tuple[Exposed, ...]
    """Those whose interval is not wider than the protection."""
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every hidden number is protected."""
        return not self.exposed
