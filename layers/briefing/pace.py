"""How far ahead of or behind its plan a series runs, in months; and since when it stands still."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geodata import periods
from geodata.vocabulary import Direction
from geodata.workspace import Plan

STUCK_MONTHS = 6
"""So long without a new best value, and at least two periods: one weak quarter is none yet."""


class Course(StrEnum):
    """How a series stands against its plan."""

    REACHED = "reached"
    """At the last plan point's value already."""
    AHEAD = "ahead"
    ON_PLAN = "on_plan"
    BEHIND = "behind"


@dataclass(frozen=True)
class Pace:
    """A series against the straight line from its start through its plan points."""

    months: float
    """Ahead (positive) or behind (negative); 0 on the line and where a reached plan is over."""
    course: Course
    value: float
    """Latest value."""
    expected: float
    """What the line asks for at the latest value's period."""
    target: float
    """The last plan point's value."""
    left: float
    """Months from the latest value to the last plan point; negative when that is over."""

    @property
    def whole(self) -> int:
        """`months`, rounded to whole ones (halves away from zero)."""
        return int(math.copysign(math.floor(abs(self.months) + 0.5), self.months))


@dataclass(frozen=True)
class _Line:
    """A monotone line in time: `better` values are larger, whatever the direction."""

    at: NDArray[np.float64]
    better: NDArray[np.float64]

    def when_left(self, value: float) -> float:
        """The last time at which the line asked for no more than `value`."""
        above = np.flatnonzero(self.better > value)
        if not len(above):
            return math.inf
        n = int(above[0])
        return float(self.at[0]) if n == 0 else self._cross(n, value)

    def when_asked(self, value: float) -> float:
        """The first time at which the line asks for `value`; its end when it never does."""
        over = np.flatnonzero(self.better >= value)
        if not len(over):
            return float(self.at[-1])
        n = int(over[0])
        return float(self.at[0]) if n == 0 else self._cross(n, value)

    def _cross(self, n: int, value: float) -> float:
        low, high = float(self.better[n - 1]), float(self.better[n])
        share = (value - low) / (high - low)
        # Rounding must not carry the time out of its stretch.
        share = min(max(share, 0.0), 1.0)
        return float(self.at[n - 1]) + share * float(self.at[n] - self.at[n - 1])

    def asks(self, time: float) -> float:
        """What it asks for at a time; outside of it what its ends ask for.

        Where two points share a time (a plan that was due at the start), the later one holds.
        """
        n = bisect.bisect_right(self.at.tolist(), time)
        if n == 0:
            return float(self.better[0])
        if n == len(self.at):
            return float(self.better[-1])
        before, after = float(self.at[n - 1]), float(self.at[n])
        low, high = float(self.better[n - 1]), float(self.better[n])
        return low + (high - low) * (time - before) / (after - before)


def pace(
    plan: Sequence[Plan], direction: Direction, there: Sequence[str], values: Sequence[float]
) -> Pace | None:
    """Months ahead of or behind plan at the latest value.

    The line runs straight, in time, from the first reported value at the end of its period
    through each plan point at the end of its own; after the last it stays there. It never asks
    anybody to fall back: a plan point that is worse than what came before it is level with that.
    A plan point that was due before the first report counts from its own date.

    Behind: the time since the line had the latest value for the last time, never before the
    start. Ahead: the time until it will have it for the first time; at most until the last plan
    point, from where on there is nothing to be ahead of.

    Parameters
    ----------
    plan : plan points of the series (those without a date, `all`, say nothing about pace).
    direction : `less` counts down, everything else up.
    there, values : periods in order and their values; NaN where there is none.

    Returns
    -------
    None without a dated plan point or a value with a date.
    """
    known = _known(there, values)
    line = _line(plan, direction, known)
    if line is None:
        return None
    sign = _sign(direction)
    now, value = known[-1]
    better = sign * value
    asked = line.asks(now)
    end, last = float(line.at[-1]), float(line.better[-1])
    # A value that lies on the line but for rounding is on the line.
    if math.isclose(better, asked, rel_tol=1e-9, abs_tol=1e-9) and asked < last:
        course, months = Course.ON_PLAN, 0.0
    elif better >= last:
        course, months = Course.REACHED, max(0.0, end - now)
    elif better > asked:
        course, months = Course.AHEAD, max(0.0, line.when_asked(better) - now)
    else:
        course, months = Course.BEHIND, -max(0.0, now - line.when_left(better))
    return Pace(
        months=months + 0.0,
        course=course,
        value=value,
        expected=sign * asked + 0.0,
        target=sign * last + 0.0,
        left=end - now,
    )


def plan_line(
    plan: Sequence[Plan], direction: Direction, there: Sequence[str], values: Sequence[float]
) -> list[float | None]:
    """What the line of `pace` asks for at each period; None before the first report, or all
    None where there is no line.
    """
    known = _known(there, values)
    line = _line(plan, direction, known)
    if line is None:
        return [None] * len(there)
    sign = _sign(direction)
    return [
        None if (end := _end(name)) is None or end < known[0][0] else sign * line.asks(end) + 0.0
        for name in there
    ]


def index(there: Sequence[str], period: str) -> float | None:
    """Where a period lies among `there`, as a place on their axis: 2.5 is halfway from the third
    to the fourth; beyond the ends it goes on at the mean step. None without two dates.
    """
    ends = [_end(name) for name in there]
    at = _end(period)
    if at is None or not ends or any(end is None for end in ends):
        return None
    known = [end for end in ends if end is not None]
    if len(known) == 1:
        return 0.0 if at == known[0] else None
    if known[0] <= at <= known[-1]:
        return float(np.interp(at, known, range(len(known))))
    step = (known[-1] - known[0]) / (len(known) - 1)
    if at < known[0]:
        return (at - known[0]) / step
    return len(known) - 1 + (at - known[-1]) / step


@dataclass(frozen=True)
class Stillness:
    """How long a series has had no new best value."""

    since: str
    """Period of the best value so far."""
    months: int
    """From then to the latest value; 0 when the latest is the best."""
    periods: int
    """Reported values since then."""

    @property
    def stuck(self) -> bool:
        """Long enough to be named: `STUCK_MONTHS` and two reports."""
        return self.months >= STUCK_MONTHS and self.periods >= 2


def stillness(
    direction: Direction, there: Sequence[str], values: Sequence[float]
) -> Stillness | None:
    """Since when there has been no new best value.

    Silence is not stillness: only reported values count, up to the latest one. None without a
    dated value.
    """
    dated = [
        (name, end, _sign(direction) * float(value))
        for name, value in zip(there, values, strict=True)
        if (end := _end(name)) is not None and math.isfinite(value)
    ]
    if not dated:
        return None
    best = 0
    for n, (_, _, value) in enumerate(dated):
        if value > dated[best][2]:
            best = n
    return Stillness(dated[best][0], int(dated[-1][1] - dated[best][1]), len(dated) - 1 - best)


def _line(
    plan: Sequence[Plan], direction: Direction, known: list[tuple[float, float]]
) -> _Line | None:
    points = sorted(
        (end, _sign(direction) * point.value)
        for point in plan
        if (end := _end(point.period)) is not None
    )
    if not points or not known:
        return None
    start, first = known[0][0], _sign(direction) * known[0][1]
    at, better = [min(start, points[0][0])], [first]
    for end, value in points:
        if end < start or end == at[-1]:
            # Due before anything was reported: asked for from that day on, not along a line.
            at.append(end)
            better.append(better[-1])
        elif at[-1] < start < end:
            at.append(start)
            better.append(better[-1])
        at.append(end)
        better.append(max(value, better[-1]))
    return _Line(np.array(at, dtype=np.float64), np.array(better, dtype=np.float64))


def _known(there: Sequence[str], values: Sequence[float]) -> list[tuple[float, float]]:
    """Ends of periods (months since year 0) and values, of those that have both."""
    return [
        (end, float(value))
        for name, value in zip(there, values, strict=True)
        if (end := _end(name)) is not None and math.isfinite(value)
    ]


def _sign(direction: Direction) -> float:
    return -1.0 if direction is Direction.LESS else 1.0


def _end(period: str) -> float | None:
    return None if period == periods.ALWAYS else float(periods.parse(period).end)
