"""What the API says: pure functions from an edition and checked words to JSON-able dicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from geodata import periods
from geodata.edition import Edition, Region
from geodata.errors import BadRequest, UnknownName
from geodata.vocabulary import Status
from geodata.words import say
from geodata.workspace import Measure
from layers.view import View, resolve

Json = dict[str, Any]

LONGEST_SEARCH = 64
_STATUS = {status.value: status.word for status in Status}


def edition(book: Edition) -> Json:
    """Id, title, notices, levels with counts, rounds, and measures with all that they carry."""
    space = book.space
    return {
        "id": book.id,
        **book.notices(),
        "levels": [
            {"id": level.id, "label": level.label, "count": len(book.regions(level.id))}
            for level in book.levels
        ],
        "rounds": [
            {
                "id": one.id,
                "label": one.label,
                "years": one.years,
                "step": one.step,
                "periods": [{"id": name, "label": periods.label(name)} for name in one.periods],
                "measures": [m.id for m in space.measures if book.has(m.id, one.id)],
                "note": one.note,
            }
            for one in space.rounds
        ],
        "measures": [measure(book, one) for one in space.measures],
    }


def measure(book: Edition, one: Measure) -> Json:
    """A measure: label, unit, direction, rule, base, breaks, source, cut-off, rounds, plan."""
    carried = one.model_dump(
        mode="json", exclude={"plan", "rounds", "base", "source", "value", "where", "weight"}
    )
    return carried | {
        "base": one.leaves.value,
        "source": one.source or book.notices()["source"],
        "cutoff": book.cutoff,
        "rounds": [
            {
                "round": name,
                "periods": list(book.periods(one.id, name)),
                "plan": [
                    {"period": point.period, "value": point.value, "label": point.label}
                    for point in book.plan(one.id, name)
                ],
            }
            for name in one.rounds
            if book.has(one.id, name)
        ],
    }


def region(book: Edition, one: Region) -> Json:
    """A region in short."""
    return {
        "code": one.code,
        "name": one.name,
        "level": one.level,
        "position": one.position,
        "lon": round(one.lon, 6),
        "lat": round(one.lat, 6),
        "bounds": [round(side, 6) for side in one.bounds],
        "area_km2": round(one.area_km2, 4),
        "leaves": one.leaves,
    }


def regions(book: Edition, parent: str | None) -> Json:
    """The children of a region; without one, the root itself, where the tree begins."""
    if parent is None:
        return {"parent": None, "regions": [region(book, book.root)]}
    above = book.region(parent)
    return {
        "parent": region(book, above),
        "path": [
            {"code": r.code, "name": r.name, "level": r.level} for r in book.ancestors(parent)
        ],
        "regions": [region(book, one) for one in book.children(above.code)],
    }


def profile(
    book: Edition,
    code: str,
    asked: Mapping[str, str],
    tell: Callable[[Edition, View], Json],
) -> Json:
    """A region with its profile under a measure, round and period (by default the first map's).

    Raises
    ------
    UnknownName : for any of the names; unlike a screen, the API does not take the nearest period.
    """
    view = View(
        region=code,
        round=asked.get("round"),
        measure=asked.get("measure"),
        period=asked.get("period"),
    )
    look = resolve(view, book)
    if view.period is not None and view.period not in look.periods:
        raise UnknownName.among("period", view.period, look.periods)
    return {"edition": book.id, **region(book, look.region), **tell(book, view)}


def values(
    book: Edition, name: str, level: str | None, period: str | None, round_id: str | None
) -> Json:
    """Rows of a measure at a level and period: by default below the root, the latest period.

    Raises
    ------
    UnknownName : measure, level, round, or a period that the measure does not have there.
    BadRequest : a period that is none.
    """
    one = book.space.measure(name)
    there = [found for found in one.rounds if book.has(one.id, found)]
    chosen = book.space.round(round_id).id if round_id is not None else (there or [""])[-1]
    if chosen not in there:
        raise UnknownName(
            say("api.no_values", measure=one.label, round=round_id or "—"),
            cure=say("error.allowed", names="、".join(there)) if there else "",
        )
    at = book.space.level(level).id if level is not None else book.levels[1].id
    table = book.values(one.id, chosen, at)
    if period is None:
        row = len(table.periods) - 1
    else:
        if period != periods.ALWAYS:
            periods.parse(period)
        if period not in table.periods:
            raise UnknownName.among("period", period, table.periods)
        row = table.periods.index(period)
    frame = book.regions(at)
    columns = {
        "code": frame["code"].tolist(),
        "name": frame["name"].tolist(),
        "value": numbers(table.value[row]),
        "numerator": numbers(table.numerator[row]),
        "denominator": numbers(table.denominator[row]),
        "reported": table.reported[row].tolist(),
        "expected": table.expected[row].tolist(),
        "verified": table.verified[row].tolist(),
        "status": [_STATUS[status] for status in table.status[row].tolist()],
    }
    return {
        "edition": book.id,
        "measure": one.id,
        "round": chosen,
        "level": at,
        "period": table.periods[row],
        "unit": one.unit,
        "rows": [
            dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        ],
    }


def search(book: Edition, text: str) -> list[Json]:
    """Regions for what was typed, best first, each with the path of names above it."""
    if len(text) > LONGEST_SEARCH:
        raise BadRequest(
            say("api.search_long"), cure=say("api.search_long_cure", most=LONGEST_SEARCH)
        )
    labels = {level.id: level.label for level in book.levels}
    return [
        {
            "code": one.code,
            "name": one.name,
            "level": one.level,
            "label": labels[one.level],
            "path": [above.name for above in book.ancestors(one.code)],
        }
        for one in book.search(text)
    ]


def numbers(row: np.ndarray[Any, Any]) -> list[float | int | None]:
    """A row for JSON: what is not a number is null; whole numbers without a point."""
    found: list[float | int | None] = []
    for number in row.tolist():
        if math.isnan(number):
            found.append(None)
        elif float(number).is_integer():
            found.append(int(number))
        else:
            found.append(round(number, 6))
    return found
