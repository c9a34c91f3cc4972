"""Sharing villages out to members with the least travel: bundles as columns of an integer program.

A bundle is what one member gets. All short ones are listed; a linear program over few of them is
given more as long as one is worth its place (column generation), which yields a bound that no
sharing can beat; an integer program over the best ones then finds a sharing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from geodata.programs import INFEASIBLE, LIMIT, OPTIMAL, Effort, Program

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_BUNDLES = 300_000
"""Bundles of one size that are listed; the shortest, when there are more."""
TRIES = (1_200, 6_000)
"""Columns of the integer program, when not all fit: few give a good sharing soon, more a proof."""
ALL_COLUMNS = 12_000
"""So many bundles go into the integer program at once, without a linear one before."""

_CHUNK = 2_000_000
_TURNS = 80
_FIRST = 12
_ADDED = 1_500
_CLOSE = 5e-4


@dataclass(frozen=True)
class Group:
    """Members who are alike: any of them can have what another can."""

    count: int
    size: int
    """Villages that each gets."""
    fewer: bool
    """Whether a member may get fewer."""
    none: bool
    """Whether a member may get none at all."""
    extra: Floats
    """[N]: km that a village adds, to those that each member has already."""
    allowed: Bools
    """[N]: what they may have."""
    must: tuple[int, ...]
    """What each of them must have."""
    least: float
    """Need that a bundle must bring together, at least."""
    room: Whole | None
    """[D]: most villages in each district; None: no limit."""


@dataclass(frozen=True)
class Bundles:
    """Sets of villages of one size."""

    rows: Whole
    """[K, size], ascending positions."""
    km: Floats
    """[K]: sum of the distances of all pairs; of three villages, the way round."""
    beyond: float
    """Every bundle that is allowed and not listed is at least so long; inf: all are listed."""


@dataclass(frozen=True)
class Sharing:
    """Who gets which bundle."""

    status: str
    """`optimal` (within the gap), `limit`, `infeasible` (proved)."""
    bundles: tuple[tuple[int, tuple[int, ...]], ...]
    """Group and villages; empty without a solution."""
    km: float
    bound: float
    seconds: float


def bundles(km: Floats, size: int, *, longest: float = np.inf, most: int = MOST_BUNDLES) -> Bundles:
    """All sets of `size` villages, no two of them further apart than `longest`.

    Parameters
    ----------
    km : [N, N], symmetric.
    most : so many at most, the shortest.
    """
    count = len(km)
    rows, cost = np.arange(count)[:, None], np.zeros(count)
    beyond = np.inf
    near = km <= longest
    for _ in range(size - 1):
        grown, costs = [], []
        step = max(1, _CHUNK // max(1, count))
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            added = km[part].sum(axis=1) + cost[begin : begin + step, None]
            fine = near[part].all(axis=1) & (np.arange(count) > part[:, -1:])
            which, village = np.nonzero(fine)
            grown.append(np.column_stack([part[which], village]))
            costs.append(added[which, village])
        rows, cost = np.vstack(grown), np.concatenate(costs)
        if len(rows) > most:
            # What is built on a longer one is longer still: the bound holds for the last size.
            keep = np.sort(np.argpartition(cost, most)[: most + 1])
            cut = float(cost[keep].max())
            keep = keep[cost[keep] < cut]
            beyond = min(beyond, cut)
            rows, cost = rows[keep], cost[keep]
    return Bundles(rows.astype(np.int64), cost, beyond)


def share(
    km: Floats,
    need: Floats,
    district: Whole,
    times: Whole,
    groups: Sequence[Group],
    start: Sequence[tuple[int, tuple[int, ...]]],
    effort: Effort,
    *,
    longest: float = np.inf,
) -> Sharing:
    """Share villages out so that everybody's travel together is least.

    Parameters
    ----------
    km : [N, N] distances; `need`, `district` : [N].
    times : [N], to how many members each village goes.
    start : a sharing that is known (group, villages), or nothing.
    longest : no two villages of a bundle may be further apart.
    """
    begun = time.perf_counter()
    master = _Master(km, need, district, times, groups, longest)
    if master.everything() <= ALL_COLUMNS:
        master.add_everything()
        found = master.whole(0.0, np.inf if master.complete else 0.0, effort)
        return replace(found, seconds=time.perf_counter() - begun)

    for group, villages in start:
        master.add(group, _row(villages))
    until = begun + effort.seconds
    bound, prices, possible = master.generate(begun + effort.seconds * 0.5)
    if not possible:
        return Sharing(INFEASIBLE, (), np.inf, np.inf, time.perf_counter() - begun)
    best = Sharing(LIMIT, (), np.inf, bound, 0.0)
    if len(start) == sum(group.count for group in groups):
        cost = sum(float(master.cost_of(group, _row(villages))[0]) for group, villages in start)
        best = Sharing(LIMIT, tuple(start), cost, bound, 0.0)
        best = exchanged(best, km, need, district, groups, longest)
    for number, most in enumerate(TRIES):
        left = until - time.perf_counter()
        threshold = master.take_best(*prices, most, best.km - bound)
        for group, villages in best.bundles:
            master.add(group, _row(villages))
        part = left if most == TRIES[-1] else left / 3
        found = master.whole(bound, threshold, Effort(effort.gap / 2, max(0.3, part)))
        found = exchanged(found, km, need, district, groups, longest)
        bound_now = max(best.bound, found.bound)
        best = replace(found if found.km < best.km else best, bound=bound_now)
        if best.km - best.bound <= effort.gap * best.km or (number and left < 0.3):
            break
    fine = bool(best.bundles) and best.km - best.bound <= max(effort.gap * best.km, 1e-6)
    return replace(
        best,
        status=OPTIMAL if fine else LIMIT,
        bound=min(best.bound, best.km),
        seconds=time.perf_counter() - begun,
    )


def exchanged(
    sharing: Sharing,
    km: Floats,
    need: Floats,
    district: Whole,
    groups: Sequence[Group],
    longest: float,
) -> Sharing:
    """A sharing after exchanges of two villages between two members, as long as that shortens it.

    The integer program needs time to find what is good; this is quick, and proves nothing.
    """
    if not sharing.bundles:
        return sharing
    owners = [group for group, _ in sharing.bundles]
    lots = [list(villages) for _, villages in sharing.bundles]
    lot = np.array([m for m, villages in enumerate(lots) for _ in villages], np.int64)
    held = np.array([v for villages in lots for v in villages], np.int64)
    extra = np.array([groups[g].extra for g in owners])
    allowed = np.array([groups[g].allowed for g in owners])
    least = np.array([groups[g].least for g in owners])
    locked = np.array([v in groups[owners[m]].must for m, v in zip(lot, held, strict=True)])
    limited = any(group.room is not None for group in groups)
    far = km > longest
    for _ in range(20 * len(held)):
        member = np.zeros((len(lots), len(km)))
        member[lot, held] = 1.0
        reach = member @ km + extra  # [M, N]: km of a village to all of a member's
        need_now = member @ need
        # [E, E]: the entry in the row gives its village for the one in the column.
        mine, theirs = reach[lot][:, held], reach[lot, held]
        change = mine - theirs[:, None] - km[np.ix_(held, held)]
        change = change + change.T
        gain = need[held][None, :] - need[held][:, None]
        fine = need_now[lot][:, None] + gain >= least[lot][:, None] - 1e-9
        fine &= allowed[lot][:, held] & (member[lot][:, held] == 0) & ~locked[:, None]
        if longest < np.inf:
            bad = member @ far
            fine &= bad[lot][:, held] - far[np.ix_(held, held)] <= 0
        if limited:
            count = np.zeros((len(lots), int(district.max()) + 1), np.int64)
            np.add.at(count, (lot, district[held]), 1)
            room = np.array([groups[g].room for g in owners])[:, : count.shape[1]]
            same = district[held][:, None] == district[held][None, :]
            fine &= same | (count < room)[lot][:, district[held]]
        change[~(fine & fine.T)] = np.inf
        best = np.unravel_index(int(np.argmin(change)), change.shape)
        if not change[best] < -1e-9:
            break
        held[list(best)] = held[list(best)[::-1]]
    bundles_now = tuple(
        (owners[m], tuple(sorted(held[lot == m].tolist()))) for m in range(len(lots))
    )
    cost = sum(
        float(km[np.ix_(v, v)].sum() / 2.0 + groups[g].extra[list(v)].sum()) for g, v in bundles_now
    )
    if cost >= sharing.km - 1e-9:
        return sharing
    return replace(sharing, bundles=bundles_now, km=cost)


def _row(villages: tuple[int, ...]) -> Whole:
    return np.array([villages], np.int64).reshape(1, -1)


class _Master:
    """The program of columns: each village as often as it is to be had, each member one bundle."""

    def __init__(
        self,
        km: Floats,
        need: Floats,
        district: Whole,
        times: Whole,
        groups: Sequence[Group],
        longest: float,
    ) -> None:
        self.km, self.times, self.groups = km, times, groups
        sizes = sorted({size for group in groups for size in _sizes(group)})
        self._lists = {size: bundles(km, size, longest=longest) for size in sizes}
        self.complete = all(one.beyond == np.inf for one in self._lists.values())
        known = {size: facts(one.rows, need, district) for size, one in self._lists.items()}
        self._valid: list[dict[int, Whole]] = [
            {
                size: usable(group, self._lists[size].rows, *known[size], district)
                for size in _sizes(group)
            }
            for group in groups
        ]
        # No sharing is as long as this: the price of a village that nobody gets.
        self._penalty = 10.0 * float(km.sum()) / max(1, len(km)) + 10.0 * sum(
            float(group.extra.max(initial=0.0)) * group.size for group in groups
        )
        self._seen: set[tuple[int, tuple[int, ...]]] = set()
        self.columns: list[tuple[int, tuple[int, ...]]] = []
        self.costs: list[float] = []

    def everything(self) -> int:
        """How many columns there could be."""
        return sum(len(rows) for valid in self._valid for rows in valid.values())

    def cost_of(self, group: int, rows: Whole) -> Floats:
        """[K]: travel of a member who gets a bundle [K, size]."""
        found: Floats = self.groups[group].extra[rows].sum(axis=1)
        for one in range(rows.shape[1]):
            for other in range(one):
                found = found + self.km[rows[:, one], rows[:, other]]
        return found

    def add(self, group: int, rows: Whole) -> None:
        """Take up bundles for a group."""
        for villages, cost in zip(rows.tolist(), self.cost_of(group, rows).tolist(), strict=True):
            key = (group, tuple(villages))
            if key not in self._seen:
                self._seen.add(key)
                self.columns.append(key)
                self.costs.append(cost)

    def add_everything(self) -> None:
        """Take up all bundles."""
        for group, valid in enumerate(self._valid):
            for size, rows in valid.items():
                self.add(group, self._lists[size].rows[rows])

    def generate(self, until: float) -> tuple[float, tuple[Floats, Floats], bool]:
        """Add bundles as long as one is worth it.

        Returns
        -------
        A bound that no sharing can beat, the prices and wages that prove it, and whether there
        may be a sharing at all.
        """
        first = {size: self._first(size) for size in self._lists}
        for group, valid in enumerate(self._valid):
            for size, rows in valid.items():
                self.add(group, self._lists[size].rows[rows[first[size][rows]]])
        best, possible = 0.0, True  # nobody travels less than not at all
        kept = np.zeros(len(self.times)), np.zeros(len(self.groups))
        for _ in range(_TURNS):
            value, lacking, prices, wages = self._relaxed()
            worth = self._reduced(prices, wages)
            floor = value
            found = []
            for group, (least, lists) in enumerate(worth):
                floor += self.groups[group].count * min(0.0, least)
                for size, (rows, reduced) in lists.items():
                    good = np.flatnonzero(reduced < -1e-7)
                    if len(good) > _ADDED:
                        good = good[np.argpartition(reduced[good], _ADDED)[:_ADDED]]
                    if len(good):
                        found.append((group, size, rows[good], reduced[good]))
            if floor > best:
                best, kept = floor, (prices, wages)
            if not found and self.complete:
                possible = lacking < 1e-6
            near = value - best <= _CLOSE * abs(value) and lacking < 1e-6
            if not found or near or time.perf_counter() > until:
                break
            for group, size, rows, reduced in found:
                share = max(20, _ADDED // len(found))
                order = np.argsort(reduced, kind="stable")[:share]
                self.add(group, self._lists[size].rows[rows[order]])
        return best, kept, possible

    def _first(self, size: int) -> Bools:
        """Which bundles to begin with: of each village the shortest that hold it."""
        some = np.zeros(len(self._lists[size].km), np.bool_)
        for valid in self._valid:
            some[valid.get(size, [])] = True
        usable = np.flatnonzero(some)
        order = usable[np.argsort(self._lists[size].km[usable], kind="stable")]
        held = self._lists[size].rows[order].ravel()
        by_village = np.argsort(held, kind="stable")
        start = np.searchsorted(held[by_village], np.arange(len(self.times)))
        rank = np.empty(len(held), np.int64)
        rank[by_village] = np.arange(len(held)) - start[held[by_village]]
        early = (rank.reshape(-1, size) < _FIRST).any(axis=1)
        some[:] = False
        some[order[early]] = True
        return some

    def _relaxed(self) -> tuple[float, float, Floats, Floats]:
        """The linear program: value, places that nothing fills, prices, wages of each group."""
        matrix, height = self._matrix(), len(self.times)
        exact = np.array([not group.none for group in self.groups])
        lack = np.arange(height + len(self.groups))
        slack = csr_array((np.ones(len(lack)), (lack, lack)))
        both = csr_array(_beside(matrix, slack))
        cost = np.concatenate([self.costs, np.full(len(lack), self._penalty)])
        right = np.concatenate([self.times, [group.count for group in self.groups]]).astype(float)
        equal = np.concatenate([np.ones(height, np.bool_), exact])
        answer = linprog(
            cost,
            A_eq=both[equal],
            b_eq=right[equal],
            A_ub=both[~equal] if (~equal).any() else None,
            b_ub=right[~equal] if (~equal).any() else None,
            method="highs",
        )
        dual = np.zeros(len(right))
        dual[equal] = answer.eqlin.marginals
        if (~equal).any():
            dual[~equal] = answer.ineqlin.marginals
        lacking = float(answer.x[len(self.columns) :].sum())
        return float(answer.fun), lacking, dual[:height], dual[height:]

    def _reduced(
        self, prices: Floats, wages: Floats
    ) -> list[tuple[float, dict[int, tuple[Whole, Floats]]]]:
        """For each group: the least reduced cost of any bundle, and those of the listed ones."""
        base = {size: pool.km - prices[pool.rows].sum(axis=1) for size, pool in self._lists.items()}
        found = []
        for number, group in enumerate(self.groups):
            least, lists = np.inf, {}
            for size, rows in self._valid[number].items():
                reduced = base[size][rows] - wages[number]
                if group.extra.any():
                    reduced = reduced + group.extra[self._lists[size].rows[rows]].sum(axis=1)
                lists[size] = (rows, reduced)
                least = min(least, float(reduced.min(initial=np.inf)))
                if self._lists[size].beyond < np.inf:
                    cheapest = np.sort((group.extra - prices)[group.allowed])[:size].sum()
                    least = min(least, self._lists[size].beyond + cheapest - wages[number])
            found.append((least, lists))
        return found

    def take_best(self, prices: Floats, wages: Floats, most: int, below: float) -> float:
        """Take up only the bundles of the least reduced cost.

        Returns
        -------
        By how much more than the bound a sharing costs that uses any other bundle.

        Parameters
        ----------
        most : so many.
        below : and none of a larger reduced cost.
        """
        threshold = below
        costs, places = [np.zeros(0)], [np.zeros((0, 3), np.int64)]
        for group, (_, lists) in enumerate(self._reduced(prices, wages)):
            for size, (rows, reduced) in lists.items():
                keep = np.flatnonzero(reduced < below)
                if len(keep) > most:
                    keep = keep[np.argpartition(reduced[keep], most)[: most + 1]]
                costs.append(reduced[keep])
                head = np.full((len(keep), 2), (group, size))
                places.append(np.column_stack([head, rows[keep]]))
                if self._lists[size].beyond < np.inf:
                    extra = self.groups[group].extra - prices
                    cheapest = np.sort(extra[self.groups[group].allowed])[:size].sum()
                    threshold = min(threshold, self._lists[size].beyond + cheapest - wages[group])
        reduced, where = np.concatenate(costs), np.concatenate(places)
        order = np.lexsort((where[:, 2], where[:, 1], where[:, 0], reduced))
        if len(order) > most:
            threshold = min(threshold, float(reduced[order[most]]))
        # What served the linear program alone would only weigh the integer one down.
        self._seen.clear()
        self.columns.clear()
        self.costs.clear()
        taken = where[np.sort(order[:most])]
        for group, size in np.unique(taken[:, :2], axis=0).tolist():
            own = taken[(taken[:, 0] == group) & (taken[:, 1] == size), 2]
            self.add(group, self._lists[size].rows[own])
        return max(0.0, threshold)

    def whole(self, bound: float, threshold: float, effort: Effort) -> Sharing:
        """The best sharing of the bundles that were taken up.

        Parameters
        ----------
        bound : what no sharing can beat.
        threshold : how much more than that a sharing of other bundles costs; inf: there are none.
        """
        program = Program(len(self.columns))
        program.cost[:] = -np.array(self.costs)
        program.upper[:] = max([*self.times.tolist(), *(group.count for group in self.groups), 1])
        for number, row in enumerate(_rows(self._matrix())):
            if number < len(self.times):
                low = high = float(self.times[number])
            else:
                group = self.groups[number - len(self.times)]
                low, high = 0.0 if group.none else float(group.count), float(group.count)
            program.row(row, 1.0, low, high)
        answer = program.solve(effort)
        # A sharing with a bundle that is not here costs the threshold more than the bound.
        if answer.values is None:
            gone = answer.status == INFEASIBLE
            lower = bound + threshold if gone else bound
            status = INFEASIBLE if gone and threshold == np.inf else LIMIT
            return Sharing(status, (), np.inf, lower, answer.seconds)
        chosen: list[tuple[int, tuple[int, ...]]] = []
        for column in np.flatnonzero(answer.values > 0.5):
            chosen += [self.columns[column]] * int(answer.values[column])
        cost = -answer.objective
        lower = min(cost, max(bound, min(-answer.bound, bound + threshold)))
        near = cost - lower <= max(effort.gap * cost, 1e-6)
        return Sharing(OPTIMAL if near else LIMIT, tuple(chosen), cost, lower, answer.seconds)

    def _matrix(self) -> csr_array:
        height = len(self.times)
        sizes = np.array([len(villages) for _, villages in self.columns], np.int64)
        rows = np.concatenate(
            [
                np.array([v for _, villages in self.columns for v in villages], np.int64),
                np.array([height + group for group, _ in self.columns], np.int64),
            ]
        )
        numbers = np.arange(len(self.columns))
        columns = np.concatenate([np.repeat(numbers, sizes), numbers])
        shape = (height + len(self.groups), len(self.columns))
        return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _sizes(group: Group) -> range:
    return range(1 if group.fewer else group.size, group.size + 1)


def facts(rows: Whole, need: Floats, district: Whole) -> tuple[Floats, Whole]:
    """Of each bundle its need, and of each of its villages how many lie in the same district."""
    where = district[rows]
    inside = np.zeros(rows.shape, np.int64)
    for one in range(rows.shape[1]):
        inside += where == where[:, one : one + 1]
    return need[rows].sum(axis=1), inside


def usable(group: Group, rows: Whole, need: Floats, inside: Whole, district: Whole) -> Whole:
    """Which bundles a member of the group may have; `need` and `inside` as `facts` says."""
    fine = need >= group.least - 1e-9
    barred = ~group.allowed
    if barred.any():
        for one in range(rows.shape[1]):
            fine &= ~barred[rows[:, one]]
    for village in group.must:
        fine &= (rows == village).any(axis=1)
    if group.room is not None:
        for one in range(rows.shape[1]):
            fine &= inside[:, one] <= group.room[district[rows[:, one]]]
    return np.flatnonzero(fine)


def _beside(left: csr_array, right: csr_array) -> csr_array:
    from scipy.sparse import hstack

    return hstack([left, right], format="csr")


def _rows(matrix: csr_array) -> list[Whole]:
    """Columns of each row."""
    return [
        matrix.indices[matrix.indptr[n] : matrix.indptr[n + 1]].astype(np.int64)
        for n in range(matrix.shape[0])
    ]
