"""The map on a page: asked of the poster in the size and look that the page has room for."""

from __future__ import annotations

import math
from typing import Any, Literal

from geodata.edition import Edition
from layers import poster
from layers.deck.compose import Page, scaled

DENSITY = 2.0
"""Pixels of the map's own style to a point of the page: lines and names as on a full HD screen
that shows the same page."""

LETTERS = 10.0
"""Size of an ordinary place name, in points."""

LEAST_PIXELS = 2400
"""Width of a map's bitmap: sharp on a 4K projector and in print."""


def measure(edition: Edition, page: Page) -> None:
    """Put the scale bar on the page: only the map's camera knows what a point is on the ground."""
    width, height = _pixels(page)
    camera = poster.frame(edition, page.slide.view, width=width, height=height)
    scaled(page, camera.metres * DENSITY)


def vector(edition: Edition, page: Page, detail: float = 1.5) -> str:
    """The map of a page as SVG text; `detail` is finer where it will be printed or enlarged."""
    width, height = _pixels(page)
    return poster.map_svg(edition, page.slide.view, detail=detail, **_drawing(page, width, height))


def bitmap(edition: Edition, page: Page) -> bytes:
    """The map of a page as a PNG at least `LEAST_PIXELS` wide."""
    width, height = _pixels(page)
    scale = max(math.ceil(10 * LEAST_PIXELS / width) / 10, 1.0)
    # A map may be no larger than the poster draws.
    scale = min(scale, poster.MOST / max(width, height))
    return poster.map_png(edition, page.slide.view, scale=scale, **_drawing(page, width, height))


def _drawing(page: Page, width: int, height: int) -> dict[str, Any]:
    look: Literal["dark", "light"] = "dark" if page.look == "dark" else "light"
    return {
        "width": width,
        "height": height,
        "look": look,
        "marked": page.slide.marked,
        "text": LETTERS * DENSITY,
    }


def _pixels(page: Page) -> tuple[int, int]:
    box = page.picture.box
    held = (min(max(round(side * DENSITY), poster.LEAST), poster.MOST) for side in (box.w, box.h))
    width, height = held
    return width, height
