"""What visitors saw, beside what was reported: the report says paved, the visitor saw mud.

An observation is of an indicator that files report (one of the round's items, or another flag or
number behind a measure). It keeps what the edition said on that day, so that a later edition does
not rewrite what was contradicted; what is reported since then is told beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from geodata import periods
from geodata.edition import Edition, Region
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import lookup, tables, where, written
from geodata.ledger.roles import Actor, Right
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Forbidden, Refused
from geodata.vocabulary import IndicatorType
from geodata.words import say
from geodata.workspace import Indicator, Workspace

MOST = 40
"""Observations of one visit."""
NOTE = 200
SHOWN = 60
"""Observations of a village that a panel is given, the newest first."""

Value = bool | float

_MONTHS = {"year": 12, "quarter": 3, "month": 1}


@dataclass(frozen=True)
class Reported:
    """A value that the edition holds for a leaf."""

    period: str
    value: Value


def indicators(space: Workspace) -> tuple[Indicator, ...]:
    """What may be observed in the round of contact points: its items, then what else is measured.

    Only what files report: what is computed from other indicators cannot be seen in a village.
    """
    item = space.contact_round
    names = dict.fromkeys(item.items)
    for measure in space.measures:
        if item.id in measure.rounds:
            name = measure.where.indicator if measure.where else measure.value
            # A measure of the ledger itself has no indicator.
            if name is not None:
                names[name] = None
    names.pop(item.target or "", None)
    known = (space.indicator(name) for name in names)
    return tuple(one for one in known if one.derive is None)


def choices(edition: Edition, village: str = "", day: str = "") -> list[Json]:
    """What a form offers to observe; with a village also what is reported of it.

    Returns
    -------
    Rows `indicator`, `label`, `kind` (flag, count, number), `unit`, `item` (one of the round's),
    `min`, `max`, `reported_text`, `period_label`; the last two "" when nothing was reported.
    """
    space = edition.space
    items = space.contact_round.items
    known: Mapping[str, Reported] = {}
    if village:
        known = reported(edition, where.village(edition, village), day)
    found = []
    for one in indicators(space):
        at = known.get(one.id)
        found.append(
            {
                "indicator": one.id,
                "label": one.label,
                "kind": one.type.value,
                "unit": one.unit,
                "item": one.id in items,
                "min": one.min,
                "max": one.max,
                "reported_text": text(one, at.value, one.id in items) if at else "",
                "period_label": periods.label(at.period) if at else "",
            }
        )
    return found


def reported(edition: Edition, village: Region, day: str = "") -> dict[str, Reported]:
    """The last value that was reported of each indicator, by indicator.

    Parameters
    ----------
    day : only periods that had begun by then; "" for all.
    """
    frame = edition.facts(village.code)
    frame = frame[frame["round"].isin([edition.space.contact_round.id, ""])]
    until = _month(day) if day else math.inf
    best: dict[str, tuple[int, bool]] = {}
    found: dict[str, Reported] = {}
    columns = [frame[name].tolist() for name in ("round", "indicator", "period", "value")]
    for scope, indicator, period, value in zip(*columns, strict=True):
        begin, end = _extent(str(period))
        # Of one period the round's own value stands, not the one for all rounds.
        rank = (end, scope != "")
        name = str(indicator)
        if begin > until or (name in best and best[name] > rank):
            continue
        best[name] = rank
        flag = edition.space.indicator(name).type is IndicatorType.FLAG
        found[name] = Reported(str(period), float(value) == 1.0 if flag else float(value))
    return found


def contradicts(indicator: Indicator, seen: Value, report: Value | None) -> bool:
    """Whether what was seen speaks against a report; never where nothing was reported.

    A number is compared as exactly as the visitor wrote it: 12 does not contradict 12.3.
    """
    if report is None:
        return False
    if indicator.type is IndicatorType.FLAG or indicator.type is IndicatorType.COUNT:
        return seen != report
    return abs(float(seen) - float(report)) > 0.5 * 10.0 ** -_digits(float(seen)) + 1e-9


def make(
    decision: Decision,
    edition: Edition,
    village: Region,
    visit: str,
    day: str,
    asked: Iterable[Mapping[str, Any]],
) -> list[Json]:
    """Write down what was seen during a visit; part of the visit's own decision.

    Returns
    -------
    Rows as `of` gives them, in the order that they were asked.

    Raises
    ------
    UnknownName, BadRequest, Refused : an indicator or a value that cannot be.
    """
    space = edition.space
    known = {one.id: one for one in indicators(space)}
    reports: Mapping[str, Reported] | None = None
    found: list[Json] = []
    done: set[str] = set()
    for one in asked:
        name = one.get("indicator")
        if not isinstance(name, str) or name not in known:
            raise UnknownName(
                say("visit.unknown_indicator"),
                value=name,
                cure=say("error.allowed", names=written.joined([i.label for i in known.values()])),
            )
        indicator = known[name]
        if name in done:
            raise Refused(say("visit.twice", label=indicator.label), cure=say("visit.twice_cure"))
        done.add(name)
        with written.within(f"observations.{name}"):
            value = _value(indicator, one.get("value"))
            note = written.text(one, "note", NOTE)
        if reports is None:
            reports = reported(edition, village, day)
        at = reports.get(name)
        values: Json = {
            "visit": visit,
            "round": space.contact_round.id,
            "village": village.code,
            "indicator": name,
            "period": at.period if at else "",
            "value": json.dumps(value),
            "reported": json.dumps(at.value if at else None),
            "note": note,
            "author": decision.actor.id,
            "withdrawn": False,
            "day": day,
        }
        made = decision.add(tables.observation, "observation.made", **values)
        found.append(_told({**values, "id": made}, space, None) | {"note": note})
    return found


def withdraw(ledger: Ledger, actor: Actor, identifier: str, reason: str, *, key: str = "") -> Json:
    """Take back one observation: its author's or the office's right, with a reason.

    Raises
    ------
    Forbidden, UnknownName, Refused
    """
    why = written.text({"reason": reason}, "reason", NOTE, required=True)

    def work(decision: Decision) -> Json:
        row = lookup.row(decision, tables.observation, identifier)
        if not (actor.may(Right.DIRECT) or row["author"] == actor.id):
            raise Forbidden(say("visit.not_author"), cure=say("visit.not_author_cure"))
        decision.change(
            tables.observation, identifier, "observation.withdrawn", why, withdrawn=True
        )
        return {"id": identifier, "seq": decision.seq}

    asked = written.asked_for("observation.withdraw", identifier, why)
    return ledger.decide(actor, work, key=key, asked=asked)


def of(ledger: Ledger, edition: Edition, village: str, *, people: bool) -> list[Json]:
    """What was seen in a village, the newest first; what was withdrawn is left out.

    Parameters
    ----------
    people : whether to say who saw it, and the visitor's own words; for `Right.LEDGER` alone.
        Without, a reader learns that it was seen on the spot, and when.

    Returns
    -------
    Rows `id`, `visit`, `round`, `indicator`, `label`, `item`, `period`, `period_label`,
    `reported_text`, `seen_text`, `contradicts` (what was reported then), `stands` (it contradicts
    the newest report), `day`, `day_text`, `latest` (no newer one of the indicator), `sentence`,
    `now`; with people `author_label` and `note`. `now` is None, or what is reported since:
    `period`, `period_label`, `text`, `contradicts`.
    """
    seen, account = tables.observation.c, tables.account.c
    query = (
        sa.select(tables.observation, account.label.label("author_label"))
        .select_from(tables.observation.outerjoin(tables.account, account.id == seen.author))
        .where(seen.village == written.cleaned(village), seen.withdrawn.is_(False))
        .order_by(seen.day.desc(), seen.created_at.desc(), seen.id)
        .limit(SHOWN)
    )
    rows = [{**row} for row in ledger.rows(query)]
    if not rows:
        return []
    try:
        reports = reported(edition, where.village(edition, village))
    except UnknownName:
        reports = {}
    found = []
    told: set[tuple[str, str]] = set()
    for row in rows:
        one = _told(row, edition.space, reports.get(row["indicator"]))
        key = (row["round"], row["indicator"])
        one["latest"] = key not in told
        told.add(key)
        if people:
            one["note"] = row["note"]
            one["author_label"] = row["author_label"] or ""
            if one["author_label"]:
                one["sentence"] += say("visit.seen.by", label=one["author_label"])
            if one["note"]:
                one["sentence"] += say("visit.seen.note", note=one["note"])
        found.append(one)
    return found


def text(indicator: Indicator, value: Value, item: bool = False) -> str:
    """A value in words: an item is there or lacking, another flag is yes or no."""
    if isinstance(value, bool):
        kind = "item" if item else "flag"
        return say(f"visit.{kind}.{'true' if value else 'false'}")
    shown = f"{abs(value):,.6f}".rstrip("0").rstrip(".")
    shown = ("\N{MINUS SIGN}" if value < 0 and shown != "0" else "") + shown
    if not indicator.unit:
        return shown
    return f"{shown}{indicator.unit}" if indicator.unit in "%‰°" else f"{shown} {indicator.unit}"


def _told(row: Mapping[str, Any], space: Workspace, present: Reported | None) -> Json:
    """A row as people read it, without who saw it."""
    known = {one.id: one for one in space.indicators}
    # An indicator of an older edition: its values still say something.
    indicator = known.get(row["indicator"]) or Indicator(
        id=row["indicator"], label=row["indicator"], type=IndicatorType.NUMBER
    )
    item = any(one.id == row["round"] and indicator.id in one.items for one in space.rounds)
    value, report = json.loads(row["value"]), json.loads(row["reported"])
    against = _comparable(value, report) and contradicts(indicator, value, report)
    seen_text = text(indicator, value, item)
    reported_text = "" if report is None else text(indicator, report, item)
    now: Json | None = None
    if (
        present is not None
        and _comparable(value, present.value)
        and (present.period, present.value) != (row["period"], report)
    ):
        now = {
            "period": present.period,
            "period_label": periods.label(present.period),
            "text": text(indicator, present.value, item),
            "contradicts": contradicts(indicator, value, present.value),
        }
    words = {
        "day": written.day_words(row["day"]),
        "label": indicator.label,
        "seen": seen_text,
        "period": periods.label(row["period"]) if row["period"] else "",
        "reported": reported_text,
    }
    how = "alone" if report is None else "against" if against else "agrees"
    sentence = say(f"visit.seen.{how}", **words)
    if now is not None:
        sentence += say("visit.seen.since", period=now["period_label"], reported=now["text"])
    return {
        "id": row["id"],
        "visit": row["visit"],
        "round": row["round"],
        "indicator": indicator.id,
        "label": indicator.label,
        "item": item,
        "period": row["period"],
        "period_label": words["period"],
        "reported_text": reported_text,
        "seen_text": seen_text,
        "contradicts": against,
        "stands": against if now is None else now["contradicts"],
        "day": row["day"],
        "day_text": words["day"],
        "sentence": sentence,
        "now": now,
    }


def _comparable(value: Value, report: Value | None) -> bool:
    """Whether both are flags or both are numbers: an indicator's type may have changed."""
    return isinstance(value, bool) is isinstance(report, bool) or report is None


def _value(indicator: Indicator, value: object) -> Value:
    """A value as the indicator's type wants it; raises `BadRequest` or `Refused`."""
    if indicator.type is IndicatorType.FLAG:
        if isinstance(value, bool):
            return value
        raise BadRequest(
            say("visit.not_flag", label=indicator.label),
            value=value,
            cure=say("visit.not_flag_cure"),
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(
            say("visit.not_number", label=indicator.label),
            value=value,
            cure=say("visit.not_number_cure"),
        )
    whole = indicator.type is IndicatorType.COUNT
    low = 0.0 if whole and indicator.min is None else indicator.min
    # Compared before it becomes a float: a whole number may be too long for one.
    inside = (
        (isinstance(value, int) or math.isfinite(value))
        and abs(value) <= 1e12
        and (low is None or value >= low)
        and (indicator.max is None or value <= indicator.max)
    )
    if not inside or (whole and value != int(value)):
        raise Refused(
            say("visit.out_of_range", label=indicator.label),
            value=value if isinstance(value, float) or abs(value) < 10**15 else "",
            cure=say(
                f"visit.out_of_range_{'count' if whole else 'number'}",
                low="—" if low is None else f"{low:g}",
                high="—" if indicator.max is None else f"{indicator.max:g}",
                unit=indicator.unit,
            ),
        )
    return float(value)


def _digits(value: float) -> int:
    """Digits after the point that a number was written with, at most nine."""
    shown = f"{value:.9f}".rstrip("0")
    return len(shown.partition(".")[2])


def _extent(period: str) -> tuple[int, int]:
    """First and last month of a period; what holds for a whole round comes before all others."""
    if period == periods.ALWAYS:
        return -1, -1
    found = periods.parse(period)
    return found.end - _MONTHS[found.step] + 1, found.end


def _month(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7]) - 1
