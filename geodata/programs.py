"""Mixed-integer programs, put together row by row and solved by HiGHS (scipy.optimize.milp)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

Floats = NDArray[np.float64]

OPTIMAL, LIMIT, INFEASIBLE, FAILED = "optimal", "limit", "infeasible", "failed"
_STATUS = {0: OPTIMAL, 1: LIMIT, 2: INFEASIBLE}
_LEAST = 1e-9


@dataclass(frozen=True)
class Effort:
    """How exact a program must be solved, and how long that may take."""

    gap: float
    """Relative: (bound - objective) / objective; 0 is exact."""
    seconds: float
    presolve: bool = True
    """Whether HiGHS may simplify the program first. The version in scipy 1.17 does that wrongly
    with continuous variables that can only be whole (tests of proposals found it); small programs
    that must be exact do without."""


@dataclass(frozen=True)
class Answer:
    """What came of a program."""

    status: str
    """`optimal` (within the gap that was asked for), `limit` (time is up; a solution may be there
    or not), `infeasible`, `failed`."""
    values: Floats | None
    objective: float
    """In the sense of the program; NaN without a solution."""
    bound: float
    """No solution can be better than this."""
    seconds: float

    @property
    def gap(self) -> float:
        """Relative distance of objective and bound; 0 when they meet."""
        return gap(self.objective, self.bound)


@dataclass
class Program:
    """A program with `count` variables, to be maximised."""

    count: int
    upper: Floats = field(init=False)
    """Largest value of each variable; the least is 0."""
    cost: Floats = field(init=False)
    whole: NDArray[np.bool_] = field(init=False)
    """Which variables must be whole numbers."""

    def __post_init__(self) -> None:
        self.upper = np.ones(self.count)
        self.cost = np.zeros(self.count)
        self.whole = np.ones(self.count, np.bool_)
        self._low: list[float] = []
        self._high: list[float] = []
        self._rows: list[NDArray[np.int64]] = []
        self._columns: list[NDArray[np.int64]] = []
        self._values: list[Floats] = []

    def row(
        self,
        columns: ArrayLike,
        values: ArrayLike = 1.0,
        low: float = -np.inf,
        high: float = np.inf,
    ) -> None:
        """Demand low <= sum of values x columns <= high."""
        where = np.asarray(columns, np.int64).ravel()
        self._rows.append(np.full(len(where), len(self._low), np.int64))
        self._columns.append(where)
        self._values.append(np.broadcast_to(np.asarray(values, np.float64), where.shape))
        self._low.append(low)
        self._high.append(high)

    def rows(self, each: Iterable[ArrayLike], low: float = -np.inf, high: float = np.inf) -> None:
        """The same bounds for the sum of each of several sets of variables."""
        for columns in each:
            self.row(columns, 1.0, low, high)

    def solve(self, effort: Effort) -> Answer:
        """Maximise."""
        start = time.perf_counter()
        if self.count == 0:
            fine = all(low <= 0 <= high for low, high in zip(self._low, self._high, strict=True))
            status = OPTIMAL if fine else INFEASIBLE
            value = 0.0 if fine else np.nan
            return Answer(status, np.zeros(0) if fine else None, value, value, 0.0)
        constraints = []
        if self._low:
            matrix = csr_array(
                (
                    np.concatenate(self._values),
                    (np.concatenate(self._rows), np.concatenate(self._columns)),
                ),
                shape=(len(self._low), self.count),
            )
            constraints.append(LinearConstraint(matrix, self._low, self._high))
        found = milp(
            -self.cost,
            integrality=self.whole.astype(np.int8),
            bounds=Bounds(0.0, self.upper),
            constraints=constraints,
            options={
                "mip_rel_gap": effort.gap,
                "time_limit": effort.seconds,
                "presolve": effort.presolve,
            },
        )
        seconds = time.perf_counter() - start
        status = _STATUS.get(found.status, FAILED)
        if found.x is None:
            bound = getattr(found, "mip_dual_bound", None)
            top = np.inf if bound is None or status != LIMIT else -float(bound)
            return Answer(status, None, np.nan, top, seconds)
        values = np.where(self.whole, np.round(found.x), found.x)
        objective = float(self.cost @ values)
        bound = found.mip_dual_bound
        top = objective if bound is None else max(objective, -float(bound))
        return Answer(status, values, objective, top, seconds)


def gap(objective: float, bound: float) -> float:
    """Relative distance of what was found and what nothing can surpass."""
    if not np.isfinite(objective) or not np.isfinite(bound):
        return np.inf
    return abs(bound - objective) / max(abs(objective), _LEAST) if bound != objective else 0.0
