"""A measure read at a region: its series up to a period, what it rests on, and its plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Base, Rule, Status
from geodata.words import say
from geodata.workspace import Measure, Plan, Round
from layers import classify
from layers.briefing.pace import Course, Pace, pace
from layers.numbers import MINUS, amount, difference_unit, figure, with_unit
from layers.picture import name_of

_BRACKETED = re.compile(r"[（(][^（）()]*[）)]")


@dataclass(frozen=True)
class Reading:
    """A measure at a region, from the first period up to the one that is looked at."""

    region: Region
    name: str
    measure: Measure
    round: Round
    leaf: bool
    there: tuple[str, ...]
    """Periods up to the one looked at (its last)."""
    series: tuple[float, ...]
    """A value each; NaN where there is none."""
    first: int | None
    """Index of the first reported value; None without any."""
    at: int | None
    """Index of the latest reported value."""
    numerator: float
    """At `at`, as `denominator`, `reported`, `expected`; NaN or 0 without a value."""
    denominator: float
    reported: int
    expected: int
    start_numerator: float
    """At `first`."""
    status: Status
    """At the period looked at."""
    partials: list[bool]
    """For each period, whether some, not all, of the leaves reported."""
    plan: tuple[Plan, ...]
    """The region's yardstick; the promise itself is the root's."""
    pace: Pace | None
    """None also for a first report: a line that starts there says nothing yet."""

    @property
    def value(self) -> float | None:
        """The latest reported value."""
        return None if self.at is None else self.series[self.at]

    @property
    def current(self) -> float | None:
        """The value at the period looked at, as the map shows it; None where it is missing."""
        return None if self.late else self.value

    @property
    def start(self) -> float | None:
        """The first reported value."""
        return None if self.first is None else self.series[self.first]

    @property
    def change(self) -> float | None:
        """Latest less first; None with fewer than two reports."""
        if self.at is None or self.first is None or self.at == self.first:
            return None
        return round(self.series[self.at] - self.series[self.first], 9) + 0.0

    @property
    def partial(self) -> bool:
        """Whether some, not all, of its leaves reported."""
        return not self.leaf and 0 < self.reported < self.expected

    @property
    def late(self) -> bool:
        """Whether the latest value is older than the period looked at."""
        return self.at is not None and self.at < len(self.there) - 1

    @property
    def yes_or_no(self) -> bool:
        """A share of one leaf is no share: it is met or it is not."""
        return self.leaf and self.measure.rule.is_share

    def text(self, value: float | None) -> str:
        """A value of this measure in words, with unit."""
        if value is None:
            return say("layers.number.absent")
        if self.yes_or_no:
            return leaf_word(self.measure, value)
        return amount(value, self.measure.digits, self.measure.unit)

    def label(self, index: int) -> str:
        """A period in words."""
        return periods.label(self.there[index])


def read(edition: Edition, measure: Measure, round: Round, region: Region, last: int) -> Reading:
    """The measure at a region, over the periods 0 to `last` of the measure in the round."""
    values = edition.values(measure.id, round.id, region.level)
    at = region.position
    there = values.periods[: last + 1]
    series = values.value[: last + 1, at]
    known = np.flatnonzero(np.isfinite(series))
    first, latest = (int(known[0]), int(known[-1])) if len(known) else (None, None)
    leaf = region.level == edition.levels[-1].id
    plan = yardstick(edition, measure, round, region)
    row = latest if latest is not None else len(there) - 1
    return Reading(
        region=region,
        name=name_of(edition, region),
        measure=measure,
        round=round,
        leaf=leaf,
        there=there,
        series=tuple(series.tolist()),
        first=first,
        at=latest,
        numerator=float(values.numerator[row, at]),
        denominator=float(values.denominator[row, at]),
        reported=int(values.reported[row, at]),
        expected=int(values.expected[row, at]),
        start_numerator=float(values.numerator[first or 0, at]),
        status=Status(int(values.status[len(there) - 1, at])),
        partials=(values.status[: last + 1, at] == Status.PARTIAL).tolist(),
        plan=plan,
        pace=_paced(plan, measure, there, series.tolist(), alone=first == latest),
    )


def _paced(
    plan: Sequence[Plan],
    measure: Measure,
    there: Sequence[str],
    series: Sequence[float],
    *,
    alone: bool,
) -> Pace | None:
    found = pace(plan, measure.direction, there, series) if plan else None
    return None if found is not None and alone and found.course is Course.ON_PLAN else found


def yardstick(edition: Edition, measure: Measure, round: Round, region: Region) -> tuple[Plan, ...]:
    """The plan points that a region is held against.

    The promise is made for the root; below it the same yardstick is held. A promised sum is the
    whole's alone, and a share of one leaf is yes or no: none for these.
    """
    if region.code != edition.root.code and measure.rule is Rule.SUM:
        return ()
    if region.level == edition.levels[-1].id and measure.rule.is_share:
        return ()
    return edition.plan(measure.id, round.id)


def noun(edition: Edition, measure: Measure, round: Round) -> str:
    """What the measure's leaves are called: 扶持村.

    The measure's own word for its denominator, without brackets; the round's word for its
    targets where that word holds it (第三轮的“扶持村”), or where there is none.
    """
    # A mean's weight is no village.
    told = "" if measure.rule is Rule.WEIGHTED_MEAN else measure.denominator_label
    if measure.leaves is Base.TARGETS:
        own = next((one.label for one in round.figures if one.leaves == "targets"), "")
        if own and (not told or own in told):
            return own
    return _BRACKETED.sub("", told) or edition.levels[-1].label


def leaf_word(measure: Measure, value: float) -> str:
    """A share at a single leaf: met or not, true or not."""
    word = classify.leaf_word(measure)
    return say(f"layers.class.{word}" if value >= 50 else f"layers.class.not_{word}")


def change_text(measure: Measure, change: float | None, leaf_share: bool = False) -> str:
    """A change with sign and unit: `+12.3 个百分点`."""
    if change is None or leaf_share:
        return say("layers.number.absent")
    number = figure(abs(change), measure.digits)
    sign = "" if not any(mark in "123456789" for mark in number) else "+" if change > 0 else MINUS
    return with_unit(sign + number, difference_unit(measure.unit))


def pace_text(found: Pace | None) -> str:
    """Pace in a list: 慢 8 个月; empty without a plan."""
    if found is None:
        return ""
    if found.course is Course.REACHED:
        return say("briefing.pace.row_reached")
    if found.whole == 0:
        return say("briefing.pace.row_on")
    word = "row_ahead" if found.whole > 0 else "row_behind"
    return say(f"briefing.pace.{word}", months=figure(abs(found.whole)))


def flag(found: Pace | None) -> str:
    """`ahead` or `behind` by a whole month at least, else empty."""
    if found is None:
        return ""
    if found.course is Course.REACHED or found.whole > 0:
        return "ahead"
    return "behind" if found.whole < 0 else ""


def joined(names: Sequence[str], most: int, level: str) -> str:
    """Names as a list; of more than `most` the first ones and how many there are in all."""
    if len(names) <= most:
        return "、".join(names)
    return say(
        "briefing.and_others", names="、".join(names[:most]), count=figure(len(names)), level=level
    )
