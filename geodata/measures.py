"""From reported facts to measures: derivations, conditions, bases and the roll-up of the tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata import periods as calendar
from geodata.nesting import Gather, Nesting
from geodata.periods import ALWAYS
from geodata.vocabulary import Base, Rule, Status
from geodata.workspace import Condition, Derive, Measure, Round, Workspace

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int32]


@dataclass(frozen=True)
class Values:
    """One measure of one round at one level: arrays [P, R], periods by region positions."""

    measure: str
    round: str
    level: str
    periods: tuple[str, ...]
    value: Floats
    """In the measure's unit, rounded to its digits (halves to even); NaN where there is none."""
    numerator: Floats
    """NaN, as the denominator, where publication keeps it back."""
    denominator: Floats
    reported: Counts
    """Leaves of the base that have a value."""
    expected: Counts
    """Leaves of the base."""
    verified: Counts
    """Leaves of the base whose value is verified."""
    status: NDArray[np.uint8]
    """`vocabulary.Status`."""


@dataclass(frozen=True)
class Grid:
    """An indicator in a round, at the leaves: [P, N], NaN where nothing was reported."""

    periods: tuple[str, ...]
    value: Floats
    verified: Bools


@dataclass(frozen=True)
class Leaves:
    """What each leaf brings to a measure; zeros where it brings nothing."""

    periods: tuple[str, ...]
    numerator: Floats
    denominator: Floats
    reported: Bools
    verified: Bools
    expected: Bools
    """[N]: the base; [P, N] where it changes within the round."""


def rank_lowest(values: pd.Series, count: int) -> pd.Index:
    """The `count` lowest of `values` (倒排), lowest first.

    Parameters
    ----------
    values : a number a code (the index); codes without a number are not ranked.
    count : how many.

    Returns
    -------
    The chosen codes. Equal values rank by code, so that the order of rows never matters; numbers
    are compared to nine digits after the point, so that neither does the order of summing.
    """
    known = values.dropna()
    table = pd.DataFrame({"value": known.to_numpy(float).round(9), "code": known.index.astype(str)})
    order = table.sort_values(["value", "code"], kind="stable").index[:count]
    return known.index[order]


def mean_over(facts: pd.DataFrame, indicator: str, over: tuple[str, ...]) -> pd.Series:
    """Mean of an indicator over some periods a leaf: what `[rounds.selection]` ranks.

    Facts of any round count once a period. A leaf that lacks one of the periods is left out: a
    mean of fewer years is another number.

    Returns
    -------
    Series of means, by code, in code order.
    """
    rows = facts[(facts["indicator"] == indicator) & facts["period"].isin(list(over))]
    once = rows.drop_duplicates(["code", "period"])
    groups = once.groupby("code", sort=True, observed=True)["value"]
    means = groups.sum() / len(set(over))
    return means[groups.count() == len(set(over))]


class Reported:
    """All that was reported, ready to be asked for one indicator in one round at a time.

    Parameters
    ----------
    space : what the workspace declares.
    codes : leaf codes in position order.
    facts, links : as in `world.World`; read, never changed.
    """

    def __init__(
        self,
        space: Workspace,
        codes: NDArray[np.object_],
        facts: pd.DataFrame,
        links: pd.DataFrame,
    ) -> None:
        self.space = space
        self.count = len(codes)
        index = pd.Index(codes)
        leaf = index.get_indexer(facts["code"])
        self._leaf = leaf.astype(np.int32)
        self._value = facts["value"].to_numpy(np.float64)
        self._verified = facts["status"].to_numpy() == Status.VERIFIED
        self._round, self._rounds = _codes(facts["round"])
        self._period, self._periods = _codes(facts["period"])
        self._ends = np.array([_end(period) for period in self._periods], np.int64)
        indicator, names = _codes(facts["indicator"])
        order = np.argsort(indicator, kind="stable")
        edges = np.searchsorted(indicator[order], np.arange(len(names) + 1))
        self._rows = {
            name: order[edges[number] : edges[number + 1]] for number, name in enumerate(names)
        }
        self._links = links
        self._index = index
        # Grids of monthly indicators are large and several measures share one.
        self._grid = lru_cache(maxsize=12)(self._make_grid)
        self._targets = lru_cache(maxsize=None)(self._make_targets)

    def grid(self, indicator: str, round_id: str) -> Grid | None:
        """The indicator in the round, derived where so declared; None when it has no value."""
        return self._grid(indicator, round_id, True)

    def targets(self, round_id: str) -> Bools:
        """[N]: the round's targets; every leaf when the round declares none."""
        return self._targets(round_id)

    def leaves(self, measure: Measure, round_id: str) -> Leaves | None:
        """What each leaf brings to the measure in the round; None when nothing was reported."""
        source = measure.where.indicator if measure.where else measure.value
        assert source is not None, "the workspace was validated"
        grid = self.grid(source, round_id)
        if grid is None:
            return None
        base = (
            self.targets(round_id)
            if measure.leaves is Base.TARGETS
            else np.ones(self.count, np.bool_)
        )
        known = ~np.isnan(grid.value) & base
        if measure.rule.is_share:
            assert measure.where is not None, "the workspace was validated"
            numerator = (condition(measure.where, grid.value) & known).astype(np.float64)
            denominator = known.astype(np.float64)
        elif measure.rule is Rule.WEIGHTED_MEAN:
            assert measure.weight is not None, "the workspace was validated"
            weight = self.weights(measure.weight, round_id, grid.periods)
            # A leaf nobody lives in, or of unknown weight, cannot take part.
            known &= weight > 0
            numerator = np.where(known, grid.value * weight, 0.0)
            denominator = np.where(known, weight, 0.0)
        else:
            numerator = np.where(known, grid.value, 0.0)
            denominator = known.astype(np.float64)
        return Leaves(grid.periods, numerator, denominator, known, grid.verified & known, base)

    def _make_targets(self, round_id: str) -> Bools:
        target = self.space.round(round_id).target
        if target is None:
            return np.ones(self.count, np.bool_)
        grid = self.grid(target, round_id)
        if grid is None:
            return np.zeros(self.count, np.bool_)
        chosen: Bools = _latest(grid.value) == 1.0
        return chosen

    def _make_grid(self, indicator: str, round_id: str, bounded: bool) -> Grid | None:
        declared = self.space.indicator(indicator)
        item = self.space.round(round_id)
        if declared.derive is None:
            return self._facts(indicator, item, bounded)
        return _DERIVED[declared.derive.kind](self, declared.derive, item)

    def _facts(self, indicator: str, item: Round, bounded: bool) -> Grid | None:
        """Reported values; `bounded` keeps to periods inside the round.

        A value for the whole round (`all`) stands in every period that has no value of its own.
        """
        rows = self._rows.get(indicator, np.zeros(0, np.int64))
        own = self._rounds == item.id
        common = self._rounds == ""
        rows = rows[(own | common)[self._round[rows]] & (self._leaf[rows] >= 0)]
        always = self._ends < 0
        if bounded and item.start and item.stop:
            first, last = _reach(item)
            inside = (self._ends >= first) & (self._ends <= last)
            rows = rows[(inside | always)[self._period[rows]]]
        elif bounded:
            # A round without dates takes what names it, and of the common facts the undated.
            rows = rows[own[self._round[rows]] | always[self._period[rows]]]
        rows = rows[~np.isnan(self._value[rows])]
        if not len(rows):
            return None
        # Common facts first: where both exist, the round's own overwrites.
        rows = rows[np.argsort(own[self._round[rows]], kind="stable")]
        dated = ~always[self._period[rows]]
        base_value = np.full(self.count, np.nan)
        base_verified = np.zeros(self.count, np.bool_)
        undated = rows[~dated]
        base_value[self._leaf[undated]] = self._value[undated]
        base_verified[self._leaf[undated]] = self._verified[undated]
        for source in self.space.sources:
            if source.presence == indicator and source.round in (None, item.id):
                # Who is not on a list is known not to be on it.
                absent = np.isnan(base_value)
                base_verified |= absent & bool(base_verified[~absent].all() and len(undated))
                base_value[absent] = 0.0
        if not dated.any():
            return Grid((ALWAYS,), base_value[None, :], base_verified[None, :])
        rows = rows[dated]
        present = np.unique(self._period[rows])
        chosen = sorted(present, key=lambda number: (self._ends[number], self._periods[number]))
        place = np.zeros(len(self._periods), np.int64)
        place[chosen] = np.arange(len(chosen))
        value = np.repeat(base_value[None, :], len(chosen), axis=0)
        verified = np.repeat(base_verified[None, :], len(chosen), axis=0)
        at = (place[self._period[rows]], self._leaf[rows])
        value[at] = self._value[rows]
        verified[at] = self._verified[rows]
        return Grid(tuple(str(self._periods[number]) for number in chosen), value, verified)

    def weights(self, indicator: str, round_id: str, wanted: tuple[str, ...]) -> Floats:
        """[P, N]: the latest weight known by each period (a census year serves the months)."""
        grid = self._grid(indicator, round_id, False)
        if grid is None:
            return np.full((len(wanted), self.count), np.nan)
        ends = np.array([_end(period) for period in grid.periods])
        rows = np.empty((len(wanted), self.count))
        for number, period in enumerate(wanted):
            end = _end(period)
            usable = grid.value[ends <= end] if end >= 0 else grid.value
            rows[number] = _latest(usable) if len(usable) else np.nan
        return rows

    def last_reported(self, item: Round) -> int:
        """End (`Period.end`) of the round's latest dated fact, or -1: later, nothing is known."""
        own = (self._rounds == item.id) | (self._rounds == "")
        first, last = _reach(item)
        used = np.zeros(len(self._periods), np.bool_)
        used[np.unique(self._period[own[self._round]])] = True
        ends = self._ends[used & (self._ends >= first) & (self._ends <= last)]
        return int(ends.max()) if len(ends) else -1

    def _missing_items(self, derive: Derive, item: Round) -> Grid | None:
        """How many of the round's items a leaf lacks; unknown while one of them is."""
        grids = [self.grid(name, item.id) for name in item.items]
        known = [grid for grid in grids if grid is not None]
        if not known or len(known) < len(grids):
            return None
        chosen = _union(grid.periods for grid in known)
        lacking = np.zeros((len(chosen), self.count))
        verified = np.ones((len(chosen), self.count), np.bool_)
        for grid in known:
            part = _on(grid, chosen)
            lacking += np.where(np.isnan(part.value), np.nan, part.value == 0.0)
            verified &= part.verified
        return _with_values(Grid(chosen, lacking, verified))

    def _growth(self, derive: Derive, item: Round) -> Grid | None:
        """Percent change on the year before (which may precede the round), less the reference's."""
        assert derive.of is not None, "checked by the caller"
        now, before = self.grid(derive.of, item.id), self._grid(derive.of, item.id, False)
        if now is None or before is None:
            return None
        value = np.full(now.value.shape, np.nan)
        verified = now.verified.copy()
        for number, period in enumerate(now.periods):
            earlier = _year_before(period)
            change = self._reference_change(derive.reference, period, earlier)
            if earlier not in before.periods or change is None:
                continue
            old = before.periods.index(earlier)
            base = np.where(before.value[old] > 0, before.value[old], np.nan)
            value[number] = (now.value[number] / base - 1.0) * 100.0 - change
            verified[number] &= before.verified[old]
        return _with_values(Grid(now.periods, value, verified))

    def _reference_change(self, name: str | None, period: str, earlier: str) -> float | None:
        if name is None:
            return 0.0
        values = self._reference(name)
        if period not in values or not values.get(earlier):
            return None
        return (values[period] / values[earlier] - 1.0) * 100.0

    def _reference(self, name: str) -> Mapping[str, float]:
        return next(item.values for item in self.space.references if item.id == name)

    def _below(self, derive: Derive, item: Round) -> Grid | None:
        """1 where the indicator is lower than the reference of the same period."""
        assert derive.of is not None and derive.reference is not None, "checked by the caller"
        grid = self.grid(derive.of, item.id)
        if grid is None:
            return None
        values = self._reference(derive.reference)
        line = np.array([values.get(period, np.nan) for period in grid.periods])[:, None]
        known = ~np.isnan(grid.value) & ~np.isnan(line)
        return _with_values(
            Grid(grid.periods, np.where(known, grid.value < line, np.nan), grid.verified)
        )

    def _linked(self, derive: Derive, item: Round) -> Grid | None:
        """How many entities of a kind are at work in each leaf, by the end of each period."""
        links = self._links
        rows = links[(links["kind"] == derive.of) & links["round"].isin([item.id, ""])]
        leaf = self._index.get_indexer(rows["code"])
        since = np.array([_end(text) if text else -1 for text in rows["since"]], np.int64)
        table = pd.DataFrame({"leaf": leaf, "id": rows["id"].to_numpy(), "since": since})
        # A unit may reach a village through two teams: it is one unit, there since the first.
        once = table[leaf >= 0].groupby(["leaf", "id"], as_index=False)["since"].min()
        if once.empty:
            return None
        last = max(self.last_reported(item), int(once["since"].max()))
        chosen = tuple(period for period in item.periods if last < 0 or _end(period) <= last) or (
            (ALWAYS,) if not item.periods else item.periods
        )
        value = np.zeros((len(chosen), self.count))
        for number, period in enumerate(chosen):
            here = once if period == ALWAYS else once[once["since"] <= _end(period)]
            value[number] = np.bincount(here["leaf"], minlength=self.count)
        return Grid(chosen, value, np.zeros(value.shape, np.bool_))


_DERIVED: dict[str, Callable[[Reported, Derive, Round], Grid | None]] = {
    "missing_items": Reported._missing_items,
    "growth": Reported._growth,
    "below": Reported._below,
    "linked": Reported._linked,
}


def condition(test: Condition, value: Floats) -> Bools:
    """Where `value` passes every test that is declared; never where it is NaN."""
    passed = ~np.isnan(value)
    if test.at_least is not None:
        passed &= value >= test.at_least
    if test.below is not None:
        passed &= value < test.below
    if test.equals is not None:
        passed &= value == float(test.equals)
    return passed


def roll_up(measure: Measure, round_id: str, leaves: Leaves, nesting: Nesting) -> dict[str, Values]:
    """The measure at every level: a parent is the sum of its children, level after level.

    Parameters
    ----------
    measure : gives rule and digits.
    leaves : what each leaf brings, in the leaf order of the nesting.

    Returns
    -------
    Level id -> values, leaf level first.
    """
    numerator, denominator = leaves.numerator, leaves.denominator
    reported = leaves.reported.astype(np.int32)
    verified = leaves.verified.astype(np.int32)
    expected = np.atleast_2d(leaves.expected.astype(np.int32))
    found: dict[str, Values] = {}
    for depth in range(len(nesting.levels) - 1, -1, -1):
        if depth < len(nesting.levels) - 1:
            gather = Gather.into(nesting.parents[depth + 1], len(nesting.codes[depth]))
            numerator, denominator = gather.add(numerator), gather.add(denominator)
            reported, verified = gather.add(reported), gather.add(verified)
            expected = gather.add(expected)
        level = nesting.levels[depth]
        found[level] = finish(
            measure,
            round_id,
            level,
            leaves.periods,
            numerator,
            denominator,
            reported,
            expected,
            verified,
        )
    return found


def finish(
    measure: Measure,
    round_id: str,
    level: str,
    periods: tuple[str, ...],
    numerator: Floats,
    denominator: Floats,
    reported: Counts,
    expected: Counts,
    verified: Counts,
) -> Values:
    """Value and status from sums: the only place where a value is divided and rounded.

    Arrays are [P, R]; `expected` may be [1, R], since the base does not change within a round.
    """
    expected = np.broadcast_to(expected, numerator.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = numerator if measure.rule is Rule.SUM else numerator / denominator
    if measure.rule.is_share:
        value = value * 100.0
    # + 0.0 turns -0.0 into 0.0, which would print as "-0".
    value = np.where(
        (reported > 0) & (denominator > 0), np.round(value, measure.digits) + 0.0, np.nan
    )
    status = np.full(value.shape, Status.SELF_REPORTED, np.uint8)
    status[(verified == reported)] = Status.VERIFIED
    status[reported < expected] = Status.PARTIAL
    status[np.isnan(value)] = Status.MISSING
    # Sums of nothing are 0: only what publication kept back has none.
    status[np.isnan(numerator) & (reported > 0)] = Status.SUPPRESSED
    status[expected == 0] = Status.OUT_OF_SCOPE
    return Values(
        measure.id,
        round_id,
        level,
        periods,
        value,
        numerator,
        denominator,
        reported,
        expected,
        verified,
        status,
    )


def _codes(column: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    codes, names = pd.factorize(column, sort=True)
    return codes, np.asarray(names, dtype=object)


def _end(period: str) -> int:
    """Months since year 0 of the period's end; -1 for `all`."""
    return -1 if period == ALWAYS else calendar.parse(period).end


def _reach(item: Round) -> tuple[int, int]:
    """First and last month that a fact of the round may end in."""
    if item.start is None or item.stop is None:
        return -1, -1
    first = calendar.parse(item.start)
    begin = first.end - {"year": 11, "quarter": 2, "month": 0}[first.step]
    return begin, calendar.parse(item.stop).end


def _year_before(period: str) -> str:
    return period if period == ALWAYS else f"{int(period[:4]) - 1:04d}{period[4:]}"


def _union(many: object) -> tuple[str, ...]:
    """All periods of several indicators in order; `all` only when there is nothing else."""
    names = {name for part in many for name in part}  # type: ignore[attr-defined]
    dated = sorted(names - {ALWAYS}, key=lambda name: (_end(name), name))
    return tuple(dated) or (ALWAYS,)


def _on(grid: Grid, wanted: tuple[str, ...]) -> Grid:
    """The grid at the wanted periods; a grid for the whole round stands in each of them."""
    if grid.periods == wanted:
        return grid
    if grid.periods == (ALWAYS,):
        rows = np.zeros(len(wanted), np.int64)
    else:
        place = {name: number for number, name in enumerate(grid.periods)}
        rows = np.array([place.get(name, -1) for name in wanted])
    known = (rows >= 0)[:, None]
    return Grid(wanted, np.where(known, grid.value[rows], np.nan), grid.verified[rows] & known)


def _latest(value: Floats) -> Floats:
    """[P, N] -> [N]: the last known value of each leaf."""
    known = ~np.isnan(value)
    last = value.shape[0] - 1 - np.argmax(known[::-1], axis=0)
    found: Floats = value[last, np.arange(value.shape[1])]
    return found


def _with_values(grid: Grid) -> Grid | None:
    """Only the periods in which some leaf has a value; None when there are none."""
    some: Bools = np.logical_not(np.isnan(grid.value).all(axis=1))
    if not some.any():
        return None
    kept = tuple(name for name, keep in zip(grid.periods, some.tolist(), strict=True) if keep)
    return Grid(kept, grid.value[some], grid.verified[some])
