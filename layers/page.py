"""Save this map: one self-contained folium page of a view, which asks no host for anything."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import folium
import numpy as np
import shapely
from branca.element import Element, Figure
from jinja2 import Template
from numpy.typing import NDArray
from xstatic.pkg import leaflet

from geodata import periods
from geodata.edition import Edition
from geodata.vocabulary import Status
from geodata.words import say
from layers import picture as pictures
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED, Class, assign, classes
from layers.legend import Entry, legend
from layers.numbers import amount, figure
from layers.palette import GROUNDS
from layers.public.facts import Facts, approval
from layers.view import Resolved, View, inside, resolve

MOST_VERTICES = 160_000
"""About seven bytes each: the shapes of a page stay near a megabyte."""

_GRID = 1e5
"""Steps to a degree: coordinates keep five digits, about a metre."""


class Verbatim(Element):
    """Text that goes into the page as it is.

    branca takes an element's text for a Jinja template: a name with braces would be executed.
    """

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Drawing(Element):
    """A script that runs after folium's has made the map: the map's own child comes after it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._id = "drawing"
        self.text = text

    def render(self, **kwargs: object) -> str:
        """Hand the text to the page's scripts; a macro's text would be a template once more."""
        page = self.get_root()
        assert isinstance(page, Figure), "a drawing is put into a page"
        page.script.add_child(Verbatim(self.text), name="drawing")
        return ""


def save(edition: Edition, view: View, *, every: bool = False) -> str:
    """The HTML of a view: map, legend with counts, notices, and the same as a table.

    The active level is coloured inside the region; regions beside it are outlines.

    Parameters
    ----------
    every : the map can be turned to every period, beginning with the view's.

    Raises
    ------
    UnknownName : as `resolve`.
    """
    look = resolve(view, edition)
    theme = "dark" if view.look == "dark" else "light"
    facts = _Facts(edition, look, theme, every)

    west, south, east, north = facts.frame
    chart = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_control=False,
        attribution_control=False,
        zoom_snap=0.25,
    )
    # What folium loads by default comes from five other hosts; and its ids are random.
    chart.default_js, chart.default_css = [], []
    chart._id = "atlas"
    figure_ = chart.get_root()
    assert isinstance(figure_, Figure)
    figure_.title = None
    figure_._id = "page"
    title = _title(edition, look)
    figure_.header.add_child(Verbatim(f"<title>{escape(title)}</title>"), name="title")
    figure_.header.add_child(
        Verbatim(f"<style>{leaflet_source('leaflet.css')}</style>"), name="css"
    )
    figure_.header.add_child(
        Verbatim(f"<script>{leaflet_source('leaflet.js')}</script>"), name="js"
    )
    data = _script_json(facts.drawing())
    chart.add_child(Drawing(f"{_own('page.js')}\ndrawAtlas({chart.get_name()}, {data});"))
    # The map's own element is rendered between what stands before and after it.
    before, after = facts.before(title), facts.after()
    rendered = str(figure_.render())
    return _arranged(rendered, before, after, theme)


def _arranged(rendered: str, before: str, after: str, theme: str) -> str:
    """The page of folium with our text around its map and our style as the last word."""
    # Language and look; and nobody is kept from zooming the text.
    language = say("layers.page.language")
    page = rendered.replace("<html>", f'<html lang="{language}" class="{theme}">', 1)
    page = re.sub(
        r'<meta name="viewport"[^>]*>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        page,
        count=1,
    )
    head, body = page.split("</head>", 1)
    body = re.sub(
        r'(<div class="folium-map"[^>]*>\s*</div>)',
        lambda found: before + found.group(1) + after,
        body,
        count=1,
    )
    return f"{head}<style>{_own('page.css')}</style></head>{body}"


class _Facts:
    """What a page says, gathered once."""

    def __init__(self, edition: Edition, look: Resolved, theme: str, every: bool) -> None:
        self.edition, self.look, self.theme = edition, look, theme
        self.ground = GROUNDS[theme]
        self.places = inside(edition, look)
        self.regions = edition.regions(look.level)
        self.known: tuple[Class, ...] = ()
        self.lines: tuple[Entry, ...] = ()
        self.place: NDArray[np.uint8] = np.full(len(self.places), OUT_OF_SCOPE, np.uint8)
        if look.measure:
            self.known = classes(edition, look.measure.id, look.round.id, look.level)
        box = self.regions.iloc[self.places]
        self.frame = (
            float(box["west"].min()),
            float(box["south"].min()),
            float(box["east"].max()),
            float(box["north"].max()),
        )
        self.names = box["name"].astype(str).tolist()
        self.codes = box["code"].astype(str).tolist()
        self.turned: list[dict[str, Any]] = []
        if every and len(look.periods) > 1:
            self.turned = [self._turned(number) for number in range(len(look.periods))]
        self.lines = self._turn(look.period)
        if self.turned:
            # One legend for all: a line for whatever any period has.
            counted = {one.index: one for one in self.lines}
            lines = {one.index: one for turn in self.turned for one in turn["lines"]}
            order = sorted(lines, key=lambda n: n if n < len(self.known) else 1000 - n)
            self.lines = tuple(counted.get(n, replace(lines[n], count=0)) for n in order)

    def _turn(self, period: int) -> tuple[Entry, ...]:
        """Look at a period; returns its legend."""
        edition, look = self.edition, self.look
        lines: tuple[Entry, ...] = ()
        if look.measure:
            where = (look.measure.id, look.round.id, look.level)
            values = edition.values(*where)
            self.value = values.value[period][self.places]
            self.status = values.status[period][self.places]
            self.reported = values.reported[period][self.places]
            self.expected = values.expected[period][self.places]
            self.place = assign(self.value, self.known, self.status)
            lines = legend(edition, *where, period, within=tuple(self.places.tolist()))
        self.texts = [self._text(at) for at in range(len(self.places))]
        return lines

    def _turned(self, period: int) -> dict[str, Any]:
        """All that a period changes."""
        lines = self._turn(period)
        return {
            "label": periods.label(self.look.periods[period]),
            "fills": [self.fill(int(self.place[at])) for at in range(len(self.place))],
            "texts": [self._told(text) for text in self.texts],
            "lines": lines,
        }

    def _told(self, text: dict[str, str]) -> list[str]:
        """The lines of a popup."""
        keys = ("name", "value", "status", "reported")
        return [part for key in keys if (part := self._line(key, text))]

    def _text(self, at: int) -> dict[str, str]:
        """One region in words."""
        text = {
            "name": self.names[at],
            "code": self.codes[at],
            "value": "",
            "class": "",
            "status": "",
            "reported": "",
        }
        measure = self.look.measure
        if measure is None:
            return text
        status = Status(int(self.status[at]))
        index = int(self.place[at])
        text["status"] = say(f"layers.status.{status.word}")
        if index < len(self.known):
            text["class"] = self.known[index].label
            leaf = self.look.level == self.edition.levels[-1].id
            text["value"] = (
                self.known[index].label
                if leaf and measure.rule.is_share
                else amount(float(self.value[at]), measure.digits, measure.unit)
            )
            if not leaf:
                text["reported"] = (
                    f"{figure(int(self.reported[at]))}/{figure(int(self.expected[at]))}"
                )
        return text

    def fill(self, index: int) -> str:
        """The paint of a class, of no data, or of out of scope."""
        if index in self.look.view.off:
            return "none"
        if index in (MISSING, SUPPRESSED):
            return "url(#hatch)"
        if index < len(self.known):
            one = self.known[index]
            return one.light if self.theme == "light" else one.dark
        return self.ground.out_of_scope

    def drawing(self) -> dict[str, Any]:
        """The data of the script."""
        edition, look = self.edition, self.look
        shapes, tolerance = _simplified(edition, look.level, self.places)
        order = [level.id for level in edition.levels]
        depth, active = order.index(look.region.level), order.index(look.level)
        # Borders above the coloured level: of the region, and of its parts when they are not the
        # coloured ones. Beside a region lie the others of its level, thinner.
        lines: list[dict[str, Any]] = []
        for upper, weight in ((depth + 1, 0.9), (depth, 1.6)):
            if upper >= active:
                continue
            own = set(edition.descendants(look.region.code, order[upper]).tolist())
            drawn = edition.geometry(order[upper], max(tolerance, 40.0)).geometry.array
            for at, shape in enumerate(drawn):
                if at in own or upper == depth:
                    inner = at in own
                    lines.append(
                        {"weight": weight if inner else 0.6, "own": inner, "shape": _rings(shape)}
                    )
        chosen = None
        if look.leaf and look.level == look.region.level:
            at = int(np.flatnonzero(self.places == look.region.position)[0])
            chosen = _rings(shapes[at])
        west, south, east, north = self.frame
        camera = look.view.camera
        return {
            "rows": [
                {
                    "text": self._told(text),
                    "fill": self.fill(int(self.place[at])),
                    "shape": _rings(shapes[at]),
                }
                for at, text in enumerate(self.texts)
            ],
            "lines": lines,
            "chosen": chosen,
            "bounds": [[south, west], [north, east]],
            # MapLibre counts zooms in tiles of 512 pixels, Leaflet of 256.
            "camera": [camera[0] + 1, camera[1], camera[2]] if camera else None,
            "border": self.ground.background if self.known else self.ground.outline,
            "outline": self.ground.outline,
            "strong": self.ground.muted,
            "accent": self.ground.accent,
            "weight": 0.4 if len(self.places) > 1000 else 0.8,
            "turns": [
                {
                    "label": turn["label"],
                    "fills": turn["fills"],
                    "texts": turn["texts"],
                    "counts": [
                        figure({one.index: one.count for one in turn["lines"]}.get(line.index, 0))
                        for line in self.lines
                    ],
                }
                for turn in self.turned
            ],
            "turn": look.period,
            "corner": self._corner(),
            "watermark": Facts.of(edition).watermark if edition.public else "",
            "words": {
                "zoom_in": say("layers.page.zoom_in"),
                "metres": say("layers.page.metres"),
                "kilometres": say("layers.page.kilometres"),
                "zoom_out": say("layers.page.zoom_out"),
                "period": say("layers.page.period"),
                "close": say("layers.page.close"),
            },
        }

    def _corner(self) -> str:
        """What stands at the map's lower left: the number of its review, never invented."""
        if self.edition.public:
            return approval(self.edition)
        number = self.edition.notices()["approval_number"]
        return say("layers.page.approval", number=number) if number else ""

    def _line(self, key: str, text: dict[str, str]) -> str:
        if key == "reported" and text[key]:
            return f"{say('layers.page.reported')} {text[key]}"
        return text[key]

    def before(self, title: str) -> str:
        """What stands above the map."""
        edition, look = self.edition, self.look
        notices = edition.notices()
        demo = (
            f' <span class="demo">{escape(say("layers.page.demo"))}</span>'
            if notices["demo"]
            else ""
        )
        period = periods.label(look.period_id) if look.period_id else ""
        # The period in an element of its own: the map may be turned to another.
        now = f'<span class="now">{escape(period)}</span>' if period else ""
        said = (escape(part) for part in (str(notices["title"]), look.round.label) if part)
        under = " · ".join((*said, *([now] if now else [])))
        ground = self.ground
        definition = look.measure.definition if look.measure else ""
        described = say(
            "layers.page.map",
            region=_name(edition, look),
            measure=look.measure.label if look.measure else look.round.label,
            period=period,
        )
        return (
            f"<main><h1>{escape(title)}{demo}</h1>"
            f'<p class="sub">{under}</p>'
            + (f'<p class="sub">{escape(definition)}</p>' if definition else "")
            + '<svg class="hatch" aria-hidden="true"><defs><pattern id="hatch" width="6" '
            'height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="6" height="6" fill="{ground.missing}"/>'
            f'<rect width="1.4" height="6" fill="{ground.hatch}"/></pattern></defs></svg>'
            f"<noscript><p>{escape(say('layers.page.script'))}</p></noscript>"
            f'<div class="stage"><div role="region" aria-label="{escape(described)}">'
        )

    def after(self) -> str:
        """What stands beside and below the map: legend, notices, the table."""
        edition = self.edition
        notices = edition.notices()
        notes = [
            say("layers.page.source", source=self._source()),
            say("layers.page.cutoff", cutoff=notices["cutoff"]) if notices["cutoff"] else "",
            say("layers.page.approval", number=notices["approval_number"])
            if notices["approval_number"]
            else "",
            say("layers.page.saved", title=notices["title"], edition=edition.id),
        ]
        below = "".join(f"<p>{escape(note)}</p>" for note in notes if note)
        return f"</div>{self._legend()}</div>{self._table()}<footer>{below}</footer></main>"

    def _source(self) -> str:
        measure = self.look.measure
        return str((measure and measure.source) or self.edition.notices()["source"])

    def _legend(self) -> str:
        measure = self.look.measure
        if measure is None:
            return ""
        unit = (
            f'<p class="sub">{escape(say("layers.page.unit", unit=measure.unit))}</p>'
            if measure.unit
            else ""
        )
        entries = "".join(
            f"<li{' class=off' if line.index in self.look.view.off else ''}>"
            f'<svg width="24" height="16" aria-hidden="true"><rect width="24" height="16" '
            f'fill="{self._swatch(line.index)}"/></svg>'
            f'<span>{escape(line.label)}</span><span class="n">{figure(line.count)}</span></li>'
            for line in self.lines
        )
        return (
            f'<section class="legend"><h2>{escape(say("layers.page.legend"))}'
            f"{escape('：' + measure.label)}</h2>{unit}<ul>{entries}</ul></section>"
        )

    def _swatch(self, index: int) -> str:
        if index < len(self.known):
            one = self.known[index]
            return one.light if self.theme == "light" else one.dark
        return "url(#hatch)" if index in (MISSING, SUPPRESSED) else self.ground.out_of_scope

    def _table(self) -> str:
        look = self.look
        measure = look.measure
        keys: tuple[str, ...] = ("name", "code", "value", "class", "status", "reported")
        if measure is None:
            keys = keys[:2]
        elif look.level == self.edition.levels[-1].id:
            keys = keys[:5]
        head = "".join(f'<th scope="col">{escape(say(f"layers.page.{key}"))}</th>' for key in keys)
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td{' class=v' if key in ('value', 'reported') else ''}>{escape(text[key])}</td>"
                for key in keys
            )
            + "</tr>"
            for text in self.texts
        )
        caption = say(
            "layers.page.table_caption",
            region=_name(self.edition, look),
            level=self.edition.space.level(look.level).label,
            measure=measure.label if measure else look.round.label,
            period=periods.label(look.period_id) if look.period_id else "",
        )
        return (
            f"<details><summary>{escape(say('layers.page.table', count=figure(len(self.texts))))}"
            f'</summary><div class="wide"><table><caption>{escape(caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
        )


def _name(edition: Edition, look: Resolved) -> str:
    return pictures.name_of(edition, look.region)


def _title(edition: Edition, look: Resolved) -> str:
    name = _name(edition, look)
    if look.measure is None:
        return say("layers.page.round_title", region=name, round=look.round.label)
    return say("layers.page.title", region=name, measure=look.measure.label)


def _simplified(
    edition: Edition, level: str, places: NDArray[np.intp]
) -> tuple[NDArray[np.object_], float]:
    """Shapes (EPSG:4326) of some regions with at most `MOST_VERTICES` in all.

    Also gives the tolerance in metres that it took.
    """
    tolerance = 10.0
    while True:
        shapes = np.asarray(edition.geometry(level, tolerance).geometry.array, dtype=object)
        shapes = shapes[places]
        if shapely.get_num_coordinates(shapes).sum() <= MOST_VERTICES or tolerance > 2000:
            return shapes, tolerance
        tolerance *= 2


def _rings(shape: Any) -> list[list[list[int]]]:
    """A shape as parts of rings of whole steps, for `page.js`."""
    parts = []
    for part in shapely.get_parts(shape):
        rings = []
        for ring in shapely.get_rings(part):
            points = np.rint(shapely.get_coordinates(ring)[:-1] * _GRID).astype(np.int64)
            steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64))
            rings.append(steps.ravel().tolist())
        parts.append(rings)
    return parts


def _script_json(data: object) -> str:
    """JSON that stays inside its script element whatever a name holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@cache
def _own(name: str) -> str:
    return files("layers").joinpath(name).read_text("utf-8")


@cache
def leaflet_source(name: str) -> str:
    """Leaflet's script or style, without the images, links and source maps it would fetch."""
    text = Path(leaflet.BASE_DIR, name).read_text("utf-8")
    text = re.sub(r"//# sourceMappingURL=\S+", "", text)
    if name.endswith(".css"):
        text = re.sub(r"url\((?!#|data:)[^)]*\)", "none", text)
    # Its attribution is switched off; the licence in the file's first lines stays.
    return re.sub(r'href="https?://[^"]*"', "", text)
