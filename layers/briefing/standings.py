"""Who is ahead, who improved most, who is stuck: by distance to target and by change since the
start, so that those who began weak are seen for how far they came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geodata import periods
from geodata.edition import Edition
from geodata.vocabulary import Direction
from geodata.words import say
from layers.briefing.pace import STUCK_MONTHS, Stillness, stillness
from layers.briefing.reading import Reading, change_text, flag, joined, leaf_word
from layers.briefing.sentences import free
from layers.numbers import difference_unit, figure, with_unit
from layers.ranking import ranks

Json = dict[str, Any]

MOST_ROWS = 200
"""Rows of the whole list; a tree of two levels may have thousands of children."""

_LONGEST_WAY = 600
"""Months to the target beyond which a pace says nothing."""
_NAMED = 3


@dataclass(frozen=True)
class Place:
    """One region among its neighbours."""

    reading: Reading
    improvement: float | None
    """Change since the start in the better direction; None with fewer than two reports."""
    gap: float | None
    """What it lacks to the target; 0 when reached, None without target or value."""
    still: Stillness | None
    stuck: bool
    rank: int
    """By distance to target (by value without one); equals share a rank, 0 without value."""
    change_rank: int
    """By improvement; 0 without."""


def target(readings: Sequence[Reading]) -> float | None:
    """The last dated plan point's value that the regions are held against; None without one."""
    for one in readings:
        dated = [point for point in one.plan if point.period != periods.ALWAYS]
        if dated:
            return max(dated, key=lambda point: periods.parse(point.period).end).value
    return None


def places(readings: Sequence[Reading]) -> tuple[Place, ...]:
    """Each region with its ranks, in the order of `readings`.

    Who did not report at the period looked at has no place: others' older values are not set
    against today's. Stuck is who has had no new best value for `STUCK_MONTHS` and two reports,
    and is short of the target (without one: of everybody or nobody, for a share).
    """
    aim = target(readings)
    sign = _sign(readings)
    changes = [_improvement(one, sign) for one in readings]
    gaps = [
        None
        if aim is None or one.current is None
        else max(0.0, round(sign * (aim - one.current), 9))
        for one in readings
    ]
    merit = ranks(
        [
            math.nan if one.current is None else sign * one.current if gap is None else -gap
            for one, gap in zip(readings, gaps, strict=True)
        ],
        Direction.MORE,
    )
    gained = ranks([math.nan if change is None else change for change in changes], Direction.MORE)
    found = []
    for n, one in enumerate(readings):
        still = stillness(one.measure.direction, one.there, one.series)
        found.append(
            Place(
                reading=one,
                improvement=changes[n],
                gap=gaps[n],
                still=still,
                stuck=still is not None and still.stuck and _short(one, gaps[n]),
                rank=int(merit[n]),
                change_rank=int(gained[n]),
            )
        )
    return tuple(found)


def standings(edition: Edition, readings: Sequence[Reading], level: str) -> Json:
    """The closing scene's lists, JSON-able (see `content.content`).

    Parameters
    ----------
    readings : the children, one measure and round, not empty.
    level : what one child is called.
    """
    measure = readings[0].measure
    aim = target(readings)
    ordered = sorted(places(readings), key=_order)
    rows = [_row(one, aim) for one in ordered]
    known = [row for row in rows if row["rank"]]
    nearest = known[min(_NAMED, len(known)) - 1]["rank"] if known else 0
    gained = sorted(
        (row for row in known if row["change_rank"] and row["improvement"] > 0),
        key=lambda row: (row["change_rank"], row["code"]),
    )
    stuck = sorted(
        (row for row in known if row["stuck"]), key=lambda row: (-row["stuck_months"], row["code"])
    )
    there = readings[0].there
    return {
        "measure": {
            "id": measure.id,
            "label": measure.label,
            "unit": measure.unit,
            "digits": measure.digits,
        },
        "start_label": periods.label(there[0]) if there else "",
        "latest_label": periods.label(there[-1]) if there else "",
        "target": aim,
        "target_text": "" if aim is None else _trimmed(aim, measure.digits, measure.unit),
        "level_label": level,
        "yes_or_no": readings[0].yes_or_no,
        "ahead": [row for row in known if row["rank"] <= nearest],
        "improved": gained[:_NAMED],
        "stuck": stuck,
        "rows": rows[:MOST_ROWS],
    }


def sentence(found: Json, level: str) -> str:
    """Who is nearest to the target, and who is stuck since when."""
    known = [row for row in found["rows"] if row["rank"]]
    if not known:
        return say("briefing.standings.none", label=found["measure"]["label"])
    reached = [row for row in known if row["gap"] == 0]
    if found["yes_or_no"]:
        best = [row for row in known if row["text"] == known[0]["text"]]
        said = say(
            "briefing.standings.met",
            total=figure(len(known)),
            level=level,
            count=figure(len(best)),
            label=found["measure"]["label"],
            word=known[0]["text"],
        )
    elif reached:
        said = say(
            "briefing.standings.reached_all"
            if len(reached) == len(known)
            else "briefing.standings.reached",
            total=figure(len(known)),
            level=level,
            count=figure(len(reached)),
            target=free(found["target_text"]),
        )
    else:
        first = [row for row in known if row["rank"] == known[0]["rank"]]
        key = "nearest" if found["target"] is not None else "best"
        said = say(
            f"briefing.standings.{key}",
            names=joined([row["name"] for row in first], 2, level),
            target=free(found["target_text"]),
            label=found["measure"]["label"],
            value=first[0]["text"],
        )
    return f"{said}，{_stuck(found['stuck'], level)}"


def improved(found: Json, level: str) -> str:
    """Who improved most since the start; empty when nobody did."""
    if not found["improved"]:
        return ""
    best = found["improved"][0]["improvement"]
    names = [row["name"] for row in found["improved"] if row["improvement"] == best]
    if found["yes_or_no"]:
        return say(
            "briefing.standings.newly",
            since=found["start_label"],
            names=joined(names, 2, level),
        )
    return say(
        "briefing.standings.improved",
        since=found["start_label"],
        names=joined(names, 2, level),
        change=found["improved"][0]["change_text"],
    )


def method() -> str:
    """What stuck means."""
    return say("briefing.standings.method", months=STUCK_MONTHS)


def place(found: Place, others: Sequence[Place], level: str) -> str:
    """A region among its neighbours, said by what speaks for it; empty without neighbours.

    Its place by value where that is in the better half, else by improvement where that is, else
    nothing: being last is on the list, it need not be read out.
    """
    known = [one for one in others if one.rank]
    if len(known) < 2 or not found.rank or found.reading.measure.direction is Direction.NONE:
        return ""
    half = (len(known) + 1) // 2
    said = ""
    if found.reading.change is not None and (found.improvement or 0) > 0:
        said = say(
            f"briefing.place.{'up' if found.reading.change > 0 else 'down'}",
            change=with_unit(
                figure(abs(found.reading.change), found.reading.measure.digits),
                difference_unit(found.reading.measure.unit),
            ),
        )
    if found.rank <= half:
        told = say(
            "briefing.place.value", count=figure(len(known)), level=level, rank=figure(found.rank)
        )
        return f"{told}；{said}" if said else told
    if said and 0 < found.change_rank <= half:
        return said + say(
            "briefing.place.change",
            count=figure(len(known)),
            level=level,
            rank=figure(found.change_rank),
        )
    return said


def _stuck(rows: list[Json], level: str) -> str:
    if not rows:
        return say("briefing.standings.none_stuck", level=level)
    if len(rows) == 1:
        return say(
            "briefing.standings.stuck_one",
            name=rows[0]["name"],
            since=rows[0]["since_label"],
            months=figure(rows[0]["stuck_months"]),
        )
    return say(
        "briefing.standings.stuck",
        names=joined([row["name"] for row in rows], 2, level),
        name=rows[0]["name"],
        since=rows[0]["since_label"],
    )


def _row(found: Place, aim: float | None) -> Json:
    one = found.reading
    measure = one.measure
    unit = difference_unit(measure.unit)
    change = None if found.improvement is None else one.change
    monthly = None if change is None else _per_month(one)
    speed = None if monthly is None else _sign((one,)) * monthly
    since = found.still.since if found.still is not None and found.still.months else None
    gap_text = say("layers.number.absent")
    if one.yes_or_no and one.current is not None:
        gap_text = leaf_word(measure, one.current)
    elif found.gap is not None:
        gap_text = (
            say("briefing.standings.gap", gap=with_unit(figure(found.gap, measure.digits), unit))
            if found.gap > 0
            else say("briefing.pace.row_reached")
        )
    row: Json = {
        "code": one.region.code,
        "name": one.name,
        "position": one.region.position,
        "level": one.region.level,
        "rank": found.rank,
        "value": one.current,
        "text": one.text(one.current)
        if one.current is not None
        else say(f"layers.status.{one.status.word}"),
        "gap": found.gap,
        "gap_text": gap_text,
        "change": change,
        "change_text": change_text(measure, change, one.yes_or_no),
        "improvement": found.improvement,
        "change_rank": found.change_rank,
        "per_month": None if monthly is None else round(monthly, 6),
        "months_to_target": _way(found.gap, speed),
        "since": since,
        "since_label": periods.label(since) if since else "",
        "stuck": found.stuck,
        "stuck_months": found.still.months if found.still is not None else 0,
        "standing": one.pace.course.value if one.pace is not None and found.rank else "",
        "flag": flag(one.pace) if found.rank else "",
        "reported": one.reported,
        "expected": one.expected,
    }
    row["sentence"] = _told(found, row, aim)
    return row


def _told(found: Place, row: Json, aim: float | None) -> str:
    """One row in words."""
    one = found.reading
    if one.current is None:
        return say("briefing.standings.silent", name=one.name)
    parts = [say("briefing.standings.row", name=one.name, value=row["text"])]
    if aim is not None and found.gap is not None and not one.yes_or_no:
        parts.append(
            say("briefing.standings.row_gap", gap=row["gap_text"]) if found.gap else row["gap_text"]
        )
    if row["change"] is not None and not one.yes_or_no:
        parts.append(say("briefing.standings.row_change", change=row["change_text"]))
    if found.stuck:
        parts.append(say("briefing.standings.row_stuck", since=row["since_label"]))
    return "，".join(parts)


def _order(found: Place) -> tuple[bool, int, bool, int, str]:
    """By distance to target, among equals by improvement, then by code; the unreported last."""
    return (
        not found.rank,
        found.rank,
        not found.change_rank,
        found.change_rank,
        found.reading.region.code,
    )


def _improvement(one: Reading, sign: float) -> float | None:
    if one.change is None or one.late:
        return None
    return sign * one.change + 0.0


def _short(one: Reading, gap: float | None) -> bool:
    """Whether there is anything left to reach."""
    if one.current is None or one.measure.direction is Direction.NONE:
        return False
    if gap is not None:
        return gap > 0
    if one.measure.direction is Direction.LESS:
        return one.current > 0
    return not (one.measure.rule.is_share and one.current >= 100)


def _per_month(one: Reading) -> float | None:
    """Mean change a month since the first report; None with fewer than two dated ones."""
    if one.change is None or one.first is None or one.at is None:
        return None
    months = periods.parse(one.there[one.at]).end - periods.parse(one.there[one.first]).end
    return one.change / months if months else None


def _way(gap: float | None, speed: float | None) -> int | None:
    """Months to the target at the pace since the start; None when it never comes."""
    if gap is None:
        return None
    if gap == 0:
        return 0
    if speed is None or speed <= 0:
        return None
    months = math.ceil(round(gap / speed, 6))
    return months if months <= _LONGEST_WAY else None


def _sign(readings: Sequence[Reading]) -> float:
    return -1.0 if readings[0].measure.direction is Direction.LESS else 1.0


def _trimmed(value: float, digits: int, unit: str) -> str:
    return with_unit(figure(value, digits, trim=True), unit)
