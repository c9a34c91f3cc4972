"""Is it on plan: each promised point against what was reached, and how late."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from geodata import periods
from geodata.vocabulary import Direction
from geodata.words import say
from geodata.workspace import Plan
from layers.numbers import amount, difference_unit, figure, plain, with_unit


class Standing(StrEnum):
    """How a plan point stands."""

    MET = "met"
    """Reached by its period, and kept at it."""
    LATE = "late"
    """Not reached by its period, reached after it."""
    BEHIND = "behind"
    """Its period is over and it has not been reached."""
    AHEAD = "ahead"
    """Its period is still to come and it is reached already."""
    DUE = "due"
    """Its period is still to come."""
    UNKNOWN = "unknown"
    """Nothing was reported."""


@dataclass(frozen=True)
class Point:
    """One promise and what became of it."""

    period: str
    target: float
    label: str
    standing: Standing
    value: float | None
    """Value at the point's period, or the latest one before it; None when there is none."""
    latest: float | None
    gap: float | None
    """How much the latest value lacks (positive), in the unit; 0 when it is reached."""
    months: int | None
    """Late or overdue by so many months; for `due` and `ahead` the months left; for `met` how
    many months early it was first reached; None without data."""
    reached: str | None
    """First period from which the promise counts as kept."""

    def sentence(self, unit: str, digits: int) -> str:
        """What a reader wants to know, in words."""
        gap = 0.0 if self.gap is None else self.gap
        just = self.standing is Standing.BEHIND and not self.months
        return say(
            f"layers.plan.{'just_behind' if just else self.standing.value}",
            period=periods.label(self.period),
            target=with_unit(figure(self.target, digits, trim=True), unit),
            latest=amount(self.latest, digits, unit),
            gap=with_unit(figure(gap, digits, trim=True), difference_unit(unit)),
            months=self.months or 0,
            reached=periods.label(self.reached) if self.reached else "",
        )

    def as_dict(self, unit: str, digits: int) -> dict[str, object]:
        """For JSON, with the sentence and the labels."""
        return {
            "period": self.period,
            "period_label": periods.label(self.period),
            "target": self.target,
            "label": self.label,
            "standing": self.standing.value,
            "value": self.value,
            "latest": self.latest,
            "gap": self.gap,
            "months": self.months,
            "reached": self.reached,
            "sentence": self.sentence(unit, digits),
        }


def standing(
    plan: Sequence[Plan], direction: Direction, there: Sequence[str], values: Sequence[float]
) -> tuple[Point, ...]:
    """Hold a series against its plan points, in time.

    Parameters
    ----------
    plan : the promises.
    direction : `less` is kept at or under the target, everything else at or over it.
    there, values : periods in order and their values; NaN where there is none.
    """
    known = [
        (_end(name), name, float(value))
        for name, value in zip(there, values, strict=True)
        if math.isfinite(value)
    ]
    points = sorted(plan, key=lambda point: _end(point.period))
    return tuple(_judge(point, direction, known) for point in points)


def _judge(point: Plan, direction: Direction, known: list[tuple[float, str, float]]) -> Point:
    deadline = math.inf if point.period == periods.ALWAYS else _end(point.period)

    def kept(value: float) -> bool:
        return value <= point.value if direction is Direction.LESS else value >= point.value

    def made(state: Standing, months: float | None, reached: str | None) -> Point:
        latest = known[-1][2] if known else None
        missing = None
        if latest is not None:
            missing = 0.0 if kept(latest) else abs(point.value - latest)
        return Point(
            period=point.period,
            target=point.value,
            label=point.label,
            standing=state,
            value=before[-1][2] if before else None,
            latest=latest,
            gap=None if missing is None else round(missing, 9),
            months=int(months) if months is not None and plain(months) is not None else None,
            reached=reached,
        )

    before = [entry for entry in known if entry[0] <= deadline]
    after = [entry for entry in known if entry[0] > deadline]
    if not known:
        return made(Standing.UNKNOWN, None, None)
    if before and kept(before[-1][2]):
        # The last unbroken stretch up to the deadline: a promise lost in between was not kept.
        first = before[-1]
        for entry in reversed(before):
            if not kept(entry[2]):
                break
            first = entry
        over = bool(after) or known[-1][0] >= deadline
        state = Standing.MET if over else Standing.AHEAD
        left = deadline - (first[0] if over else known[-1][0])
        return made(state, left, first[1])
    for end, name, value in after:
        if kept(value):
            return made(Standing.LATE, end - deadline, name)
    if known[-1][0] >= deadline:
        return made(Standing.BEHIND, known[-1][0] - deadline, None)
    return made(Standing.DUE, deadline - known[-1][0], None)


def _end(period: str) -> float:
    """Months since year 0; a value for the whole round was there from the start."""
    return -math.inf if period == periods.ALWAYS else float(periods.parse(period).end)
