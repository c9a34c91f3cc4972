"""Many small linear programs at once: as blocks of one, which share nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WHOLE = 1e-6
"""A solver's whole number may be off by this."""
_NODES = 500
"""Of a search for whole numbers."""
_LARGEST = 200_000
"""Non-zeros in one program; more are solved one after the other."""


@dataclass(frozen=True)
class System:
    """What is known of some variables: equal x = right, less x <= limit, low <= x <= high."""

    equal: csr_array
    right: Floats
    less: csr_array
    limit: Floats
    low: Floats
    high: Floats
    whole: Bools
    """Variables that are whole numbers."""


@dataclass(frozen=True)
class Best:
    """The largest value of an objective, and what proves it."""

    value: float
    """Infinite when nothing bounds it, or the program could not be solved."""
    equal: Floats
    """What a unit more on the right side of each equation is worth."""
    less: Floats
    """The same of each inequality; not negative."""


def largest(tasks: Sequence[tuple[System, Floats]]) -> list[Best]:
    """The maximum of each objective under its system."""
    found: list[Best] = []
    batch: list[tuple[System, Floats]] = []
    weight = 0
    for task in tasks:
        batch.append(task)
        weight += task[0].equal.nnz + task[0].less.nnz + len(task[1])
        if weight > _LARGEST:
            found += _solve(batch)
            batch, weight = [], 0
    return found + _solve(batch)


def _solve(batch: Sequence[tuple[System, Floats]]) -> list[Best]:
    if not batch:
        return []
    systems = [system for system, _ in batch]
    cost = np.concatenate([objective for _, objective in batch])
    low = np.concatenate([one.low for one in systems])
    high = np.concatenate([one.high for one in systems])
    equal, less = _beside([one.equal for one in systems]), _beside([one.less for one in systems])
    right = np.concatenate([one.right for one in systems])
    limit = np.concatenate([one.limit for one in systems])
    answer = linprog(
        -cost,
        A_eq=equal if equal.shape[0] else None,
        b_eq=right if len(right) else None,
        A_ub=less if less.shape[0] else None,
        b_ub=limit if len(limit) else None,
        bounds=np.column_stack([low, high]),
        method="highs",
    )
    if answer.x is None or answer.status != 0:
        if len(batch) > 1:
            return [best for task in batch for best in _solve([task])]
        nothing = np.zeros(equal.shape[0]), np.zeros(less.shape[0])
        # Unbounded; or no point agrees to the solver's last digit, and then nothing is proved.
        return [Best(np.inf if answer.status == 3 else -np.inf, *nothing)]
    at = np.cumsum([0, *(len(objective) for _, objective in batch)])
    rows = np.cumsum([0, *(len(one.right) for one in systems)])
    more = np.cumsum([0, *(len(one.limit) for one in systems)])
    price = -np.asarray(answer.eqlin.marginals) if len(right) else np.zeros(0)
    slack = -np.asarray(answer.ineqlin.marginals) if len(limit) else np.zeros(0)
    gain = cost * answer.x
    whole = np.concatenate([one.whole for one in systems])
    # In a tree of sums the extremes are whole by themselves. Where they are not, whole numbers may
    # say more.
    broken = whole & (np.abs(answer.x - np.round(answer.x)) > _WHOLE)
    found = []
    for n, (system, objective) in enumerate(batch):
        value = float(gain[at[n] : at[n + 1]].sum())
        if broken[at[n] : at[n + 1]].any():
            value = min(value, _in_whole(system, objective))
        found.append(Best(value, price[rows[n] : rows[n + 1]], slack[more[n] : more[n + 1]]))
    return found


def _in_whole(system: System, objective: Floats) -> float:
    """The maximum where some variables are whole: what was found when the search ends early, so
    that nothing is thought safer than it is; minus infinity when nothing was.
    """
    rows = []
    if system.equal.shape[0]:
        rows.append(LinearConstraint(system.equal, system.right, system.right))
    if system.less.shape[0]:
        rows.append(LinearConstraint(system.less, -np.inf, system.limit))
    # Presolve of this HiGHS is wrong where continuous variables can only be whole.
    answer = milp(
        -objective,
        integrality=system.whole.astype(np.int8),
        bounds=Bounds(system.low, system.high),
        constraints=rows,
        options={"node_limit": _NODES, "mip_rel_gap": 0.0, "presolve": False},
    )
    return -np.inf if answer.x is None else float(objective @ answer.x)


def _beside(parts: Sequence[csr_array]) -> csr_array:
    """Block diagonal; blocks may have no rows."""
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    down = across = 0
    for part in parts:
        whole = part.tocoo()
        rows.append(whole.row.astype(np.int64) + down)
        columns.append(whole.col.astype(np.int64) + across)
        values.append(whole.data)
        down, across = down + part.shape[0], across + part.shape[1]
    return coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(down, across),
    ).tocsr()
