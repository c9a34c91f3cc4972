"""What protecting people and households costs: cells, and how many of them are kept back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Losses:
    """How many cells are lost; sums of parts are sums of these."""

    cells: int = 0
    """That would have been published, had nothing been small."""
    primary: int = 0
    """Kept back since they are small."""
    complementary: int = 0
    """Kept back since a small one could be computed from them."""
    threshold: int = 0
    """What is under it is small; 0 where that is not told."""

    @property
    def suppressed(self) -> int:
        """All that are kept back."""
        return self.primary + self.complementary

    @property
    def share(self) -> float:
        """Of the cells, 0 to 1; 0 when there are none."""
        return round(self.suppressed / self.cells, 6) if self.cells else 0.0

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.cells + other.cells,
            self.primary + other.primary,
            self.complementary + other.complementary,
            max(self.threshold, other.threshold),
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "threshold": self.threshold,
            "cells": self.cells,
            "suppressed": self.suppressed,
            "primary": self.primary,
            "complementary": self.complementary,
            "share": self.share,
        }


def count(
    cells: Bools, primary: Bools | None, suppressed: Bools | None, threshold: int = 0
) -> Losses:
    """Losses of some cells; masks of their shape, None for nothing."""
    small = int((cells & primary).sum()) if primary is not None else 0
    hidden = int((cells & suppressed).sum()) if suppressed is not None else 0
    return Losses(int(cells.sum()), small, hidden - small, threshold)
