"""How much each village needs a contact point: what it lacks, its income, and who was there.

Four parts, each from 0 (nothing speaks for the village) to 1, and their declared weights. Missing
is not zero: a part that nobody reported takes the median of its district, and is marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from geodata import periods as calendar
from geodata.edition import Edition
from geodata.periods import ALWAYS
from geodata.vocabulary import Direction
from geodata.workspace import ContactPoints

Floats = NDArray[np.float64]

PARTS = ("gap", "income", "stagnation", "visit")
"""The parts, as `[contact_points.need]` names their weights."""
STALE = {"month": 12, "quarter": 12, "year": 36}
"""Months without growth that count as full stagnation, by the step of the income's periods: a
year, but three where only a figure a year is known."""


@dataclass(frozen=True)
class Need:
    """The need of every village that can be picked, in position order."""

    codes: tuple[str, ...]
    positions: NDArray[np.int64]
    """In the leaf level."""
    districts: NDArray[np.int64]
    """Position of each village's district, in the level that contact points are spread over."""
    parts: Mapping[str, Floats]
    """By name, 0 to 1; a part that nobody in the whole programme reports is not there."""
    estimated: Mapping[str, NDArray[np.bool_]]
    """Where a part is not known and the median of the district stands in for it."""
    weights: Mapping[str, float]
    """Of the parts that are there; they add up to 1."""
    raw: Mapping[str, Floats]
    """What the parts were made of: missing items, income, months without growth, days since the
    last visit; NaN where it is not known (for visits: where nobody ever was)."""

    @property
    def total(self) -> Floats:
        """Weighted sum of the parts, 0 to 1."""
        total = np.zeros(len(self.codes))
        for name, weight in self.weights.items():
            total += weight * self.parts[name]
        return total


def need(
    edition: Edition, rules: ContactPoints, last_visits: Mapping[str, date], today: date
) -> Need:
    """The need of every village of the contact points' round that can be picked.

    Parameters
    ----------
    rules : gives measures, weights, and after how many days a visit is due.
    last_visits : day of the last visit by code; who is not in it was never visited.
    today : the day from which visits are counted back.
    """
    space, item = edition.space, edition.space.contact_round
    leaf = space.leaf.id
    mask = (
        edition.targets(item.id) if rules.only_targets else np.ones(edition.count(leaf), np.bool_)
    )
    own = np.flatnonzero(mask)
    codes = tuple(str(edition.nesting.codes[-1][n]) for n in own)
    districts = edition.nesting.above(leaf, space.district.id)[own].astype(np.int64)

    raw = {
        "gap": _latest(edition, rules.gap, own),
        "income": _latest(edition, rules.income, own),
        "stagnation": _months_without_growth(edition, rules.income, own),
        "visit": np.array(
            [(today - last_visits[c]).days if c in last_visits else np.nan for c in codes], float
        ),
    }
    line = _income_line(edition, rules.income, raw["income"])
    parts = {
        "gap": _share(raw["gap"], float(len(item.items)) or _largest(raw["gap"])),
        "income": _share(line - raw["income"], line),
        "stagnation": _share(raw["stagnation"], _stale(edition, rules.income)),
        "visit": np.nan_to_num(_share(raw["visit"], float(rules.visit_days)), nan=1.0),
    }
    declared = {name: float(getattr(rules.need, name)) for name in PARTS}
    known = {name: part for name, part in parts.items() if (~np.isnan(part)).any()}
    heavy = {name: declared[name] for name in known if declared[name] > 0}
    # Weights of parts that are there only: a village is not less in need because nobody counts.
    weights = {name: weight / sum(heavy.values()) for name, weight in heavy.items()}
    return Need(
        codes=codes,
        positions=own,
        districts=districts,
        parts={name: _filled(part, districts) for name, part in known.items()},
        estimated={name: np.isnan(part) for name, part in known.items()},
        weights=weights,
        raw=raw,
    )


def months_without_growth(value: Floats, ends: NDArray[np.int64]) -> Floats:
    """Months from the last time that a series rose above all it had been to its last value.

    Parameters
    ----------
    value : [P, N], NaN where nothing was reported.
    ends : last month of each period, ascending.

    Returns
    -------
    [N]; NaN with fewer than two values. A series that never rose counts from its first value: a
    fall and a recovery to the old height are no growth.
    """
    count, width = value.shape
    if count == 0:
        return np.full(width, np.nan)
    known = ~np.isnan(value)
    best = np.maximum.accumulate(np.where(known, value, -np.inf), axis=0)
    before = np.vstack([np.full((1, width), -np.inf), best[:-1]])
    # The first value is where counting begins; later ones count when they are a new height.
    risen = known & (np.where(known, value, -np.inf) > before)
    last_risen = count - 1 - np.argmax(risen[::-1], axis=0)
    last_known = count - 1 - np.argmax(known[::-1], axis=0)
    months = (ends[last_known] - ends[last_risen]).astype(np.float64)
    return np.where(known.sum(axis=0) >= 2, months, np.nan)


def _values(edition: Edition, measure: str | None) -> tuple[tuple[str, ...], Floats]:
    """Periods and [P, N] of a measure at the leaves; nothing for a measure without values."""
    item = edition.space.contact_round
    leaf = edition.space.leaf.id
    if measure is None or not edition.has(measure, item.id):
        return (), np.zeros((0, edition.count(leaf)))
    found = edition.values(measure, item.id, leaf)
    return found.periods, found.value


def _latest(edition: Edition, measure: str | None, own: NDArray[np.int64]) -> Floats:
    """The last known value of each leaf."""
    _, value = _values(edition, measure)
    found = np.full(len(own), np.nan)
    for row in value[:, own]:
        found = np.where(np.isnan(row), found, row)
    return found


def _months_without_growth(edition: Edition, measure: str | None, own: NDArray[np.int64]) -> Floats:
    names, value = _values(edition, measure)
    dated = [n for n, name in enumerate(names) if name != ALWAYS]
    ends = np.array([calendar.parse(names[n]).end for n in dated], np.int64)
    return months_without_growth(value[dated][:, own], ends)


def _stale(edition: Edition, measure: str | None) -> float:
    names = [name for name in _values(edition, measure)[0] if name != ALWAYS]
    return float(STALE[calendar.parse(names[-1]).step]) if names else 1.0


def _income_line(edition: Edition, measure: str | None, income: Floats) -> float:
    """What the income is to reach: the plan's last point, else the threshold of a share that asks
    about the same indicator, else the largest class break, else the best there is.
    """
    if measure is None:
        return np.nan
    item, declared = edition.space.contact_round, edition.space.measure(measure)
    plan = [point for point in declared.plan if point.round == item.id and point.value > 0]
    if plan:
        return plan[-1].value
    for other in edition.measures:
        test = other.where
        if (
            test is not None
            and test.indicator == declared.value
            and item.id in other.rounds
            and other.direction is not Direction.LESS
            and test.at_least
        ):
            return test.at_least
    breaks = [one for one in declared.breaks if one > 0]
    return breaks[-1] if breaks else _largest(income)


def _largest(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else np.nan


def _share(values: Floats, whole: float) -> Floats:
    """Values over a whole, kept within 0 and 1; of nothing nothing is lacking."""
    if not whole > 0:
        return np.where(np.isnan(values), np.nan, 0.0)
    return np.clip(values / whole, 0.0, 1.0)


def _filled(part: Floats, districts: NDArray[np.int64]) -> Floats:
    """Unknown ones by the median of the district, or of all where the district knows none."""
    unknown = np.isnan(part)
    if not unknown.any():
        return part
    found = part.copy()
    found[unknown] = np.median(part[~unknown])
    for district in np.unique(districts[unknown]):
        here = districts == district
        known = part[here & ~unknown]
        if len(known):
            found[here & unknown] = np.median(known)
    return found
