"""What the public API says: the API's own answers, of what was published and no more."""

from __future__ import annotations

from typing import Any

from dashboard import api
from geodata.edition import Edition
from geodata.errors import AtlasError
from geodata.vocabulary import Status
from geodata.words import say
from geodata.workspace import Measure

Json = dict[str, Any]


class Withdrawn(AtlasError):
    """A measure that was published once and is no more; says why."""

    http_status = 410


def edition(book: Edition) -> Json:
    """As `api.edition`, with the levels that each measure was published at, what was withdrawn
    and how much was held back for small numbers.
    """
    told = api.edition(book)
    for one in told["measures"]:
        one["cutoff"] = book.cutoff_of(one["id"])
        one["levels"] = list(levels(book, one["id"]))
    return told | {
        "withdrawn": [
            {key: one[key] for key in ("id", "label", "reason", "at") if key in one}
            for one in withdrawn(book)
        ],
        "suppression": book.manifest.get("suppression"),
    }


def regions(book: Edition, parent: str | None) -> Json:
    """The children of a region; without one, the root itself. Raises `UnknownName`."""
    return api.regions(book, parent)


def region(book: Edition, code: str, measure: str | None, round_id: str | None) -> Json:
    """A region, the path to it, and each published measure's series there.

    Parameters
    ----------
    measure, round_id : only this one's; all by default.

    Raises
    ------
    UnknownName, Withdrawn
    """
    one = book.region(code)
    wanted = [_measure(book, measure)] if measure is not None else book.measures
    only = book.space.round(round_id).id if round_id is not None else None
    return {
        "edition": book.id,
        **_carried(book),
        **api.region(book, one),
        "path": [
            {"code": above.code, "name": above.name, "level": above.level}
            for above in book.ancestors(one.code)
        ],
        "measures": [
            _series(book, found, name, one.level, one.position)
            for found in wanted
            for name in found.rounds
            if only in (None, name) and book.has(found.id, name) and book.shows(found.id, one.level)
        ],
    }


def values(
    book: Edition, name: str, level: str | None, period: str | None, round_id: str | None
) -> Json:
    """As `api.values`, with source, cut-off and licence; by default the first level below the
    root that the measure was published at.

    Raises
    ------
    UnknownName : also for a level that the measure was not published at.
    BadRequest, Withdrawn
    """
    one = _measure(book, name)
    if level is None:
        root = book.space.root.id
        level = next((found for found in levels(book, one.id) if found != root), root)
    told = api.values(book, one.id, level, period, round_id)
    rows = told.pop("rows")
    return {**told, "label": one.label, **_carried(book, one), "rows": rows}


def levels(book: Edition, measure: str) -> tuple[str, ...]:
    """The levels that a measure was published at."""
    return tuple(level.id for level in book.levels if book.shows(measure, level.id))


def _series(book: Edition, one: Measure, round_id: str, level: str, position: int) -> Json:
    found = book.values(one.id, round_id, level)
    return {
        "measure": one.id,
        "label": one.label,
        "unit": one.unit,
        "round": round_id,
        "source": _carried(book, one)["source"],
        "cutoff": book.cutoff_of(one.id),
        "periods": list(found.periods),
        "value": api.numbers(found.value[:, position]),
        "numerator": api.numbers(found.numerator[:, position]),
        "denominator": api.numbers(found.denominator[:, position]),
        "reported": found.reported[:, position].tolist(),
        "expected": found.expected[:, position].tolist(),
        "verified": found.verified[:, position].tolist(),
        "status": [Status(one).word for one in found.status[:, position].tolist()],
    }


def _measure(book: Edition, name: str) -> Measure:
    for one in withdrawn(book):
        if one.get("id") == name:
            reason = one.get("reason") or say("public_server.no_reason")
            raise Withdrawn(
                say("public_server.withdrawn", label=one.get("label", name), reason=reason)
            )
    return book.space.measure(name)


def _carried(book: Edition, one: Measure | None = None) -> Json:
    """What goes with every number: of a measure, or of all."""
    notices = book.notices()
    told = {key: notices[key] for key in ("source", "licence", "approval_number", "demo")}
    source = one.source if one is not None else ""
    return told | {
        "source": source or notices["source"],
        "cutoff": book.cutoff_of(one.id if one is not None else None),
    }


def withdrawn(book: Edition) -> list[Json]:
    """Measures that were published once and are no more: `id`, `label`, `reason`, `at`."""
    listed = book.manifest.get("withdrawn")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
