"""A small SVG map of a measure, for a gallery card: the portal's classes, no script, no text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata import periods
from geodata.edition import Edition
from geodata.words import say
from layers.classify import MISSING, OUT_OF_SCOPE, assign, classes
from layers.legend import legend
from layers.palette import GROUNDS
from layers.view import View, resolve

WIDTH, HEIGHT = 640, 480
"""Units of the drawing; a whole unit is finer than a pixel of a card."""

MOST_BYTES = 60_000

_METRES_A_DEGREE = 111_320.0


def thumbnail(
    edition: Edition,
    measure: str,
    round: str | None = None,
    look: str = "light",
    period: str | None = None,
) -> str:
    """SVG text of a measure at its latest period (or the one named), smaller than `MOST_BYTES`.

    It shows the level two below the root, but never the leaves while there is a level between.

    Raises
    ------
    UnknownName : for a measure or round that does not exist.
    """
    found = resolve(View(measure=measure, round=round, period=period), edition)
    assert found.measure is not None, "a measure was named"
    order = [level.id for level in edition.levels]
    level = order[max(1, min(2, len(order) - 2))]
    values = edition.values(measure, found.round.id, level)
    known = classes(edition, measure, found.round.id, level)
    place = assign(values.value[found.period], known, values.status[found.period])
    ground = GROUNDS[look]
    fills = {one.index: one.light if look == "light" else one.dark for one in known}
    fills |= {OUT_OF_SCOPE: ground.out_of_scope, MISSING: "url(#h)"}

    west, south, east, north = edition.root.bounds
    narrow = float(np.cos(np.radians((south + north) / 2)))
    scale = min(
        (WIDTH - 16) / max((east - west) * narrow, 1e-9), (HEIGHT - 16) / max(north - south, 1e-9)
    )
    left = (WIDTH - (east - west) * narrow * scale) / 2
    top = (HEIGHT - (north - south) * scale) / 2

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Degrees to units, north up."""
        return np.column_stack(
            (left + (points[:, 0] - west) * narrow * scale, top + (north - points[:, 1]) * scale)
        )

    lines = legend(edition, measure, found.round.id, level, found.period)
    title = say("layers.thumbnail.title", measure=found.measure.label)
    described = say(
        "layers.thumbnail.description",
        title=edition.notices()["title"],
        region=edition.levels[0].all_label or edition.root.name,
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
    pixel = _METRES_A_DEGREE / scale
    for coarse in (0.8, 1.6, 3.2, 6.4, 12.8):
        shapes = edition.geometry(level, pixel * coarse).geometry
        drawn = shapely.transform(np.asarray(shapes.array), project)
        parts = [
            f'<path fill="{fill}" d="{path}"/>'
            for index, fill in fills.items()
            if (path := _path(drawn[place == index]))
        ]
        svg = _frame(parts, title, described, look)
        if len(svg.encode()) < MOST_BYTES:
            break
    return svg


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


def _path(shapes: NDArray[np.object_]) -> str:
    """All rings of some polygons as one path of whole, relative steps."""
    rings: list[str] = []
    for part in shapely.get_parts(shapes):
        for ring in shapely.get_rings(part):
            points = np.rint(shapely.get_coordinates(ring)).astype(int)
            steps = np.diff(points, axis=0)
            steps = steps[steps.any(axis=1)]
            # A ring that shrank to a point or a line has nothing to fill.
            if len(steps) < 3:
                continue
            moves = "".join(f"{_signed(x)}{_signed(y)}" for x, y in steps[:-1])
            rings.append(f"M{points[0, 0]},{points[0, 1]}l{moves.lstrip(' ')}z")
    return "".join(rings)


def _signed(number: int) -> str:
    # A minus sign separates by itself.
    return f"{number}" if number < 0 else f" {number}"
