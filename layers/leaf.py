"""What is known of one leaf: items, histories, helpers, rank, gaps in its reports, provenance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Base, IndicatorType, Status
from geodata.words import say
from geodata.workspace import Measure, Round
from layers.numbers import figure, with_unit
from layers.ranking import ranks
from layers.view import Resolved

Json = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """One reported value with its provenance."""

    round: str
    indicator: str
    period: str
    value: float
    status: Status
    batch: str
    file: str
    row: int

    @property
    def source(self) -> Json:
        """Where it comes from, for JSON."""
        return {
            "period": self.period,
            "period_label": periods.label(self.period),
            "status": self.status.word,
            "status_label": say(f"layers.status.{self.status.word}"),
            "batch": self.batch,
            "file": self.file,
            "row": self.row,
        }


Reports = Mapping[str, tuple[Fact, ...]]
"""Indicator -> its facts in time; of one period the common one before a round's own."""


def reports(edition: Edition, code: str, *indicators: str) -> Reports:
    """All that was reported for a leaf, or of some indicators only; raises `UnknownName`, or
    `BadRequest` for no leaf.
    """
    frame = edition.facts(code, *indicators)
    names = ("round", "indicator", "period", "value", "status", "batch", "file", "row")
    columns = [frame[name].tolist() for name in names]
    found: dict[str, list[Fact]] = {}
    for round_, indicator, period, value, status, batch, file, row in zip(*columns, strict=True):
        fact = Fact(
            str(round_),
            str(indicator),
            str(period),
            float(value),
            Status(int(status)),
            str(batch),
            str(file),
            int(row),
        )
        found.setdefault(fact.indicator, []).append(fact)
    return {
        name: tuple(sorted(facts, key=lambda one: (_end(one.period), one.period, one.round)))
        for name, facts in found.items()
    }


def details(edition: Edition, look: Resolved) -> Json:
    """All of a leaf's profile that a region above it does not have."""
    known = reports(edition, look.region.code)
    return {
        "target": {one.id: is_target(edition, one, look.region) for one in edition.rounds},
        "items": [
            found
            for one in edition.rounds
            if (found := items(edition, one, look.region, known)) is not None
        ],
        "curves": curves(edition, look.measure, known),
        "entities": entities(edition, look.round, look.region),
        "neighbours": neighbours(edition, look, look.measure) if look.measure else [],
        "missing": missing(edition, look.round, look.region, known),
        "provenance": provenance(edition, known),
    }


def is_target(edition: Edition, round: Round, region: Region) -> bool:
    """Whether a leaf is one of the round's targets."""
    return bool(edition.targets(round.id)[region.position])


def items(edition: Edition, round: Round, region: Region, known: Reports) -> Json | None:
    """The round's items of a leaf: has, lacks or not reported, each with its source.

    None for a round without items, or one that the leaf has nothing to do with.
    """
    if not round.items:
        return None
    target = is_target(edition, round, region)
    inside = _reach(round)
    lines: list[Json] = []
    for name in round.items:
        line: Json = {
            "id": name,
            "label": edition.space.indicator(name).label,
            "state": "unknown",
        }
        mine = [
            fact
            for fact in known.get(name, ())
            if fact.round in (round.id, "") and inside(fact.period)
        ]
        if mine:
            line |= {"state": "has" if mine[-1].value == 1 else "lacks", **mine[-1].source}
        line["state_label"] = say(f"layers.item.{line['state']}")
        lines.append(line)
    if not target and all(line["state"] == "unknown" for line in lines):
        return None
    tally = {
        state: sum(line["state"] == state for line in lines)
        for state in ("has", "lacks", "unknown")
    }
    return {
        "round": {"id": round.id, "label": round.label},
        "target": target,
        "items": lines,
        **tally,
        "sentence": say("layers.profile.items", total=len(lines), **tally),
    }


def curves(edition: Edition, measure: Measure | None, known: Reports) -> list[Json]:
    """The leaf's histories over all rounds, each with its policy thresholds.

    First of the measure that is shown, then of what rounds rank their targets by and of what has
    a plan.
    """
    wanted: dict[str, None] = {}

    def want(one: Measure) -> None:
        name = one.where.indicator if one.where else one.value
        if name is not None:  # no file reports what follows the ledger
            wanted.setdefault(name)

    if measure:
        want(measure)
    for item in edition.rounds:
        if item.selection:
            wanted.setdefault(item.selection.indicator)
    for one in edition.measures:
        if one.plan and not one.rule.is_share:
            want(one)
    found = []
    for name in wanted:
        indicator = edition.space.indicator(name)
        if indicator.type is IndicatorType.FLAG or indicator.derive is not None:
            continue
        # Of one period the last stands: a round's own value after the common one.
        facts = {fact.period: fact for fact in known.get(name, ()) if fact.period != periods.ALWAYS}
        if not facts:
            continue
        showing = [m for m in edition.measures if m.value == name and not m.rule.is_share]
        found.append(
            {
                "indicator": name,
                "label": indicator.label,
                "unit": indicator.unit,
                "digits": max((m.digits for m in showing), default=1),
                "points": [
                    {"value": round(fact.value, 6), **fact.source} for fact in facts.values()
                ],
                "thresholds": sorted({b for m in showing for b in m.breaks if b > 0}),
            }
        )
    return found


def entities(edition: Edition, round: Round, region: Region) -> list[Json]:
    """Who is at work in the leaf in the round, by kind, in the words of the files."""
    found = []
    for kind in dict.fromkeys(s.entity for s in edition.space.sources if s.entity):
        frame = edition.entities(kind, round.id, region.code)
        if len(frame):
            found.append(
                {
                    "kind": kind,
                    "label": kind_label(edition, kind, round),
                    "items": [
                        _entity(edition, kind, {str(key): value for key, value in row.items()})
                        for row in frame.to_dict("records")
                    ],
                }
            )
    return found


def kind_label(edition: Edition, kind: str, round: Round) -> str:
    """What people call a kind of entity: as a headline figure counts it, else as its source."""
    for one in round.figures:
        if one.count == kind and not one.where:
            return one.label
    for source in edition.space.sources:
        if source.entity == kind and source.label:
            return source.label
    return kind


def _entity(edition: Edition, kind: str, row: Mapping[str, Any]) -> Json:
    headings: dict[str, str] = {}
    for source in edition.space.sources:
        if source.entity == kind:
            headings |= source.attributes
    since = str(row["since"])
    return {
        "id": str(row["id"]),
        "name": str(row["name"]),
        "since": since,
        "since_label": periods.label(since) if since else "",
        "via": [str(one) for one in row["via"]],
        "attributes": [
            {"id": key, "label": headings.get(key, key), "value": str(value)}
            for key, value in row["attributes"].items()
            if value not in ("", None)
        ],
        "file": str(row["file"]),
        "row": int(row["row"]),
    }


def neighbours(edition: Edition, look: Resolved, measure: Measure) -> list[Json]:
    """Where a leaf stands among the leaves of each region above it, nearest first.

    Nothing for a share, which is only yes or no, for a leaf without a value, and where leaves are
    not public.
    """
    level = look.region.level
    if not edition.shows(measure.id, level):
        return []
    row = edition.values(measure.id, look.round.id, level).value[look.period]
    if np.isnan(row[look.region.position]) or measure.rule.is_share:
        return []
    found = []
    for above in reversed(edition.ancestors(look.region.code)):
        places = edition.descendants(above.code, level)
        place = ranks(row[places], measure.direction)
        own = int(place[np.flatnonzero(places == look.region.position)[0]])
        count = int((place > 0).sum())
        found.append(
            {
                "code": above.code,
                "name": above.name,
                "level": above.level,
                "rank": own,
                "of": count,
                "sentence": say(
                    "layers.profile.rank",
                    name=above.name,
                    rank=own,
                    count=count,
                    leaf=edition.levels[-1].label,
                ),
            }
        )
    return found


def missing(edition: Edition, round: Round, region: Region, known: Reports) -> list[Json]:
    """Reports that others sent for a period of the round and this leaf did not, by indicator.

    Only what files report is asked for, and what speaks about targets only of a target.
    """
    target = is_target(edition, round, region)
    asked: dict[str, tuple[str, ...]] = {}
    for measure in edition.measures:
        name = measure.where.indicator if measure.where else measure.value
        if name is None or name in asked or not edition.has(measure.id, round.id):
            continue
        if measure.leaves is Base.TARGETS and not target:
            continue
        if edition.space.indicator(name).derive is None:
            there = edition.periods(measure.id, round.id)
            asked[name] = tuple(one for one in there if one != periods.ALWAYS)
    found = []
    for name, there in asked.items():
        sent = {fact.period for fact in known.get(name, ()) if fact.round in (round.id, "")}
        # A value for the whole round stands in every period.
        lacking = [] if periods.ALWAYS in sent else [one for one in there if one not in sent]
        if lacking:
            label = edition.space.indicator(name).label
            found.append(
                {
                    "indicator": name,
                    "label": label,
                    "count": len(lacking),
                    "periods": lacking,
                    "sentence": say(
                        "layers.profile.missing",
                        label=label,
                        count=len(lacking),
                        periods="、".join(spans(lacking, there)),
                    ),
                }
            )
    return found


def spans(chosen: Iterable[str], there: Iterable[str]) -> list[str]:
    """Labels of runs of neighbouring periods: 2021年7月至2021年9月."""
    names = list(there)
    runs: list[list[int]] = []
    for place in sorted(names.index(one) for one in chosen):
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [
        periods.label(names[run[0]])
        if len(run) == 1
        else say(
            "layers.profile.span",
            first=periods.label(names[run[0]]),
            last=periods.label(names[run[-1]]),
        )
        for run in runs
    ]


def provenance(edition: Edition, known: Reports) -> list[Json]:
    """Where each number comes from: the latest fact of each indicator in each round."""
    rounds = {one.id: one.label for one in edition.rounds}
    found = []
    for indicator in edition.space.indicators:
        latest = {fact.round: fact for fact in known.get(indicator.id, ())}
        for fact in latest.values():
            if indicator.type is IndicatorType.FLAG:
                text = say("layers.flag.true") if fact.value == 1 else say("layers.flag.false")
            else:
                digits = 0 if fact.value == int(fact.value) else 2
                text = with_unit(figure(fact.value, digits, trim=True), indicator.unit)
            found.append(
                {
                    "indicator": indicator.id,
                    "label": indicator.label,
                    "round": fact.round,
                    "round_label": rounds.get(fact.round, ""),
                    "value": fact.value,
                    "text": text,
                    **fact.source,
                }
            )
    order = ["", *rounds]
    return sorted(found, key=lambda one: order.index(str(one["round"])))


def _reach(round: Round) -> Callable[[str], bool]:
    """Whether a period is inside a round; a round without dates takes everything."""
    if round.start is None or round.stop is None:
        return lambda period: True
    months = periods.span(round.start, round.stop, "month")
    first, last = months[0].end, months[-1].end
    return lambda period: period == periods.ALWAYS or first <= _end(period) <= last


@cache
def _end(period: str) -> int:
    """Months since year 0; what holds for the whole round comes first."""
    return -1 if period == periods.ALWAYS else periods.parse(period).end
