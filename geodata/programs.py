"""Mixed-integer programs, put together row by row and solved by HiGHS (scipy.optimize.milp)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

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
    nodes: int | None = None
    """Most nodes of the search tree. Unlike seconds, they are the same on every machine."""


@dataclass(frozen=True)
class Answer:
    """What came of a program."""

    status: str
    """`optimal` (within the gap that was asked for), `limit` (time or nodes are up; a solution may
    be there or not), `infeasible`, `failed`."""
    values: Floats | None
    objective: float
    """In the sense of the program; NaN without a solution."""
    bound: float
    """No solution can be better than this."""
    seconds: float
    nodes: int = 0
    """Nodes of the search tree that were looked at."""

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

    @property
    def size(self) -> int:
        """Entries of all rows."""
        return sum(len(columns) for columns in self._columns)

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

    def demands(self) -> tuple[csr_array, Floats, Floats]:
        """All rows as a matrix, and what each must be at least and at most."""
        matrix = csr_array(
            (
                np.concatenate(self._values),
                (np.concatenate(self._rows), np.concatenate(self._columns)),
            ),
            shape=(len(self._low), self.count),
        )
        return matrix, np.array(self._low), np.array(self._high)

    def solve(self, effort: Effort) -> Answer:
        """Maximise."""
        start = time.perf_counter()
        if self.count == 0:
            fine = all(low <= 0 <= high for low, high in zip(self._low, self._high, strict=True))
            status = OPTIMAL if fine else INFEASIBLE
            value = 0.0 if fine else np.nan
            return Answer(status, np.zeros(0) if fine else None, value, value, 0.0)
        options: dict[str, Any] = {
            "mip_rel_gap": effort.gap,
            "time_limit": effort.seconds,
            "presolve": effort.presolve,
        }
        if effort.nodes is not None:
            options["node_limit"] = effort.nodes
        constraints = []
        if self._low:
            constraints.append(LinearConstraint(*self.demands()))
        found = milp(
            -self.cost,
            integrality=self.whole.astype(np.int8),
            bounds=Bounds(0.0, self.upper),
            constraints=constraints,
            options=options,
        )
        seconds = time.perf_counter() - start
        nodes = int(getattr(found, "mip_node_count", None) or 0)
        status = _STATUS.get(found.status, FAILED)
        if status == FAILED and effort.nodes is not None and nodes >= effort.nodes:
            # HiGHS calls it a limit of solutions, which scipy does not know.
            status = LIMIT
        if found.x is None:
            bound = getattr(found, "mip_dual_bound", None)
            top = np.inf if bound is None or status != LIMIT else -float(bound)
            return Answer(status, None, np.nan, top, seconds, nodes)
        values = np.where(self.whole, np.round(found.x), found.x)
        objective = float(self.cost @ values)
        bound = found.mip_dual_bound
        top = objective if bound is None else max(objective, -float(bound))
        return Answer(status, values, objective, top, seconds, nodes)


def gap(objective: float, bound: float) -> float:
    """Relative distance of what was found and what nothing can surpass."""
    if not np.isfinite(objective) or not np.isfinite(bound):
        return np.inf
    return abs(bound - objective) / max(abs(objective), _LEAST) if bound != objective else 0.0
