"""Periods: years, quarters and months as ordered, comparable ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

from geodata.errors import BadRequest
from geodata.words import say

ALWAYS = "all"
"""The period of what does not change within a round (who is a target)."""

_FORM = re.compile(r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")


@total_ordering
@dataclass(frozen=True)
class Period:
    """A year (`2018`), quarter (`2018-Q4`) or month (`2018-12`); ordered by its last month."""

    id: str
    step: str
    end: int
    """Months since year 0 of the last month in the period."""

    def __lt__(self, other: Period) -> bool:
        return (self.end, self.id) < (other.end, other.id)

    @property
    def label(self) -> str:
        """How people read it: 2018年, 2018年第4季度, 2018年12月."""
        year = self.id[:4]
        if self.step == "quarter":
            return say("period.quarter", year=year, quarter=self.id[-1])
        if self.step == "month":
            return say("period.month", year=year, month=int(self.id[5:]))
        return say("period.year", year=year)


def parse(text: str) -> Period:
    """Read a period id.

    Raises
    ------
    BadRequest : when `text` is no year, quarter or month.
    """
    match = _FORM.fullmatch(str(text))
    if match is None:
        raise BadRequest(say("period.form"), value=text, cure=say("period.form_cure"))
    year = int(match["year"])
    if match["quarter"]:
        return Period(str(text), "quarter", year * 12 + int(match["quarter"]) * 3 - 1)
    if match["month"]:
        return Period(str(text), "month", year * 12 + int(match["month"]) - 1)
    return Period(str(text), "year", year * 12 + 11)


def span(first: str, last: str, step: str) -> tuple[Period, ...]:
    """All periods of `step` (year, quarter, month) whose end lies in `first` .. `last`."""
    start, stop = parse(first), parse(last)
    begin = start.end - {"year": 11, "quarter": 2, "month": 0}[start.step]
    found = []
    for month in range(begin, stop.end + 1):
        year, number = divmod(month, 12)
        if step == "month":
            found.append(parse(f"{year:04d}-{number + 1:02d}"))
        elif step == "quarter" and number % 3 == 2:
            found.append(parse(f"{year:04d}-Q{number // 3 + 1}"))
        elif step == "year" and number == 11:
            found.append(parse(f"{year:04d}"))
    return tuple(found)


def label(period: str) -> str:
    """The label of a period id; `ALWAYS` has one of its own."""
    return say("period.always") if period == ALWAYS else parse(period).label
