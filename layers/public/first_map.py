"""The map before its script: an SVG of the default view, in the classes and colours of the map."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition
from geodata.words import say
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED, assign, classes
from layers.legend import Entry, legend
from layers.numbers import figure
from layers.palette import GROUNDS
from layers.paths import paths
from layers.picture import name_of
from layers.public.facts import Facts, approval, published
from layers.view import Resolved, View, resolve

MOST_BYTES = 40_000
"""An SVG that is read before anything else must not weigh more."""

LONG_SIDE = 900
"""Units of the drawing's longer side, about the pixels that a large screen gives it."""

_METRES_A_DEGREE = 111_320.0
_TOLERANCES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Units of the drawing that shapes may be off."""
_NAME, _SMALL = 17, 13
"""Size of names and of the notice, in units."""
_LOOKS = ("light", "dark")


@dataclass(frozen=True)
class _Fit:
    """Degrees to units of the drawing, equirectangular, north up."""

    west: float
    north: float
    narrow: float
    scale: float
    """Units a degree northwards."""
    width: int
    height: int

    @classmethod
    def of(cls, bounds: tuple[float, float, float, float]) -> _Fit:
        west, south, east, north = bounds
        narrow = float(np.cos(np.radians((south + north) / 2)))
        across, up = max((east - west) * narrow, 1e-9), max(north - south, 1e-9)
        scale = (LONG_SIDE - 16) / max(across, up)
        width, height = round(across * scale) + 16, round(up * scale) + 16
        return cls(west, north, narrow, scale, width, height)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(
            (
                8 + (points[:, 0] - self.west) * self.narrow * self.scale,
                8 + (self.north - points[:, 1]) * self.scale,
            )
        )


def svg(edition: Edition, facts: Facts | None = None) -> str:
    """SVG text of the first view, smaller than `MOST_BYTES`, for both looks.

    Shapes are drawn once and used twice: `g.lt` holds the light look's fills, `g.dk` the dark
    one's; the page's style shows one of them. It has no inline style, which a strict page refuses.
    """
    facts = facts or Facts.of(edition)
    look = resolve(View(), edition)
    level = look.level
    place, fills, lines = _coloured(edition, look)
    fit = _Fit.of(edition.root.bounds)
    title, described = told(edition, look, lines)
    corner = approval(edition)
    rest = (*_names(edition, level, fit), *_notices(facts, corner, fit))
    text = ""
    for merged in (False, True):
        for coarse in _TOLERANCES:
            shapes = _shapes(edition, level, place, fit, coarse, merged)
            text = _drawn(shapes, fills, rest, fit, title, described)
            if len(text.encode()) < MOST_BYTES:
                return text
    # So many regions that not even their classes fit: the outline of the whole.
    outline = np.asarray(edition.geometry(edition.root.level).geometry.array)
    outline = shapely.simplify(shapely.transform(outline, fit), 2.0)
    last = [(OUT_OF_SCOPE, paths(outline)[0])]
    return _drawn(last, fills, _notices(facts, corner, fit), fit, title, described)


def told(edition: Edition, look: Resolved, lines: tuple[Entry, ...]) -> tuple[str, str]:
    """Title and description, for those who cannot see the picture."""
    region = name_of(edition, look.region)
    if look.measure is None or not lines:
        plain = say("pages.svg.plain", region=region)
        return plain, plain
    title = say(
        "pages.svg.title",
        region=region,
        measure=look.measure.label,
        period=periods.label(look.period_id or periods.ALWAYS),
    )
    level = edition.space.level(look.level).label
    counts = say("pages.svg.between").join(
        say("pages.svg.counts", label=line.label, count=figure(line.count), level=level)
        for line in lines
        if line.count
    )
    return title, say("pages.svg.description", counts=counts)


def key(edition: Edition) -> tuple[Resolved, tuple[Entry, ...]]:
    """The first view and the lines of its legend; none where nothing is coloured."""
    look = resolve(View(), edition)
    return look, _coloured(edition, look)[2]


def _coloured(
    edition: Edition, look: Resolved
) -> tuple[NDArray[np.uint8], dict[int, tuple[str, str]], tuple[Entry, ...]]:
    """The class of each region, the fills of each class by look, and the legend."""
    fills = {
        OUT_OF_SCOPE: (GROUNDS["light"].out_of_scope, GROUNDS["dark"].out_of_scope),
        MISSING: ("url(#hl)", "url(#hd)"),
        SUPPRESSED: ("url(#hl)", "url(#hd)"),
    }
    plain = np.full(edition.count(look.level), OUT_OF_SCOPE, np.uint8)
    measure = look.measure
    if measure is None or not published(edition, measure.id, look.round.id, look.level):
        return plain, fills, ()
    values = edition.values(measure.id, look.round.id, look.level)
    known = classes(edition, measure.id, look.round.id, look.level)
    place = assign(values.value[look.period], known, values.status[look.period])
    lines = legend(edition, measure.id, look.round.id, look.level, look.period)
    return place, {one.index: (one.light, one.dark) for one in known} | fills, lines


def _shapes(
    edition: Edition,
    level: str,
    place: NDArray[np.uint8],
    fit: _Fit,
    coarse: float,
    merged: bool,
) -> list[tuple[int, str]]:
    """Class and path data of what is drawn: a path a class, regions merged where they are many."""
    pixel = _METRES_A_DEGREE / fit.scale
    given = np.asarray(edition.geometry(level, pixel * coarse).geometry.array, dtype=object)
    found = []
    for index in np.unique(place).tolist():
        alike = given[place == index]
        if merged:
            # Not a coverage any more where simplification tore it: the plain union always works.
            alike = np.array([shapely.union_all(shapely.make_valid(alike))], dtype=object)
        drawn = "".join(paths(shapely.transform(alike, fit)))
        if drawn:
            found.append((int(index), drawn))
    return found


def _names(edition: Edition, level: str, fit: _Fit) -> tuple[str, ...]:
    """Names where they do not collide, the regions with most leaves first."""
    frame = edition.regions(level)
    points = fit(frame[["lon", "lat"]].to_numpy(np.float64))
    names = [str(one) for one in frame["name"]]
    codes = [str(one) for one in frame["code"]]
    leaves = frame["leaves"].to_numpy()
    taken: list[tuple[float, float, float]] = []
    found = []
    for at in sorted(range(len(names)), key=lambda at: (-int(leaves[at]), codes[at])):
        x, y = (float(one) for one in points[at])
        half = len(names[at]) * _NAME / 2
        x = min(max(x, half + 4), fit.width - half - 4)
        if any(abs(y - b) < _NAME * 1.3 and abs(x - a) < half + other for a, b, other in taken):
            continue
        taken.append((x, y, half))
        found.append(f'<text x="{x:.0f}" y="{y + _NAME * 0.35:.0f}">{escape(names[at])}</text>')
        if len(found) == 60:
            break
    if not found:
        return ()
    return (f'<g class="nm" font-size="{_NAME}" text-anchor="middle">', *found, "</g>")


def _notices(facts: Facts, corner: str, fit: _Fit) -> tuple[str, ...]:
    """The review number at the lower left, and the watermark of a demo across the map."""
    found = []
    if facts.watermark:
        x, y = fit.width // 2, fit.height // 2
        size = round(min(fit.width, fit.height) / 9)
        found.append(
            f'<text class="wm" font-size="{size}" text-anchor="middle" x="{x}" y="{y}" '
            f'opacity=".22" transform="rotate(-24 {x} {y})">{escape(facts.watermark)}</text>'
        )
    if corner:
        found.append(
            f'<text class="ap" font-size="{_SMALL}" x="8" y="{fit.height - 8}">'
            f"{escape(corner)}</text>"
        )
    return tuple(found)


def _drawn(
    shapes: list[tuple[int, str]],
    fills: dict[int, tuple[str, str]],
    rest: tuple[str, ...],
    fit: _Fit,
    title: str,
    described: str,
) -> str:
    defs, used = [], dict.fromkeys(_LOOKS, "")
    for number, (index, path) in enumerate(shapes):
        defs.append(f'<path id="p{number}" d="{path}"/>')
        for which, look in enumerate(_LOOKS):
            used[look] += f'<use href="#p{number}" fill="{fills[index][which]}"/>'
    for look in _LOOKS:
        ground = GROUNDS[look]
        defs.append(
            f'<pattern id="h{look[0]}" width="7" height="7" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><path fill="{ground.missing}" d="M0 0h7v7H0z"/>'
            f'<path fill="{ground.hatch}" d="M0 0h1.6v7H0z"/></pattern>'
        )
    # The light look last: without a style sheet it is what is seen.
    groups = "".join(
        f'<g class="{mark}" stroke="{GROUNDS[look].background}" stroke-width="1.2" '
        f'stroke-linejoin="round" fill-rule="evenodd">{used[look]}</g>'
        for look, mark in (("dark", "dk"), ("light", "lt"))
    )
    return (
        f'<svg class="fm" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {fit.width} {fit.height}" '
        f'role="img" aria-labelledby="fm-t fm-d"><title id="fm-t">{escape(title)}</title>'
        f'<desc id="fm-d">{escape(described)}</desc><defs>{"".join(defs)}</defs>'
        f"{groups}{''.join(rest)}</svg>"
    )
