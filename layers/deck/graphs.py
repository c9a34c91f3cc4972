"""The graphs of a slide as plain numbers, before anybody draws them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from geodata import periods
from geodata.errors import BadRequest
from geodata.words import say

Json = Mapping[str, Any]

MOST_TICKS = 5
"""Lines across a graph; more is a grid that hides the curve."""


@dataclass(frozen=True)
class Bars:
    """Regions or items beside each other, the first on top."""

    title: str
    unit: str
    digits: int
    labels: tuple[str, ...]
    values: tuple[float | None, ...]
    """None where nothing was reported: no bar, and the label says so."""
    texts: tuple[str, ...]
    target: float | None = None
    """The same for all; drawn behind the bars."""
    target_label: str = ""

    @property
    def highest(self) -> float:
        """End of the value axis: the longest bar or the target; 1 where all is zero."""
        known = [abs(value) for value in (*self.values, self.target) if value is not None]
        return max(known, default=0.0) or 1.0


@dataclass(frozen=True)
class Lines:
    """A measure over time, held against its plan; every tuple has one entry a step of time."""

    title: str
    unit: str
    digits: int
    labels: tuple[str, ...]
    value: tuple[float | None, ...]
    """None is a gap, never zero."""
    partial: tuple[float | None, ...]
    """The values that only part of the leaves reported, once more."""
    plan: tuple[float | None, ...]
    """Plan points, at their own time, which may lie after the last value."""
    plan_line: tuple[float | None, ...]
    """What the plan expects in between."""
    axis: tuple[float, float, float]
    """Lowest, highest and step of the value axis."""
    step: str = ""
    """`month`, `quarter` or `year`; "" where the values have no time."""
    dates: tuple[date, ...] = ()
    """First day of each step's last month, for months and years: an axis that knows time."""

    @property
    def has_plan(self) -> bool:
        """Whether there is any plan point."""
        return any(value is not None for value in self.plan)


Graph = Bars | Lines


def graphs(content: Json) -> tuple[Graph, ...]:
    """The graphs of a scene's content, in the order in which they are read."""
    marks = {str(one["code"]): int(one["rank"]) for one in content.get("marked") or ()}
    ranking = _ranking(content.get("ranking"), marks)
    multiples = _multiples(content.get("multiples"))
    series = _series(content.get("series"))
    # A scene about progress is read from its curve, others from who is where.
    first = (series, multiples, ranking) if content["kind"] == "progress" else ()
    order = first or (multiples, ranking, series)
    return tuple(one for one in order if one is not None)


def _ranking(given: Json | None, marks: Mapping[str, int]) -> Bars | None:
    if not given or not given["rows"]:
        return None
    rows = given["rows"]
    target = _number(given.get("target"))
    known = [row["value"] for row in rows if row["value"] is not None]
    # Behind bars that are all longer, or at nothing, a target cannot be seen.
    if target is not None and (target <= 0 or not any(value <= target for value in known)):
        target = None
    return Bars(
        title=str(given["title"]),
        unit=str(given["unit"]),
        digits=int(given["digits"]),
        labels=tuple(_ranked(row, marks) for row in rows),
        values=tuple(_number(row["value"]) for row in rows),
        texts=tuple(str(row["text"]) for row in rows),
        target=target,
        target_label=str(given.get("target_label") or "") if target is not None else "",
    )


def _multiples(given: Iterable[Json] | None) -> Bars | None:
    rows = list(given or ())
    if not rows:
        return None
    return Bars(
        title=say("deck.multiples"),
        unit="%",
        digits=1,
        labels=tuple(_named(str(row["label"]), row["value"]) for row in rows),
        values=tuple(_number(row["value"]) for row in rows),
        texts=tuple(
            "  ".join(part for part in (str(row["text"]), str(row.get("count_text") or "")) if part)
            for row in rows
        ),
    )


def _series(given: Json | None) -> Lines | None:
    if not given or all(value is None for value in given["value"]):
        return None
    names = [str(one["id"]) for one in given["periods"]]
    labels = {str(one["id"]): str(one["label"]) for one in given["periods"]}
    rhythm, steps = _steps(names, [str(point["period"]) for point in given["plan"]])
    at = {name: place for place, name in enumerate(names)}

    def along(values: Iterable[float | None]) -> tuple[float | None, ...]:
        known = list(values)
        return tuple(
            _number(known[at[step]]) if step in at and at[step] < len(known) else None
            for step in steps
        )

    value = along(given["value"])
    partial = along(
        number if part else None
        for number, part in zip(given["value"], given["partial"], strict=True)
    )
    plan: list[float | None] = [None] * len(steps)
    ends = {_end(step): place for place, step in enumerate(steps)}
    for point in given["plan"]:
        place = ends.get(_end(str(point["period"])))
        if place is not None:
            plan[place] = _number(point["value"])
    line = _onward(along(given.get("plan_line") or ()), plan)
    shown = [number for number in (*value, *plan, *line) if number is not None]
    return Lines(
        title=str(given["title"]),
        unit=str(given["unit"]),
        digits=int(given["digits"]),
        labels=tuple(labels.get(step) or periods.label(step) for step in steps),
        value=value,
        partial=partial,
        plan=tuple(plan),
        plan_line=line,
        axis=axis(min(shown), max(shown)),
        step=rhythm,
        dates=tuple(_day(one) for one in steps) if rhythm in ("month", "year") else (),
    )


def _onward(line: tuple[float | None, ...], plan: list[float | None]) -> tuple[float | None, ...]:
    """The plan's line drawn on, from where the data ends to the promises that are still to come."""
    found = list(line)
    last = max((at for at, value in enumerate(line) if value is not None), default=None)
    if last is None:
        return line
    for at in range(last + 1, len(plan)):
        goal = plan[at]
        if goal is None:
            continue
        start = found[last]
        assert start is not None, "the line's end has a value"
        for step in range(last + 1, at + 1):
            found[step] = round(start + (goal - start) * (step - last) / (at - last), 6)
        last = at
    return tuple(found)


def _steps(names: list[str], promised: list[str]) -> tuple[str, list[str]]:
    """Every step from the first value to the last promise: equal times are equally far apart."""
    try:
        known = [periods.parse(name) for name in names]
        goals = [periods.parse(name) for name in promised if name != periods.ALWAYS]
    except BadRequest:
        # A value for the whole round has no time.
        return "", names
    if len({one.step for one in known}) != 1:
        return "", names
    first = min(known)
    last = max([*known, *goals], key=lambda one: one.end)
    there = periods.span(first.id, last.id, first.step)
    return first.step, [one.id for one in there]


def _day(period: str) -> date:
    year, month = divmod(periods.parse(period).end, 12)
    return date(year, month + 1, 1)


def _end(period: str) -> int | None:
    return None if period == periods.ALWAYS else periods.parse(period).end


def axis(low: float, high: float) -> tuple[float, float, float]:
    """Round ends and step of a value axis that holds `low` to `high`.

    It starts at zero wherever that leaves the curve half of the height: a curve on a cut axis
    looks steeper than it is.
    """
    if low >= 0 and low <= high / 2:
        low = 0.0
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= rough * (1 - 1e-9))
    start = math.floor(low / step + 1e-9) * step
    stop = math.ceil(high / step - 1e-9) * step
    return round(start, 9), round(stop, 9), round(step, 9)


def _ranked(row: Json, marks: Mapping[str, int]) -> str:
    """With the number that the region has on the map, else its rank: a list may leave out the
    middle.
    """
    name = _named(str(row["name"]), row["value"])
    number = marks.get(str(row.get("code")), row.get("rank"))
    return name if number is None else f"{number} {name}"


def _named(name: str, value: object) -> str:
    return name if value is not None else say("deck.not_reported", name=name)


def _number(value: Any) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(value)
