"""What one slide says: a scene's content, its map's legend and scale, and the notices."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from geodata import periods
from geodata.edition import Edition
from geodata.words import say
from layers import legend as legends
from layers import poster
from layers.briefing import Kind
from layers.classify import OUT_OF_SCOPE
from layers.deck.graphs import Graph, graphs
from layers.view import Resolved, View, inside, resolve

Json = Mapping[str, Any]
Link = Callable[[str], str]

CONTACT = Kind.CONTACT.value

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Key:
    """One line of the map's legend."""

    label: str
    count: str
    colour: str
    """`#rrggbb`; "" is hatched: no data."""
    off: bool
    """Filtered out by the reader: not drawn on the map."""


@dataclass(frozen=True)
class Table:
    """Rows of text."""

    caption: str
    columns: tuple[str, ...]
    right: tuple[bool, ...]
    """Columns of numbers."""
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """One headline number."""

    label: str
    text: str
    unit: str
    note: str


@dataclass(frozen=True)
class Slide:
    """Everything that a slide shows, in words and numbers; nothing of where it stands."""

    id: str
    kind: str
    view: View
    title: str
    where: str
    """Region, round and period of the map."""
    sentence: str
    detail: tuple[str, ...]
    map_title: str
    """Measure and unit, above the legend."""
    map_words: str
    """The map for those who cannot see it."""
    legend: tuple[Key, ...]
    marked: tuple[Json, ...]
    figures: tuple[Figure, ...]
    graphs: tuple[Graph, ...]
    tables: tuple[Table, ...]
    notices: tuple[str, ...]
    """Approval number, source, cut-off date."""
    demo: str
    """What says that nothing here is real; "" where it is."""
    link: str
    number: int
    notes: str


def slide(
    edition: Edition,
    content: Json,
    *,
    link: Link,
    look: str,
    number: int = 1,
    notes: str = "",
) -> Slide:
    """The slide of a scene's content.

    Raises
    ------
    UnknownName : when the content was made from an edition that had other names.
    """
    content = _writable(content)
    view = View.from_query(str(content["query"]))
    found = resolve(view, edition)
    said = edition.notices()
    measure = found.measure
    region = str(content["region"]["name"])
    period = periods.label(found.period_id) if found.period_id else ""
    source = (measure.source if measure else "") or str(said["source"])
    unit = say("layers.page.unit", unit=measure.unit) if measure and measure.unit else ""
    cutoff = edition.cutoff_of(measure.id if measure else None)
    keys = _legend(edition, found, look)
    title = measure.label if measure else found.round.label
    return Slide(
        id=str(content["id"]),
        kind=str(content["kind"]),
        view=view,
        title=str(content["title"]),
        where=" · ".join(part for part in (region, found.round.label, period) if part),
        sentence=str(content["sentence"]),
        detail=tuple(str(line) for line in content.get("detail") or ()),
        map_title="\n".join(part for part in (title, unit) if part),
        map_words=say(
            "deck.map",
            region=region,
            measure=title,
            period=period or found.round.label,
            counts="；".join(say("deck.count", label=key.label, count=key.count) for key in keys),
        ),
        legend=keys,
        marked=tuple(content.get("marked") or ()),
        figures=_figures(content),
        graphs=_graphs(content),
        tables=_tables(content),
        notices=tuple(
            line
            for line in (
                say("layers.page.approval", number=said["approval_number"])
                if said["approval_number"]
                else "",
                say("layers.page.source", source=source),
                say("layers.page.cutoff", cutoff=cutoff) if cutoff else "",
            )
            if line
        ),
        demo=say("layers.page.demo") if said["demo"] else "",
        link=link(str(content["query"])),
        number=number,
        notes=_writable(notes),
    )


def _writable(given: Any) -> Any:
    """The same without the characters that XML cannot hold, wherever a name brought them in."""
    if isinstance(given, str):
        return _UNWRITABLE.sub("", given)
    if isinstance(given, Mapping):
        return {key: _writable(value) for key, value in given.items() if key != "picture"}
    if isinstance(given, (list, tuple)):
        return [_writable(value) for value in given]
    return given


def _legend(edition: Edition, found: Resolved, look: str) -> tuple[Key, ...]:
    if found.measure is None:
        return ()
    lines = legends.legend(
        edition,
        found.measure.id,
        found.round.id,
        found.level,
        found.period,
        within=tuple(inside(edition, found).tolist()),
    )
    level = edition.space.level(found.level).label
    return tuple(
        Key(
            label=line.label,
            count=say("map.legend.count", count=f"{line.count:,}", level=level),
            colour=_paint(line, look),
            off=line.index in found.view.off,
        )
        for line in lines
    )


def _paint(line: legends.Entry, look: str) -> str:
    if line.index == OUT_OF_SCOPE:
        return poster.INKS[look].land
    return line.dark if look == "dark" else line.light


def _graphs(given: Json) -> tuple[Graph, ...]:
    """All graphs; beside an overview's figures there is room for one."""
    found = graphs(given)
    return found[:1] if given["kind"] == "overview" else found


def _figures(given: Json) -> tuple[Figure, ...]:
    """The scene's own number, and on scenes about a place the place's: elsewhere they would be
    the same on every slide.
    """
    headline = given.get("headline")
    own = [headline] if headline and headline.get("value") is not None else []
    about = given["kind"] in ("overview", "region", CONTACT) or not own
    return tuple(_figure(one) for one in (*own, *(given.get("figures") or () if about else ())))


def _figure(given: Json) -> Figure:
    return Figure(
        str(given["label"]),
        str(given["text"]),
        str(given.get("unit") or ""),
        str(given.get("note") or ""),
    )


def _tables(given: Json) -> tuple[Table, ...]:
    """The table of a content, unless a graph says the same; problems by month have no other."""
    table = given.get("table")
    drawn = given["kind"] != CONTACT and (given.get("ranking") or given.get("multiples"))
    if not table or not table["rows"] or drawn:
        return ()
    return (
        Table(
            str(table["caption"]),
            tuple(str(one["label"]) for one in table["columns"]),
            tuple(one.get("align") == "right" for one in table["columns"]),
            tuple(
                tuple("" if cell is None else str(cell) for cell in row) for row in table["rows"]
            ),
        ),
    )


def scale_bar(metres_a_unit: float, most: float) -> tuple[float, str]:
    """The longest round distance that fits: its length in units, and its label.

    Parameters
    ----------
    metres_a_unit : metres on the ground for one unit of the slide.
    most : units that the bar may take.
    """
    metres = metres_a_unit * most
    power = 10.0 ** math.floor(math.log10(metres))
    distance = next(power * part for part in (5, 2, 1) if power * part <= metres)
    if distance >= 1000:
        label = f"{distance / 1000:g} {say('map.kilometre')}"
    else:
        label = f"{distance:g} {say('map.metre')}"
    return distance / metres_a_unit, label
