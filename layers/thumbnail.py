"""A small SVG map of a measure, for a card or a list: the portal's classes, no script, no text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition, Region
from geodata.words import say
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED, assign, classes
from layers.legend import legend
from layers.palette import GROUNDS, Ground
from layers.paths import paths
from layers.picture import name_of
from layers.view import Resolved, View, resolve

WIDTH, HEIGHT = 640, 480
"""Units of the drawing; a whole unit is finer than a pixel of a card."""

MOST_BYTES = 60_000

_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True)
class _Fit:
    """Degrees to units of the drawing, equirectangular, north up."""

    left: float
    top: float
    west: float
    north: float
    narrow: float
    """Length of a degree eastwards in degrees northwards."""
    scale: float
    """Units a degree northwards."""

    @classmethod
    def of(cls, bounds: tuple[float, float, float, float]) -> _Fit:
        west, south, east, north = bounds
        narrow = float(np.cos(np.radians((south + north) / 2)))
        scale = min(
            (WIDTH - 16) / max((east - west) * narrow, 1e-9),
            (HEIGHT - 16) / max(north - south, 1e-9),
        )
        left = (WIDTH - (east - west) * narrow * scale) / 2
        top = (HEIGHT - (north - south) * scale) / 2
        return cls(left, top, west, north, narrow, scale)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(
            (
                self.left + (points[:, 0] - self.west) * self.narrow * self.scale,
                self.top + (self.north - points[:, 1]) * self.scale,
            )
        )

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the whole drawing."""
        west = self.west - self.left / (self.narrow * self.scale)
        north = self.north + self.top / self.scale
        return (
            west,
            north - HEIGHT / self.scale,
            west + WIDTH / (self.narrow * self.scale),
            north,
        )


def bounds(edition: Edition, region: str | None = None) -> list[float]:
    """West, south, east, north of a thumbnail's edges, in degrees; in between it is linear.

    Raises
    ------
    UnknownName : no such region.
    """
    whole = edition.root if region is None else edition.region(region)
    return [round(edge, 6) for edge in _Fit.of(whole.bounds).edges]


def thumbnail(
    edition: Edition,
    measure: str | None,
    round: str | None = None,
    look: str = "light",
    period: str | None = None,
    region: str | None = None,
) -> str:
    """SVG text of a measure at its latest period (or the one named), smaller than `MOST_BYTES`.

    It shows the level two below the root, but never the leaves while there is a level between.
    With a region it is fitted to that: its children in colour and outlined, its neighbours faint.
    A measure of None is the round's first; in a round without any the regions are drawn plain.

    Raises
    ------
    UnknownName : for a measure, round or region that does not exist.
    """
    found = resolve(View(measure=measure, round=round, period=period, region=region), edition)
    order = [level.id for level in edition.levels]
    inner = found.region if found.view.region is not None else None
    level = found.level if inner else order[max(1, min(2, len(order) - 2))]
    place, fills = _coloured(edition, found, level, look)
    fit = _Fit.of(found.region.bounds)
    shown, own = _shown(edition, inner, level, fit)
    title, described = _words(edition, found, level)
    pixel = _METRES_A_DEGREE / fit.scale
    if inner is not None:
        # Neighbours of about one size share the simplified shapes, which take longest.
        pixel = 2.0 ** math.floor(math.log2(pixel))
    for coarse in (0.8, 1.6, 3.2, 6.4, 12.8):
        shapes = np.asarray(edition.geometry(level, pixel * coarse).geometry.array)
        drawn = np.empty(len(shapes), dtype=object)
        drawn[shown] = shapely.transform(shapes[shown], fit)
        parts = []
        for index, fill in fills.items():
            alike = shown & (place == index)
            for faint, chosen in (("", alike & own), (' opacity=".3"', alike & ~own)):
                if path := "".join(paths(drawn[chosen])):
                    parts.append(f'<path{faint} fill="{fill}" d="{path}"/>')
        if inner is not None:
            parts.append(_outline(edition, inner, fit, pixel * coarse, GROUNDS[look]))
        svg = _frame(parts, title, described, look)
        if len(svg.encode()) < MOST_BYTES:
            break
    return svg


def _coloured(
    edition: Edition, found: Resolved, level: str, look: str
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """The class of each region of the level, and the fill of each class."""
    ground = GROUNDS[look]
    fills = {OUT_OF_SCOPE: ground.out_of_scope, MISSING: "url(#h)", SUPPRESSED: "url(#h)"}
    if found.measure is None:
        return np.full(edition.count(level), OUT_OF_SCOPE, np.uint8), fills
    values = edition.values(found.measure.id, found.round.id, level)
    known = classes(edition, found.measure.id, found.round.id, level)
    place = assign(values.value[found.period], known, values.status[found.period])
    return place, {one.index: one.light if look == "light" else one.dark for one in known} | fills


def _shown(
    edition: Edition, inner: Region | None, level: str, fit: _Fit
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks over the level: what the drawing's edges hold, and what lies in the region."""
    count = edition.count(level)
    if inner is None:
        return np.ones(count, np.bool_), np.ones(count, np.bool_)
    own = np.zeros(count, np.bool_)
    own[edition.descendants(inner.code, level)] = True
    west, south, east, north = fit.edges
    frame = edition.regions(level)
    held = (
        (frame["east"] > west)
        & (frame["west"] < east)
        & (frame["north"] > south)
        & (frame["south"] < north)
    )
    return held.to_numpy(np.bool_), own


def _outline(edition: Edition, inner: Region, fit: _Fit, tolerance: float, ground: Ground) -> str:
    """The region's own border."""
    shapes = np.asarray(edition.geometry(inner.level, tolerance).geometry.array)
    border = shapely.transform(shapes[inner.position : inner.position + 1], fit)
    return f'<path fill="none" stroke="{ground.outline}" stroke-width="3" d="{paths(border)[0]}"/>'


def _words(edition: Edition, found: Resolved, level: str) -> tuple[str, str]:
    """Title and description, for those who cannot see the picture."""
    region = name_of(edition, found.region)
    if found.measure is None:
        told = say("layers.page.round_title", region=region, round=found.round.label)
        return told, told
    within = edition.descendants(found.region.code, level).tolist()
    lines = legend(edition, found.measure.id, found.round.id, level, found.period, within)
    title = say("layers.thumbnail.title", measure=found.measure.label)
    described = say(
        "layers.thumbnail.description",
        title=edition.notices()["title"],
        region=region,
        level=edition.space.level(level).label,
        measure=found.measure.label,
        round=found.round.label,
        period=periods.label(found.period_id or periods.ALWAYS),
        counts="，".join(
            say("layers.thumbnail.count", label=line.label, count=line.count)
            for line in lines
            if line.count
        ),
    )
    return title, described


def _frame(parts: Iterable[str], title: str, described: str, look: str) -> str:
    ground = GROUNDS[look]
    border = ground.background
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="t d"><title id="t">{escape(title)}</title>'
        f'<desc id="d">{escape(described)}</desc>'
        '<defs><pattern id="h" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path fill="{ground.missing}" d="M0 0h7v7H0z"/>'
        f'<path fill="{ground.hatch}" d="M0 0h1.6v7H0z"/></pattern></defs>'
        f'<g stroke="{border}" stroke-width=".8" stroke-linejoin="round" fill-rule="evenodd">'
        f"{''.join(parts)}</g></svg>"
    )
