"""The picture: everything that the map, legend, time bar, ranking and figures need, as one dict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Status
from geodata.workspace import Measure, Round
from layers.classify import classes
from layers.numbers import plain
from layers.remember import per_edition
from layers.view import Resolved, View, resolve

Json = dict[str, Any]

MOST_LABELS = 400
"""A map with more names than this is gray with text, and its picture heavy."""

READABLE_PIXELS = 72
"""Mean width of a region from which a map that follows the zoom shows its level."""


def picture(edition: Edition, view: View, underlay: Mapping[str, object] | None = None) -> Json:
    """All that a screen needs to draw a view; JSON-able, independent of the period but for its
    index.

    `measure` is None, and `periods` and all classes are empty, in a round that is known by its
    totals only; the map then shows the regions without colours.

    Raises
    ------
    UnknownName : as `resolve`.
    """
    return of(edition, resolve(view, edition), underlay)


def of(edition: Edition, look: Resolved, underlay: Mapping[str, object] | None = None) -> Json:
    """The picture of a view that was resolved already."""
    measure, region, view = look.measure, look.region, look.view
    path = (*edition.ancestors(region.code), region)
    position = {one.level: one.position for one in path}
    notices = edition.notices()
    name = measure.id if measure else None
    return {
        "edition": edition.id,
        # Of what the ledger said; None for what the edition alone says, which never changes.
        "live": edition.revision(name) if name and edition.live(name) else None,
        "title": notices["title"],
        "query": view.to_query(),
        "measure": describe(edition, measure) if measure else None,
        "round": {
            "id": look.round.id,
            "label": look.round.label,
            "years": look.round.years,
            "note": look.round.note,
        },
        "region": _region(edition, region, look.leaf),
        "path": [_step(edition, one) for one in path],
        "level": look.level,
        "follow": look.follow,
        "child_level": look.child_level,
        "levels": [
            {
                **one,
                "position_in_path": position.get(str(one["id"])),
                "inside": inside(edition, region.code, str(one["id"])),
            }
            for one in _levels(edition, look.round.id, name)
        ],
        "mesh": _mesh(edition),
        "periods": [{"id": one, "label": periods.label(one)} for one in look.periods],
        "period": look.period,
        "plan": plan(edition, measure, look.round),
        "labels": _labels(edition, region.code),
        "off": sorted(view.off),
        "hide": sorted(view.hide),
        "camera": list(view.camera) if view.camera else None,
        "look": view.look,
        "notices": {
            **{key: notices[key] for key in ("demo", "source", "approval_number")},
            "cutoff": edition.cutoff_of(name),
        },
        "underlay": dict(underlay) if underlay else None,
        "children": _children(edition, look.round.id, name, region.code),
        "figures": figures(edition, look.round.id, region.code, look.period_id),
        "series": _series(edition, look.round.id, name, region.code),
    }


def describe(edition: Edition, measure: Measure) -> Json:
    """What a measure carries, for screens and the API."""
    return {
        "id": measure.id,
        "label": measure.label,
        "unit": measure.unit,
        "digits": measure.digits,
        "direction": measure.direction.value,
        "definition": measure.definition,
        "theme": measure.theme.value,
        "family": measure.family,
        "rule": measure.rule.value,
        "numerator_label": measure.numerator_label,
        "denominator_label": measure.denominator_label,
        "source": measure.source or edition.notices()["source"],
    }


def plan(edition: Edition, measure: Measure | None, round: Round) -> list[Json]:
    """The plan points of a measure in a round, in time."""
    if measure is None:
        return []
    points = [
        {"period": point.period, "value": point.value, "label": point.label}
        for point in edition.plan(measure.id, round.id)
    ]
    return sorted(points, key=lambda point: str(point["period"]))


@per_edition(512)
def figures(edition: Edition, round: str, code: str, period: str | None) -> list[Json]:
    """The round's headline figures of a region."""
    return [
        {
            "label": one.label,
            "value": None if one.value is None else plain(one.value),
            "unit": one.unit,
            "digits": one.digits,
            "published": one.published,
            "note": one.note,
        }
        for one in edition.figures(round, code, period)
    ]


def series_of(edition: Edition, round: str, measure: str, region: Region) -> Json:
    """A region's values of a measure over all periods, as lists."""
    values = edition.values(measure, round, region.level)
    at = region.position
    return {
        "value": _list(values.value[:, at]),
        "numerator": _list(values.numerator[:, at]),
        "denominator": _list(values.denominator[:, at]),
        "reported": values.reported[:, at].tolist(),
        "expected": values.expected[:, at].tolist(),
        "verified": values.verified[:, at].tolist(),
        "status": values.status[:, at].tolist(),
    }


@per_edition(512)
def _series(edition: Edition, round: str, measure: str | None, code: str) -> Json:
    if measure is None or not edition.shows(measure, edition.region(code).level):
        return {
            key: []
            for key in (
                "value",
                "numerator",
                "denominator",
                "reported",
                "expected",
                "verified",
                "status",
            )
        }
    return series_of(edition, round, measure, edition.region(code))


def _list(values: NDArray[np.float64]) -> list[float | int | None]:
    """Numbers as short as JSON can say them; sums carry no noise of adding."""
    found: list[float | int | None] = []
    for value in values.tolist():
        number = plain(value)
        if number is not None:
            number = round(number, 6)
            found.append(int(number) if number == int(number) else number)
        else:
            found.append(None)
    return found


def _region(edition: Edition, region: Region, leaf: bool) -> Json:
    return {
        "code": region.code,
        "name": name_of(edition, region),
        "level": region.level,
        "position": region.position,
        "bounds": [round(float(side), 5) for side in region.bounds],
        "leaf": leaf,
    }


def _step(edition: Edition, region: Region) -> Json:
    return {"code": region.code, "name": name_of(edition, region), "level": region.level}


def name_of(edition: Edition, region: Region) -> str:
    """The root goes by what the workspace calls the whole (全市), others by their names."""
    root = edition.levels[0]
    return root.all_label or region.name if region.level == root.id else region.name


@per_edition(1024)
def inside(edition: Edition, code: str, level: str) -> list[list[int]] | None:
    """Positions at a level inside the region as `[start, stop)` ranges; None where it is all.

    A leaf is seen among its neighbours, and so counts as its parent. Positions are in the order
    of codes, which nest by prefix as a rule: one or few ranges, however many regions.
    """
    region = edition.region(code)
    if region.level == edition.levels[-1].id and region.level == level and region.parent:
        region = edition.region(region.parent)
    places = edition.descendants(region.code, level)
    if not len(places) or len(places) == edition.count(level):
        return None
    cuts = np.flatnonzero(np.diff(places) != 1) + 1
    return [[int(part[0]), int(part[-1]) + 1] for part in np.split(places, cuts)]


@per_edition(256)
def _levels(edition: Edition, round: str, measure: str | None) -> list[Json]:
    """Each level with its tiles, value array and classes."""
    levels = []
    zooms = level_zooms(edition)
    for number, one in enumerate(edition.levels):
        smallest, largest, follow = zooms[number]
        levels.append(
            {
                "id": one.id,
                "label": one.label,
                "count": edition.count(one.id),
                "tiles": f"/tiles/{edition.id}/{one.id}/{{z}}/{{x}}/{{y}}.pbf",
                "min_zoom": smallest,
                "max_zoom": largest,
                "zoom_from": follow,
                "values": array_url(edition, round, measure, one.id)
                if measure and edition.shows(measure, one.id)
                else None,
                "classes": [c.as_dict() for c in classes(edition, measure, round, one.id)]
                if measure
                else [],
            }
        )
    return levels


def array_url(edition: Edition, round: str, measure: str, level: str) -> str:
    """Where a value array lies. A live one is asked for by its revision, so that a browser takes
    another for another file; the server answers every revision with the newest.
    """
    if edition.live(measure):
        at = edition.revision(measure)
        return f"/live/{edition.id}/{round}/{measure}/{level}.bin?at={at}"
    return f"/data/{edition.id}/{round}/{measure}/{level}.bin"


def _mesh(edition: Edition) -> Json | None:
    """Where the triangles for playing lie, and the zoom from which on tiles are finer.

    None for an edition that has none; the map then plays as it shows any other period.
    """
    zoom = edition.mesh_zoom
    return None if zoom is None else {"url": f"/data/{edition.id}/mesh.bin", "until": zoom + 1}


def level_zooms(edition: Edition) -> list[tuple[int, int, float]]:
    """Smallest and largest zoom with tiles, and the zoom from which `follow` shows the level.

    A level is shown when its regions are `READABLE_PIXELS` wide on average: wide enough to see
    their colours apart and to touch one.
    """
    west, _, east, _ = edition.root.bounds
    found: list[tuple[int, int, float]] = []
    for number, level in enumerate(edition.levels):
        zooms = edition.zooms(level.id)
        width = max(east - west, 1e-6) / math.sqrt(max(edition.count(level.id), 1))
        readable = math.log2(READABLE_PIXELS * 360 / (512 * width))
        follow = 0.0 if number == 0 else round(max(readable, found[-1][2] + 0.5), 2)
        found.append((zooms.min, zooms.max, follow))
    return found


@per_edition(2048)
def _children(edition: Edition, round: str, measure: str | None, code: str) -> list[Json]:
    """The ranked list's rows; where some leaves of a child did not report, how many by period.

    `reported` and `expected`: the value arrays say only that it is partial, not how much.
    """
    children = edition.children(code)
    found: list[Json] = [
        {"code": one.code, "name": one.name, "position": one.position} for one in children
    ]
    if measure is None or not children or not edition.shows(measure, children[0].level):
        return found
    values = edition.values(measure, round, children[0].level)
    for row, one in zip(found, children, strict=True):
        at = one.position
        if (values.status[:, at] == Status.PARTIAL).any():
            row["reported"] = values.reported[:, at].tolist()
            row["expected"] = values.expected[:, at].tolist()
    return found


@per_edition(1024)
def _labels(edition: Edition, code: str) -> list[Json]:
    """Names to put on the map: the root's children always, and what lies up to two levels below
    the region while they stay readable; leaves only around a region just above them.

    `rank` 0 wins over 1 where two names collide: first by level, then by number of leaves.
    """
    region = edition.region(code)
    order = [level.id for level in edition.levels]
    depth = order.index(region.level)
    leaf = len(order) - 1
    # A leaf is seen among its neighbours: name those.
    if depth == leaf:
        region = edition.ancestors(code)[-1]
        depth -= 1
    wanted: dict[str, NDArray[np.int32]] = {}
    if len(order) > 1:
        first = edition.descendants(edition.root.code, order[1])
        if len(first) <= MOST_LABELS:
            wanted[order[1]] = first
    count = sum(len(places) for places in wanted.values())
    for below in (depth + 1, depth + 2):
        if below > leaf or (below == leaf and depth + 1 != leaf) or order[below] in wanted:
            continue
        places = edition.descendants(region.code, order[below])
        if count + len(places) >= MOST_LABELS:
            break
        wanted[order[below]] = places
        count += len(places)
    labels: list[Json] = []
    for level, places in wanted.items():
        frame = edition.regions(level)
        leaves = frame["leaves"].to_numpy()
        columns = (frame["code"], frame["name"], frame["lon"], frame["lat"])
        codes, names, lons, lats = (column.to_numpy() for column in columns)
        for place in sorted(_ints(places), key=lambda at: (-int(leaves[at]), at)):
            labels.append(
                {
                    "code": str(codes[place]),
                    "name": str(names[place]),
                    "lon": round(float(lons[place]), 4),
                    "lat": round(float(lats[place]), 4),
                    "level": level,
                    "rank": len(labels),
                }
            )
    return labels


def _ints(places: Iterable[np.integer[Any]]) -> list[int]:
    return [int(place) for place in places]
