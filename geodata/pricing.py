"""Bundles for all members at once, found by what villages and members are worth.

There are too many sets of villages within a travel limit to list them. A linear program over few of
them says what each village and each member is worth (its prices); a search gives it those sets that
are worth more than a member, until there are none: what it then reaches, nothing can surpass. What
it gives whole is taken, then most of the rest, and it is solved again for what is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from geodata.desk import Bools, Floats, Whole
from geodata.sharing import Group

Column = tuple[int, tuple[int, ...]]
"""Group and villages, ascending."""

_KEPT = 20_000
"""Sets of one size that a search goes on with."""
_TURNS = 60
_ADDED = 500
_EACH = 4
"""Bundles of one village that a turn adds."""
_OTHERS = 4
_LOST = 0.1
"""So much value may be lost by giving a bundle away; else another is tried."""
_CLOSE = 1e-5
_TINY = 1e-6


@dataclass(frozen=True)
class Demand:
    """What is asked for: low <= rows @ (villages, others) <= high, and the most value."""

    rows: csr_array
    low: Floats
    high: Floats
    value: Floats
    """Of each variable; villages come first."""
    upper: Floats
    """Of each variable; the least is 0."""


@dataclass(frozen=True)
class Field:
    """The villages."""

    near: Bools
    """[N, N], which of them one member may have together."""
    need: Floats
    district: Whole


@dataclass(frozen=True)
class Packed:
    """Who gets what."""

    bundles: tuple[Column, ...]
    """Sorted; of members who get any."""
    value: float
    """Of the villages in them."""
    bound: float
    """Nothing that can be shared out is worth more."""
    columns: tuple[Column, ...]
    """Bundles that were worth a look: a good start for the next time."""


def packed(
    demand: Demand,
    groups: Sequence[Group],
    field: Field,
    start: Iterable[Column],
    *,
    enough: float = -np.inf,
    until: float = np.inf,
    at_once: int = 8,
) -> Packed:
    """Bundles for the members, worth almost as much as can be, and a bound.

    Rows of the demand can be left unfulfilled, which is not told here.

    Parameters
    ----------
    start : bundles to begin with; those that a member may not have are left out.
    enough : give up when it is proved that so much cannot be reached.
    until : when to give up (time.perf_counter); the bound holds all the same.
    at_once : of the members who are left, one in so many is served at once.
    """
    columns = dict.fromkeys(
        (g, villages) for g, villages in start if _may(groups[g], field, list(villages))
    )
    root = _generated(demand, groups, field, columns, enough, until)
    every, given = tuple(columns), []
    at = _Place(demand, list(groups), columns, root)
    while root.bound > enough and any(group.count for group in at.groups):
        taken, further = _onward(at, field, at_once, until)
        if further is None or time.perf_counter() > until:
            break
        given += taken
        at = further
    value = sum(float(demand.value[list(villages)].sum()) for _, villages in given)
    return Packed(tuple(sorted(given)), value, root.bound, every)


def reach(
    demand: Demand,
    groups: Sequence[Group],
    field: Field,
    start: Iterable[Column],
    *,
    enough: float,
    until: float,
) -> tuple[float, tuple[Column, ...]]:
    """What no sharing can surpass, and the bundles that prove it; see `packed`."""
    columns = dict.fromkeys(
        (g, villages) for g, villages in start if _may(groups[g], field, list(villages))
    )
    bound = _generated(demand, groups, field, columns, enough, until).bound
    return bound, tuple(columns)


@dataclass(frozen=True)
class Worth:
    """Bundles that are worth more than was asked for."""

    bundles: list[tuple[int, ...]]
    worth: Floats
    best: float
    """No bundle is worth more, whether it is here or not, unless less than was asked for."""


def worth(prices: Floats, group: Group, field: Field, above: float) -> Worth:
    """What a member of a group can have that is worth more than `above`.

    Sets grow from the dearest village down: what can still be added is worth at most as much as
    what was added last. Where there are too many, those that can become the best are kept.
    """
    own = np.flatnonzero(group.allowed)
    # Whatever a member must have is so dear that nothing else suffices.
    dear = 10.0 * (1.0 + float(np.abs(prices[own]).max(initial=0.0))) * (group.size + 1)
    value_of = prices[own] + dear * np.isin(own, group.must)
    goal = above + dear * len(group.must)
    order = np.argsort(-value_of, kind="stable")
    own, value_of = own[order], value_of[order]
    count, where, need = len(own), field.district[own], field.need[own]
    later = field.near[np.ix_(own, own)] & (np.arange(count)[None, :] > np.arange(count)[:, None])
    rows, value, can_add = np.zeros((1, 0), np.int64), np.zeros(1), np.ones((1, count), np.bool_)
    best, bundles, amounts = -np.inf, [], [np.zeros(0)]
    for left in range(group.size - 1, -1, -1):
        # `left`: how many can come after the one that is added now.
        steps = np.where(value_of > 0, left + 1, 1) if group.fewer else left + 1
        which, added = np.nonzero(can_add & (value[:, None] + steps * value_of > goal))
        if group.room is not None:
            same = (where[rows[which]] == where[added][:, None]).sum(axis=1)
            fine = same < group.room[where[added]]
            which, added = which[fine], added[fine]
        grown = value[which] + value_of[added]
        if len(grown) > _KEPT:
            more = value_of[added] * left
            can_be = grown + (np.maximum(more, 0.0) if group.fewer else more)
            keep = np.argsort(-can_be, kind="stable")
            best = max(best, float(can_be[keep[_KEPT]]))
            keep = keep[:_KEPT]
            which, added, grown = which[keep], added[keep], grown[keep]
        rows, value = np.column_stack([rows[which], added]), grown
        if left == 0 or group.fewer:
            good = (value > goal) & (need[rows].sum(axis=1) >= group.least - 1e-9)
            bundles += [tuple(row) for row in np.sort(own[rows[good]], axis=1).tolist()]
            amounts.append(value[good])
        can_add = can_add[which] & later[added]
    found = np.concatenate(amounts)
    best = max(best, float(found.max(initial=-np.inf)))
    return Worth(bundles, found - goal + above, best - goal + above)


@dataclass(frozen=True)
class _Relaxed:
    """What a linear program over some bundles says."""

    columns: list[Column]
    amounts: Floats
    """How much of each bundle."""
    value: float
    bound: float
    prices: Floats
    """What each village is worth."""
    wages: Floats
    """What a member of each group is worth."""


def _generated(
    demand: Demand,
    groups: Sequence[Group],
    field: Field,
    columns: dict[Column, None],
    enough: float,
    until: float,
) -> _Relaxed:
    """Bundles are added as long as one is worth more than a member."""
    count = len(field.need)
    free = demand.upper[:count] >= 1
    open_to = [replace(group, allowed=group.allowed & free) for group in groups]
    best = float(np.maximum(demand.value, 0.0) @ np.minimum(demand.upper, 1e9))
    for _ in range(_TURNS):
        now = _relaxed(demand, groups, list(columns))
        bound, new = now.value, 0
        for g, group in enumerate(open_to):
            if group.count:
                found = worth(now.prices, group, field, now.wages[g] + 1e-7)
                bound += group.count * max(0.0, found.best - now.wages[g])
                new += _add(columns, g, found, max(50, _ADDED // len(groups)), count)
        best = min(best, bound)
        near = best - now.value <= _CLOSE * max(1.0, abs(now.value))
        if not new or near or best <= enough or time.perf_counter() > until:
            break
    return replace(now, bound=best)


def _add(columns: dict[Column, None], group: int, found: Worth, most: int, count: int) -> int:
    """Take up the best, but of every village only a few; how many are new."""
    before, seen = len(columns), [0] * count
    for n in np.argsort(-np.round(found.worth, 9), kind="stable").tolist():
        villages = found.bundles[n]
        if min(seen[v] for v in villages) < _EACH:
            for v in villages:
                seen[v] += 1
            columns[(group, villages)] = None
            if len(columns) - before >= most:
                break
    return len(columns) - before


@dataclass(frozen=True)
class _Place:
    """How far it has come."""

    demand: Demand
    """What is still asked for."""
    groups: list[Group]
    """Members who have nothing yet."""
    columns: dict[Column, None]
    found: _Relaxed


def _onward(
    at: _Place, field: Field, at_once: int, until: float
) -> tuple[list[Column], _Place | None]:
    """Give bundles away so that little is lost: some at once, one, or another one."""
    best: tuple[float, list[Column], _Place | None] = (np.inf, [], None)
    some = max(1, sum(group.count for group in at.groups) // at_once)
    for most, skip in dict.fromkeys([(some, 0), *((1, n) for n in range(_OTHERS))]):
        taken = _rounded(at, most, skip)
        if not taken:
            continue
        demand, groups = _without(at.demand, at.groups, taken)
        columns = dict.fromkeys(one for one in at.columns if _is_left(one, demand, groups))
        found = _generated(demand, groups, field, columns, -np.inf, until)
        won = sum(float(demand.value[list(villages)].sum()) for _, villages in taken)
        lost = at.found.value - won - found.value
        if lost < best[0]:
            best = (lost, taken, _Place(demand, groups, columns, found))
        if lost <= _LOST or time.perf_counter() > until:
            break
    return best[1], best[2]


def _rounded(at: _Place, most: int, skip: int) -> list[Column]:
    """What is given away: all whole bundles, and of the others those that are nearly.

    Parameters
    ----------
    most : so many of the others.
    skip : and not the first few of them.
    """
    found, count = at.found, len(at.found.prices)
    upper, counts = at.demand.upper[:count].copy(), [group.count for group in at.groups]
    # Rows of villages alone: nothing makes good what is too much for them.
    alone = np.diff(at.demand.rows[:, count:].tocsr().indptr) == 0
    rows, room = at.demand.rows[alone][:, :count].toarray(), at.demand.high[alone].copy()
    taken: list[Column] = []
    for n in np.lexsort((np.arange(len(found.amounts)), -np.round(found.amounts, 6))).tolist():
        amount, (g, villages) = float(found.amounts[n]), found.columns[n]
        whole = amount >= 1 - _TINY
        if amount < _TINY or (not whole and (not most or (taken and amount < 0.2))):
            break
        if not whole and skip:
            skip -= 1
            continue
        own = list(villages)
        for _ in range(int(amount + _TINY) if whole else 1):
            used = rows[:, own].sum(axis=1)
            if counts[g] and (upper[own] >= 1).all() and (used <= room + _TINY).all():
                upper[own] -= 1
                room -= used
                counts[g] -= 1
                taken.append((g, villages))
                most -= not whole
    return taken


def _without(
    demand: Demand, groups: Sequence[Group], taken: list[Column]
) -> tuple[Demand, list[Group]]:
    """What is left to be done when some bundles are given away."""
    gone, counts = np.zeros(len(demand.upper)), [group.count for group in groups]
    for g, villages in taken:
        gone[list(villages)] += 1
        counts[g] -= 1
    used = demand.rows @ gone
    left = replace(
        demand, low=demand.low - used, high=demand.high - used, upper=demand.upper - gone
    )
    return left, [replace(group, count=n) for group, n in zip(groups, counts, strict=True)]


def _is_left(column: Column, demand: Demand, groups: Sequence[Group]) -> bool:
    group, villages = column
    return groups[group].count > 0 and bool((demand.upper[list(villages)] >= 1).all())


def _may(group: Group, field: Field, own: list[int]) -> bool:
    """Whether a member of a group may have some villages."""
    if len(own) > group.size or (len(own) < group.size and not group.fewer):
        return False
    if group.room is not None:
        where, count = np.unique(field.district[own], return_counts=True)
        if (count > group.room[where]).any():
            return False
    return bool(
        group.allowed[own].all()
        and set(group.must) <= set(own)
        and field.need[own].sum() >= group.least - 1e-9
        and (field.near[np.ix_(own, own)] | np.eye(len(own), dtype=np.bool_)).all()
    )


def _relaxed(demand: Demand, groups: Sequence[Group], columns: list[Column]) -> _Relaxed:
    """The linear program over some bundles."""
    count = len(groups[0].allowed)
    numbers = np.repeat(np.arange(len(columns)), [len(villages) for _, villages in columns])
    held = np.array([v for _, villages in columns for v in villages], np.int64)
    has = csr_array((np.ones(len(held)), (held, numbers)), shape=(count, len(columns)))
    of = csr_array(
        (
            np.ones(len(columns)),
            (np.array([g for g, _ in columns], np.int64), np.arange(len(columns))),
        ),
        shape=(len(groups), len(columns)),
    )
    used = np.unique(held)
    others = demand.rows[:, count:]
    nothing = csr_array((len(used) + len(groups), others.shape[1]))
    rows = hstack(
        [vstack([demand.rows[:, :count] @ has, has[used], of]), vstack([others, nothing])],
        format="csr",
    )
    counts = np.array([float(group.count) for group in groups])
    least = np.where([group.none for group in groups], -np.inf, counts)
    value, duals, amounts = _maximised(
        rows,
        np.concatenate([demand.low, np.full(len(used), -np.inf), least]),
        np.concatenate([demand.high, demand.upper[used], counts]),
        np.concatenate([demand.value[:count] @ has, demand.value[count:]]),
        np.concatenate([np.full(len(columns), np.inf), demand.upper[count:]]),
    )
    first, last = len(demand.low), len(demand.low) + len(used)
    prices = demand.value[:count] - demand.rows[:, :count].T @ duals[:first]
    prices[used] -= duals[first:last]
    return _Relaxed(columns, amounts[: len(columns)], value, np.inf, prices, duals[last:])


def _maximised(
    rows: csr_array, low: Floats, high: Floats, value: Floats, upper: Floats
) -> tuple[float, Floats, Floats]:
    """Value, worth of each row, variables. What a row lacks can be bought, at a high price."""
    dear = 10.0 * float(np.abs(value).max(initial=1.0))
    lacks, lows, tops = low > _TINY, np.isfinite(low), np.isfinite(high)
    bought = eye_array(rows.shape[0], format="csr")[:, np.flatnonzero(lacks)]
    wide = csr_array(hstack([rows, bought], format="csr"))
    extra = int(lacks.sum())
    if not wide.shape[1]:
        return 0.0, np.zeros(rows.shape[0]), np.zeros(0)
    answer = linprog(
        -np.concatenate([value, np.full(extra, -dear)]),
        A_ub=vstack([wide[np.flatnonzero(tops)], -wide[np.flatnonzero(lows)]], format="csr"),
        b_ub=np.concatenate([high[tops], -low[lows]]),
        bounds=np.column_stack(
            [np.zeros(len(value) + extra), np.concatenate([upper, np.full(extra, np.inf)])]
        ),
        method="highs",
    )
    duals = np.zeros(rows.shape[0])
    duals[tops] = -answer.ineqlin.marginals[: int(tops.sum())]
    duals[lows] += answer.ineqlin.marginals[int(tops.sum()) :]
    return -float(answer.fun), duals, answer.x[: len(value)]
