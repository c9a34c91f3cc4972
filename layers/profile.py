"""The profile of a region: figures, plan, ranking; for a leaf also items, history and helpers."""

from __future__ import annotations

from typing import Any

import numpy as np

from geodata import periods
from geodata.edition import Edition
from geodata.vocabulary import Direction, Status
from geodata.words import say
from geodata.workspace import Measure
from layers import leaf
from layers import picture as pictures
from layers.classify import leaf_word
from layers.numbers import amount, figure, plain, with_unit
from layers.plan import standing
from layers.ranking import order, ranks
from layers.view import Resolved, View, resolve

Json = dict[str, Any]


def profile(edition: Edition, view: View) -> Json:
    """A region's or a leaf's profile under a view, JSON-able.

    Raises
    ------
    UnknownName : as `resolve`.
    """
    return of(edition, resolve(view, edition))


def of(edition: Edition, look: Resolved) -> Json:
    """The profile of a view that was resolved already."""
    region, measure = look.region, look.measure
    head: Json = {
        "kind": "leaf" if look.leaf else "region",
        "code": region.code,
        "name": region.name,
        "level": region.level,
        "level_label": edition.space.level(region.level).label,
        "path": [
            {"code": one.code, "name": one.name, "level": one.level}
            for one in edition.ancestors(region.code)
        ],
        "area_km2": round(float(region.area_km2), 2),
        "leaves": int(region.leaves),
        "leaf_label": edition.levels[-1].label,
        "round": {"id": look.round.id, "label": look.round.label, "note": look.round.note},
        "period": _period(look.period_id),
        "measure": pictures.describe(edition, measure) if measure else None,
        "figures": [
            {**one, "text": _figure_text(one)}
            for one in pictures.figures(edition, look.round.id, region.code, look.period_id)
        ],
        "now": None,
        "progress": [],
        "children": [],
        "sentences": [],
    }
    if measure:
        head["now"] = now(edition, look, measure)
        head["progress"] = progress(edition, look, measure)
        head["children"] = ranked(edition, look, measure)
    head["sentences"] = sentences(edition, look, head)
    if look.leaf:
        head.update(leaf.details(edition, look))
    return head


def now(edition: Edition, look: Resolved, measure: Measure) -> Json | None:
    """The region's value at the period, with what it rests on; None where it is not public."""
    if not edition.shows(measure.id, look.region.level):
        return None
    values = edition.values(measure.id, look.round.id, look.region.level)
    at = (look.period, look.region.position)
    status = Status(int(values.status[at]))
    value = float(values.value[at])
    reported, expected = int(values.reported[at]), int(values.expected[at])
    return {
        "value": plain(value),
        "text": say(f"layers.status.{status.word}")
        if np.isnan(value)
        else _value_text(measure, value, look.leaf),
        "numerator": plain(float(values.numerator[at])),
        "denominator": plain(float(values.denominator[at])),
        "reported": reported,
        "expected": expected,
        "verified": int(values.verified[at]),
        "status": status.word,
        "status_label": say(f"layers.status.{status.word}"),
    }


def progress(edition: Edition, look: Resolved, measure: Measure) -> list[Json]:
    """Each plan point against the region's series.

    The promise is made for the root; below it the same yardstick is held, and `own` is false.
    A leaf of a share is yes or no: no yardstick for it.
    """
    if look.leaf and measure.rule.is_share:
        return []
    if not edition.shows(measure.id, look.region.level):
        return []
    # A promised sum is the whole's; a part of it has no promise of its own.
    own = look.region.code == edition.root.code
    if not own and measure.rule.value == "sum":
        return []
    values = edition.values(measure.id, look.round.id, look.region.level)
    series = values.value[:, look.region.position]
    points = standing(
        edition.plan(measure.id, look.round.id), measure.direction, values.periods, series.tolist()
    )
    return [{**point.as_dict(measure.unit, measure.digits), "own": own} for point in points]


def ranked(edition: Edition, look: Resolved, measure: Measure) -> list[Json]:
    """The region's children, best first; ties share a rank, the unreported come last.

    None at a level that is not public: an order without numbers would tell of them all the same.
    """
    if look.child_level is None or not edition.shows(measure.id, look.child_level):
        return []
    children = edition.children(look.region.code)
    values = edition.values(measure.id, look.round.id, look.child_level)
    places = np.array([child.position for child in children], dtype=np.intp)
    row = values.value[look.period][places]
    place = ranks(row, measure.direction)
    leaf = look.child_level == edition.levels[-1].id
    found = []
    for at in order(row, measure.direction, [child.code for child in children]):
        child = children[at]
        where = (look.period, child.position)
        status = Status(int(values.status[where]))
        found.append(
            {
                "rank": int(place[at]) or None,
                "code": child.code,
                "name": child.name,
                "position": child.position,
                "value": plain(float(row[at])),
                "text": say(f"layers.status.{status.word}")
                if np.isnan(row[at])
                else _value_text(measure, float(row[at]), leaf),
                "numerator": plain(float(values.numerator[where])),
                "denominator": plain(float(values.denominator[where])),
                "reported": int(values.reported[where]),
                "expected": int(values.expected[where]),
                "status": status.word,
                "status_label": say(f"layers.status.{status.word}"),
            }
        )
    return found


def sentences(edition: Edition, look: Resolved, head: Json) -> list[str]:
    """What the figures come to, in words."""
    measure, state = look.measure, head["now"]
    if measure is None:
        return [look.round.note] if look.round.note else []
    said = []
    if state is not None:
        said.append(
            say(
                "layers.profile.now",
                name=look.region.name,
                period=periods.label(look.period_id or periods.ALWAYS),
                measure=measure.label,
                value=state["text"],
            )
        )
    for level in (look.region.level, look.child_level):
        if level and not edition.shows(measure.id, level):
            said.append(unpublished(edition, measure, level))
    if state is not None and not look.leaf and 0 < state["reported"] < state["expected"]:
        said.append(
            say(
                "layers.profile.partial",
                reported=figure(state["reported"]),
                expected=figure(state["expected"]),
                leaf=edition.levels[-1].label,
            )
        )
    known = [child for child in head["children"] if child["rank"]]
    leaf_share = look.child_level == edition.levels[-1].id and measure.rule.is_share
    if (
        len(known) > 1
        and not leaf_share
        and measure.direction is not Direction.NONE
        and known[0]["value"] != known[-1]["value"]
    ):
        said.append(
            say(
                "layers.profile.spread",
                best=known[0]["name"],
                best_value=known[0]["text"],
                worst=known[-1]["name"],
                worst_value=known[-1]["text"],
            )
        )
    silent = len([child for child in head["children"] if child["status"] == "missing"])
    if silent and look.child_level:
        said.append(
            say(
                "layers.profile.silent",
                count=figure(silent),
                level=edition.space.level(look.child_level).label,
            )
        )
    said.extend(point["sentence"] for point in head["progress"])
    return said


def unpublished(edition: Edition, measure: Measure, level: str) -> str:
    """What stands where a measure is not published at a level."""
    label = edition.space.level(level).label
    return say("layers.profile.unpublished", measure=measure.label, level=label)


def _period(name: str | None) -> Json | None:
    return None if name is None else {"id": name, "label": periods.label(name)}


def _value_text(measure: Measure, value: float, leaf: bool) -> str:
    """A value in words: of a share, a leaf is yes or no."""
    if leaf and measure.rule.is_share:
        word = leaf_word(measure)
        return say(f"layers.class.{word}") if value >= 50 else say(f"layers.class.not_{word}")
    return amount(value, measure.digits, measure.unit)


def _figure_text(one: Json) -> str:
    value = one["value"]
    if value is None:
        return say("layers.number.absent")
    return with_unit(figure(value, one["digits"]), one["unit"])
