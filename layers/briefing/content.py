"""Everything that a screen or a slide of one scene shows, as one dict computed from the edition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from geodata import periods
from geodata.edition import Edition, Region
from geodata.vocabulary import Direction, Status
from geodata.words import say
from geodata.workspace import Measure
from layers import picture as pictures
from layers.briefing import contact as ledger
from layers.briefing import sentences
from layers.briefing import standings as closing
from layers.briefing.declare import Kind
from layers.briefing.pace import index, plan_line
from layers.briefing.reading import (
    Reading,
    change_text,
    flag,
    noun,
    pace_text,
    read,
)
from layers.briefing.scenes import Scene
from layers.numbers import figure, plain, with_unit
from layers.plan import standing
from layers.remember import per_edition
from layers.view import Resolved, View, resolve

Json = dict[str, Any]

FEW = 3
"""Reports from which a region's mean is ranked among the worst: one village is no town."""

MOST_TABLE_ROWS = 12
"""Of the closing table: a slide holds so many, and a city's districts are rarely more."""

_SECONDS_A_PERIOD = 0.5
_SHORTEST_PLAY = 4.0
_PLAY_SHARE = 0.75
"""Of a scene's time: the end must stand long enough to be read."""


@per_edition(256)
def content(edition: Edition, scene: Scene) -> Json:
    """What a scene shows; JSON-able without NaN. Shared between callers: never change it.

    Keys: `id`, `kind`, `title`, `dwell`; `sentence` (the one message), `detail` (0 to 2 more);
    `query` (the same view in the portal); `region`, `round`, `period`; `headline` (the measure's
    value here); `picture` (`layers.picture`); `play`, `marked`, `figures`, `ranking`, `series`,
    `multiples`, `standings`, `problems` (by month), `table`. What a scene has nothing for is None,
    or an empty list.

    Months ahead of or behind plan: see `layers.briefing.pace.pace`; stuck: `standings.places`.
    """
    look = resolve(scene.view, edition)
    region, measure = look.region, look.measure
    readings = _Readings(edition, look)
    own = readings.own
    found: Json = {
        "id": scene.id,
        "kind": scene.kind.value,
        "title": scene.title,
        "dwell": scene.dwell,
        "sentence": "",
        "detail": [],
        "query": scene.view.to_query(),
        "region": {
            "code": region.code,
            "name": pictures.name_of(edition, region),
            "level": region.level,
            "position": region.position,
            "bounds": [round(float(side), 5) for side in region.bounds],
        },
        "round": {"id": look.round.id, "label": look.round.label, "years": look.round.years},
        "period": None
        if look.period_id is None
        else {"id": look.period_id, "label": periods.label(look.period_id)},
        "headline": _headline(own),
        "picture": pictures.picture(edition, scene.view),
        "play": None,
        "marked": [],
        "figures": [
            {
                "label": one["label"],
                "value": one["value"],
                "text": say("layers.number.absent")
                if one["value"] is None
                else figure(one["value"], one["digits"]),
                "unit": one["unit"],
                "note": one["note"],
            }
            for one in pictures.figures(edition, look.round.id, region.code, look.period_id)
        ],
        "ranking": None,
        "series": None,
        "multiples": None,
        "standings": None,
        "problems": None,
        "table": None,
    }
    if measure is None or own is None:
        found["sentence"] = look.round.note.rstrip("。") or say(
            "briefing.value.only_totals",
            name=found["region"]["name"],
            round=look.round.label,
        )
        return found
    _TELL[scene.kind](edition, scene, readings, found)
    found["detail"] = [one for one in found["detail"] if one][:2]
    return found


def of_view(edition: Edition, view: View) -> Json:
    """What a scene of kind `map` would show for a portal's view: for files to take away.

    Raises
    ------
    UnknownName : as `resolve`.
    """
    look = resolve(view, edition)
    name = pictures.name_of(edition, look.region)
    label = look.measure.label if look.measure else look.round.label
    scene = Scene(
        id="view",
        kind=Kind.MAP,
        title=say("briefing.title.map", name=name, measure=label),
        view=view,
        dwell=20.0,
        notes="",
        rows=10,
    )
    return content(edition, scene)


class _Readings:
    """The measure of a look, read at its region and at others, each once."""

    def __init__(self, edition: Edition, look: Resolved) -> None:
        self.edition, self.look = edition, look
        self._found: dict[str, Reading] = {}

    def at(self, region: Region, measure: Measure | None = None) -> Reading:
        """The look's measure (or another, at the nearest not later period) at a region."""
        chosen = measure or self.look.measure
        assert chosen is not None, "asked only where there is a measure"
        key = f"{chosen.id} {region.code}"
        if key not in self._found:
            last = self.look.period
            if chosen is not self.look.measure:
                view = View(
                    round=self.look.round.id, measure=chosen.id, period=self.look.view.period
                )
                last = resolve(view, self.edition).period
            self._found[key] = read(self.edition, chosen, self.look.round, region, last)
        return self._found[key]

    @property
    def own(self) -> Reading | None:
        """At the region itself."""
        return None if self.look.measure is None else self.at(self.look.region)

    @property
    def children(self) -> list[Reading]:
        """At the region's children that the measure speaks about, in code order."""
        return self._scope(self.edition.children(self.look.region.code))

    @property
    def coloured(self) -> list[Reading]:
        """At the regions of the coloured level inside the region (its children if that is not
        below it), as far as the measure speaks about them.
        """
        order = [level.id for level in self.edition.levels]
        level = self.look.level
        if order.index(level) <= order.index(self.look.region.level):
            return self.children
        places = self.edition.descendants(self.look.region.code, level)
        return self._scope([self.edition.at(level, int(place)) for place in places])

    def _scope(self, regions: Sequence[Region]) -> list[Reading]:
        readings = [self.at(region) for region in regions]
        return [one for one in readings if one.status is not Status.OUT_OF_SCOPE]

    def level_label(self, readings: Sequence[Reading]) -> str:
        """What one of them is called: 区."""
        level = readings[0].region.level if readings else self.look.level
        return self.edition.space.level(level).label


# --- scene by scene --------------------------------------------------------------------------


def _overview(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    own = _own(readings)
    children = readings.children
    found["sentence"] = sentences.headline(edition, own)
    found["detail"] = [sentences.partial(edition, own), sentences.method(own)]
    found["ranking"] = _ranking(children, scene.rows, readings)
    found["series"] = _series(own)
    found["table"] = _ranking_table(found)


def _map(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    own = _own(readings)
    children = readings.children
    level = readings.level_label(children)
    spread = sentences.extremes(children, level)
    told = sentences.value(edition, own)
    found["sentence"] = f"{told}；{spread}" if spread and own.value is not None else told
    missing = sum(one.current is None for one in children)
    found["detail"] = [sentences.partial(edition, own), sentences.silent(missing, level)]
    found["ranking"] = _ranking(children, scene.rows, readings)
    found["series"] = _series(own)
    found["table"] = _ranking_table(found)


def _gaps(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    own = _own(readings)
    multiples = []
    for name in scene.measures:
        measure = edition.space.measure(name)
        item, lacks = _item(edition, measure, readings.look)
        multiples.append((item, readings.at(readings.look.region, measure), lacks))
    coloured = readings.coloured
    level = readings.level_label(coloured)
    worst, thinned = _worst(coloured)
    worst = [_qualified(edition, one, readings.look.region) for one in worst]
    found["sentence"] = sentences.gaps(edition, own, multiples, worst, level)
    partly = multiples[0][1] if multiples else own
    found["detail"] = [
        sentences.partial(edition, partly),
        say(
            "briefing.gaps.few",
            count=FEW,
            noun=noun(edition, own.measure, own.round),
            level=level,
        )
        if thinned
        else "",
    ]
    shown = worst[: scene.rows]
    found["ranking"] = _ranking(shown, scene.rows, readings, worst=True)
    found["marked"] = _marked([(one.region, n) for n, one in enumerate(shown, start=1)], edition)
    found["multiples"] = [
        _multiple(edition, readings.look, item, one, lacks) for item, one, lacks in multiples
    ] or None
    found["table"] = _multiples_table(found, multiples) or _ranking_table(found)


def _progress(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    own = _own(readings)
    found["sentence"] = sentences.progress(edition, own)
    found["detail"] = [sentences.partial(edition, own), sentences.method(own)]
    found["ranking"] = _ranking(readings.children, scene.rows, readings)
    found["series"] = _series(own)
    found["table"] = _ranking_table(found)
    last = readings.look.period
    if last > 0:
        wanted = max(_SHORTEST_PLAY, _SECONDS_A_PERIOD * last)
        seconds = round(min(wanted, _PLAY_SHARE * scene.dwell), 1)
        found["play"] = {"from": 0, "to": last, "seconds": seconds}


def _region(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    own = _own(readings)
    found["sentence"] = sentences.headline(edition, own)
    above = edition.ancestors(own.region.code)
    place = ""
    if above:
        beside = [
            one
            for one in (readings.at(region) for region in edition.children(above[-1].code))
            if one.status is not Status.OUT_OF_SCOPE
        ]
        found_places = closing.places(beside) if beside else ()
        mine = [one for one in found_places if one.reading is own]
        if mine and not own.yes_or_no:
            label = edition.space.level(own.region.level).label
            place = closing.place(mine[0], found_places, label)
    method = sentences.method(own)
    partly = sentences.partial(edition, own)
    found["detail"] = [place, "；".join(part for part in (partly, method) if part)]
    found["ranking"] = _ranking(readings.children, scene.rows, readings)
    found["series"] = _series(own)
    found["table"] = _ranking_table(found)


def _standings(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    children = readings.children
    level = readings.level_label(children)
    if not children:
        _map(edition, scene, readings, found)
        return
    told = closing.standings(edition, children, level)
    found["standings"] = told
    found["sentence"] = closing.sentence(told, level)
    found["detail"] = [closing.improved(told, level), closing.method()]
    ranked = [row for row in told["rows"] if row["rank"]][: scene.rows]
    found["marked"] = _marked(
        [(edition.region(row["code"]), row["rank"]) for row in ranked], edition
    )
    found["table"] = _standings_table(told)


def _contact(edition: Edition, scene: Scene, readings: _Readings, found: Json) -> None:
    told = ledger.told(edition, _own(readings), readings.children)
    found.update(told, ranking=_ranking(readings.children, scene.rows, readings))
    if found["ranking"]:
        level = readings.level_label(readings.children)
        found["ranking"]["title"] = say("briefing.contact.list", level=level)
        counts = {one.region.code: one for one in readings.children}
        # Of all targets few are contact points: bars are as long as they are beside each other.
        longest = max(row["share"] for row in found["ranking"]["rows"]) or 1.0
        for row in found["ranking"]["rows"]:
            row["share"] = round(row["share"] / longest, 4)
            one = counts[row["code"]]
            row["text"] = say(
                "briefing.contact.share", points=figure(round(one.numerator)), value=row["text"]
            )
            row["change_text"] = ""


_TELL = {
    Kind.CONTACT: _contact,
    Kind.OVERVIEW: _overview,
    Kind.MAP: _map,
    Kind.GAPS: _gaps,
    Kind.PROGRESS: _progress,
    Kind.REGION: _region,
    Kind.STANDINGS: _standings,
}


def _own(readings: _Readings) -> Reading:
    own = readings.own
    assert own is not None, "told only where there is a measure"
    return own


# --- parts -----------------------------------------------------------------------------------


def _headline(own: Reading | None) -> Json | None:
    """The one large number; for a leaf of a share its word."""
    if own is None:
        return None
    value = own.value
    words = value is None or own.yes_or_no
    return {
        "label": own.measure.label,
        "value": value,
        "text": own.text(value) if words else figure(value or 0.0, own.measure.digits),
        "unit": "" if words else own.measure.unit,
    }


def _ordered(readings: Sequence[Reading], direction: Direction) -> list[Reading]:
    """Those with a value, best first; among equals the larger base, then by code."""
    sign = 1.0 if direction is Direction.LESS else -1.0

    def key(one: Reading) -> tuple[float, float, str]:
        return (sign * (one.current or 0.0), -float(one.reported), one.region.code)

    return sorted((one for one in readings if one.current is not None), key=key)


def _worst(readings: Sequence[Reading]) -> tuple[list[Reading], bool]:
    """The worst first, and whether regions with fewer than `FEW` reports were left out.

    Where a measure has no better or worse, the largest come first. Nobody is worst who lacks
    nothing: zeros of a measure that counts what is wrong are left out; nor where all are equal.
    """
    if not readings:
        return [], False
    measure = readings[0].measure
    enough = [one for one in readings if one.leaf or one.reported >= FEW]
    # A small world may have no region with so many: then all are ranked.
    thinned = 0 < len(enough) < len(readings)
    chosen = enough or list(readings)
    turned = Direction.LESS if measure.direction is Direction.MORE else Direction.MORE
    ordered = _ordered(chosen, turned)
    if measure.direction is Direction.LESS:
        ordered = [one for one in ordered if (one.current or 0.0) > 0]
    values = {one.current for one in chosen if one.current is not None}
    return (ordered if len(values) > 1 else []), thinned


def _qualified(edition: Edition, one: Reading, region: Region) -> Reading:
    """Further down than a child, a name says in whom: two districts may have a 新河镇 each."""
    if one.region.parent == region.code:
        return one
    return replace(one, name=edition.region(one.region.parent).name + one.name)


def _ranking(
    readings: Sequence[Reading], rows: int, look: _Readings, *, worst: bool = False
) -> Json | None:
    """Children as bars, best first (or as given, the worst first); both ends of a long list."""
    if not readings:
        return None
    measure = readings[0].measure
    ordered = list(readings) if worst else _ordered(readings, measure.direction)
    # Numbers on the map tell regions apart, and so do theirs in the list beside it.
    places = list(range(1, len(ordered) + 1)) if worst else _shared_ranks(ordered)
    first, last = len(ordered), 0
    if len(ordered) > rows:
        last = 0 if worst else rows // 2
        first = rows - last
    shown = list(zip(places, ordered, strict=True))
    shown = [*shown[:first], *shown[len(shown) - last :]]
    aim = closing.target(readings)
    axis = _axis([one.value for one in ordered], aim, measure)
    level = look.level_label(readings)
    if worst:
        title = say("briefing.list.worst", level=level)
    elif last:
        title = say(
            "briefing.list.both_ends", level=level, measure=measure.label, first=first, last=last
        )
    else:
        title = say("briefing.list.ranked", level=level, measure=measure.label)
    aim_text = (
        "" if aim is None else with_unit(figure(aim, measure.digits, trim=True), measure.unit)
    )
    return {
        "title": title,
        "measure": {"id": measure.id, "label": measure.label},
        "unit": measure.unit,
        "digits": measure.digits,
        "level_label": level,
        "target": aim,
        "target_share": None if aim is None else _share(aim, axis),
        "target_label": say("briefing.list.target", value=aim_text) if aim is not None else "",
        "total": len(ordered),
        "missing": len(readings) - len(ordered) if not worst else 0,
        "rows": [
            {
                "code": one.region.code,
                "name": one.name,
                "position": one.region.position,
                "rank": place,
                "value": one.value,
                "text": one.text(one.value),
                "share": _share(one.value or 0.0, axis),
                "change": one.change,
                "change_text": change_text(measure, one.change, one.yes_or_no),
                "note": pace_text(one.pace),
                "flag": flag(one.pace),
                "reported_text": say(
                    "briefing.list.reported",
                    reported=figure(one.reported),
                    expected=figure(one.expected),
                )
                if one.partial
                else "",
            }
            for place, one in shown
        ],
    }


def _shared_ranks(ordered: Sequence[Reading]) -> list[int]:
    """Ranks from 1 of a list in order; equal values share the better one."""
    places: list[int] = []
    for n, one in enumerate(ordered):
        same = n > 0 and one.current == ordered[n - 1].current
        places.append(places[-1] if same else n + 1)
    return places


def _axis(values: Sequence[float | None], aim: float | None, measure: Measure) -> float:
    """What a full bar stands for: the whole of a share, else the largest amount."""
    if measure.rule.is_share:
        return 100.0
    return max((abs(one) for one in (*values, aim) if one is not None), default=0.0)


def _share(value: float, axis: float) -> float:
    return round(min(abs(value) / axis, 1.0), 4) if axis else 0.0


def _series(own: Reading) -> Json | None:
    """The curve with its plan; None where there is nothing to draw a line through."""
    measure = own.measure
    if own.value is None or len(own.there) < 2 or own.yes_or_no:
        return None
    plan = own.plan
    values = [plain(value) for value in own.series]
    line = plan_line(plan, measure.direction, own.there, own.series)
    points = standing(plan, measure.direction, own.there, own.series)
    told = [
        {
            "period": point.period,
            "label": point.label or periods.label(point.period),
            "period_label": periods.label(point.period),
            "value": point.target,
            "index": index(own.there, point.period),
            "text": with_unit(figure(point.target, measure.digits, trim=True), measure.unit),
            "standing": point.standing.value,
            "sentence": point.sentence(measure.unit, measure.digits),
        }
        for point in points
    ]
    amounts = [
        one for one in (*values, *(point.target for point in points), *line) if one is not None
    ]
    low, high = _nice(amounts, measure)
    return {
        "title": measure.label,
        "unit": measure.unit,
        "digits": measure.digits,
        "periods": [{"id": one, "label": periods.label(one)} for one in own.there],
        "value": values,
        "partial": own.partials,
        "plan": told,
        "plan_line": [None if one is None else round(one, 6) for one in line],
        "min": low,
        "max": high,
    }


def _nice(amounts: Sequence[float], measure: Measure) -> tuple[float, float]:
    """Ends of an axis that holds the amounts and zero, at steps that people count in."""
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    if measure.rule.is_share:
        return 0.0, 100.0
    span = high - low or 1.0
    step = 10.0 ** math.floor(math.log10(span))
    step = next(step * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (step * part) <= 10)
    return (
        round(math.floor(low / step + 1e-9) * step, 9) + 0.0,
        round(math.ceil(high / step - 1e-9) * step, 9) + (step if high == low else 0.0),
    )


def _item(edition: Edition, measure: Measure, look: Resolved) -> tuple[str, bool]:
    """What a small multiple is called, and whether it counts who lacks an item."""
    where = measure.where
    if (
        where is not None
        and where.equals is not None
        and not where.equals
        and where.indicator in look.round.items
    ):
        return edition.space.indicator(where.indicator).label, True
    return measure.label, False


def _multiple(edition: Edition, look: Resolved, item: str, one: Reading, lacks: bool) -> Json:
    measure = one.measure
    counted = ""
    if measure.rule.is_share and not one.leaf and one.value is not None:
        key = "lacking" if lacks else "counted"
        counted = say(f"briefing.gaps.{key}", count=figure(round(one.numerator)))
    view = View(
        round=look.round.id,
        measure=measure.id,
        period=look.view.period,
        region=look.view.region,
    )
    image = f"/pictures/{edition.id}/{quote(look.round.id)}/{quote(measure.id)}.svg?look=dark"
    for name, value in (("period", view.period), ("region", view.region)):
        image += f"&{name}={quote(value)}" if value else ""
    return {
        "measure": measure.id,
        "label": item,
        "value": one.value,
        "text": one.text(one.value),
        "unit": measure.unit,
        "share": _share(one.value or 0.0, _axis([one.value], None, measure)),
        "count": round(one.numerator) if counted else None,
        "count_text": counted,
        "image": image,
        "query": view.to_query(),
    }


def _marked(chosen: Sequence[tuple[Region, int]], edition: Edition) -> list[Json]:
    return [
        {
            "code": region.code,
            "name": pictures.name_of(edition, region),
            "level": region.level,
            "position": region.position,
            "lon": round(region.lon, 5),
            "lat": round(region.lat, 5),
            "rank": rank,
        }
        for region, rank in chosen
    ]


# --- tables ----------------------------------------------------------------------------------


def _table(caption: str, columns: Sequence[tuple[str, str]], rows: list[list[str]]) -> Json:
    return {
        "caption": caption,
        "columns": [{"label": label, "align": align} for label, align in columns],
        "rows": rows,
    }


def _ranking_table(found: Json) -> Json | None:
    ranking = found["ranking"]
    if ranking is None or not ranking["rows"]:
        return None
    planned = any(row["note"] for row in ranking["rows"])
    moved = any(row["change"] is not None for row in ranking["rows"])
    columns = [
        (say("briefing.list.rank"), "right"),
        (ranking["level_label"], "left"),
        (ranking["measure"]["label"], "right"),
    ]
    columns += [(say("briefing.list.change"), "right")] if moved else []
    columns += [(say("briefing.list.pace"), "right")] if planned else []
    rows = []
    for row in ranking["rows"]:
        cells = [figure(row["rank"]), row["name"], row["text"]]
        cells += [row["change_text"]] if moved else []
        cells += [row["note"]] if planned else []
        rows.append(cells)
    return _table(ranking["title"], columns, rows)


def _multiples_table(found: Json, multiples: Sequence[tuple[str, Reading, bool]]) -> Json | None:
    if not multiples:
        return None
    counted = any(one["count"] is not None for one in found["multiples"])
    columns = [(say("briefing.list.item"), "left")]
    columns += [(say("briefing.list.count"), "right")] if counted else []
    columns += [(say("briefing.list.share"), "right")]
    rows = []
    for one in found["multiples"]:
        cells = [one["label"]]
        if counted:
            absent = say("layers.number.absent")
            cells += [absent if one["count"] is None else figure(one["count"])]
        rows.append([*cells, one["text"]])
    return _table(found["title"], columns, rows)


def _standings_table(told: Json) -> Json:
    columns = [
        (say("briefing.list.rank"), "right"),
        (told["level_label"], "left"),
        (told["measure"]["label"], "right"),
        (say("briefing.list.gap"), "right"),
        (say("briefing.list.change"), "right"),
        (say("briefing.list.stuck"), "left"),
    ]
    cells = [
        [
            figure(row["rank"]) if row["rank"] else say("layers.number.absent"),
            row["name"],
            row["text"],
            row["gap_text"],
            row["change_text"],
            say("briefing.list.stuck_since", since=row["since_label"], months=row["stuck_months"])
            if row["stuck"]
            else "",
        ]
        for row in told["rows"][:MOST_TABLE_ROWS]
    ]
    caption = say(
        "briefing.list.ranked", level=told["level_label"], measure=told["measure"]["label"]
    )
    return _table(caption, columns, cells)
