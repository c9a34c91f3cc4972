"""Pages as PDF and pictures as PNG, set by typst from one template.

Everything that people named travels as data: nothing of it is ever read as typst's own markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, singledispatch
from importlib.resources import files
from typing import Any, Literal

import typst

from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.progress import SILENT, Progress
from geodata.words import say
from layers import poster
from layers.deck import drawing
from layers.deck.compose import (
    Box,
    Grid,
    Item,
    Page,
    Picture,
    Plate,
    Plot,
    Stroke,
    Swatch,
    Text,
    compose,
    size_for,
)
from layers.deck.graph_svg import graph_svg
from layers.deck.slide import Link, slide
from layers.deck.template import built

Json = Mapping[str, Any]

LEAST, MOST = 320, 8192
"""Pixels of a picture's side."""


def pdf(
    edition: Edition,
    contents: Sequence[Json],
    *,
    link: Link,
    notes: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> bytes:
    """Pages of 16:9, one a scene: the map and the graphs as vectors, text that can be searched.

    The same edition and contents give the same bytes. `notes` are taken so that all formats are
    asked alike, and are left out: pages are handed to the audience, rehearsal notes are not.

    Raises
    ------
    FontMissing : before any work; and as `slide`.
    """
    poster.chinese_font()
    del notes
    pages = []
    with progress.step(say("deck.progress.slides"), len(contents)) as advance:
        for number, content in enumerate(contents, start=1):
            pages.append(_page(edition, content, link=link, look="light", number=number))
            advance(1)
    with progress.step(say("deck.progress.file"), 1) as advance:
        found = _set(edition, pages, "pdf", timestamp=int(built(edition).timestamp()))
        advance(1)
    return found


def png(
    edition: Edition,
    content: Json,
    *,
    width: int,
    height: int,
    link: Link,
    look: str = "dark",
) -> bytes:
    """One scene as a picture of exactly `width` x `height` pixels.

    Raises
    ------
    FontMissing : before any work. BadRequest : a size that no screen has. And as `slide`.
    """
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise BadRequest(say("poster.size", least=LEAST, most=MOST), value=f"{width}x{height}")
    poster.chinese_font()
    wide, high = size_for(width, height)
    page = _page(edition, content, link=link, look=look, size=(wide, high))
    return _set(edition, [page], "png", ppi=72.0 * width / wide)


def _page(
    edition: Edition,
    content: Json,
    *,
    link: Link,
    look: str,
    number: int = 0,
    size: tuple[float, float] | None = None,
) -> Json:
    """Everything on one page, as data."""
    said = slide(edition, content, link=link, look=look, number=number)
    page = (
        compose(said, look=look)
        if size is None
        else compose(said, width=size[0], height=size[1], look=look)
    )
    drawing.measure(edition, page)
    picture = drawing.vector(edition, page)
    return {
        "width": page.width,
        "height": page.height,
        "ground": page.ink.ground,
        "items": [told(item, page, picture) for item in page.items],
    }


def _set(
    edition: Edition, pages: Sequence[Json], format: Literal["pdf", "png"], **how: Any
) -> bytes:
    """Have typst set the pages."""
    data = {
        "title": str(edition.notices()["title"]),
        "font": poster.chinese_font(),
        "language": "zh",
        "region": "cn",
        "pages": pages,
    }
    made: Any = typst.compile(
        files("layers.deck").joinpath("page.typ").read_bytes(),
        format=format,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        font_paths=_fonts(),
        **how,
    )
    return bytes(made)


@cache
def _fonts() -> typst.Fonts:
    # Looking through the system's fonts takes longer than setting a page.
    return typst.Fonts()


@singledispatch
def told(item: Item, page: Page, picture: str) -> Json:
    """One item as the template reads it."""
    raise TypeError(item)


@told.register
def _text(item: Text, page: Page, picture: str) -> Json:
    return {
        "kind": "text",
        **_box(item.box),
        "text": item.text,
        "size": item.size,
        "colour": item.colour,
        "bold": item.bold,
        "align": item.align,
        "anchor": item.anchor,
        "link": item.link,
        "role": item.role,
    }


@told.register
def _picture(item: Picture, page: Page, picture: str) -> Json:
    return {"kind": "svg", **_box(item.box), "svg": picture, "words": item.words}


@told.register
def _plot(item: Plot, page: Page, picture: str) -> Json:
    svg = graph_svg(item.graph, item.box.w, item.box.h, page.ink, poster.chinese_font())
    words = say("deck.graph", title=item.graph.title)
    return {"kind": "svg", **_box(item.box), "svg": svg, "words": words}


@told.register
def _swatch(item: Swatch, page: Page, picture: str) -> Json:
    hatched = not item.colour and not item.off
    return {
        "kind": "swatch",
        **_box(item.box),
        "fill": "" if item.off or hatched else item.colour,
        "line": item.line,
        "hatch": page.ink.hatch if hatched else "",
    }


@told.register
def _plate(item: Plate, page: Page, picture: str) -> Json:
    return {"kind": "swatch", **_box(item.box), "fill": item.fill, "line": item.line, "hatch": ""}


@told.register
def _stroke(item: Stroke, page: Page, picture: str) -> Json:
    return {
        "kind": "stroke",
        "x": item.x,
        "y": item.y,
        "to_x": item.to_x,
        "to_y": item.to_y,
        "colour": item.colour,
        "width": item.width,
    }


@told.register
def _grid(item: Grid, page: Page, picture: str) -> Json:
    table, ink = item.table, page.ink
    return {
        "kind": "grid",
        **_box(item.box),
        "widths": item.widths,
        "size": item.size,
        "columns": table.columns,
        "right": table.right,
        "rows": table.rows,
        "ink": ink.ink,
        "head": ink.ink_3,
        "line": ink.line,
        "rule": ink.hatch,
    }


def _box(box: Box) -> dict[str, float]:
    return {"x": box.x, "y": box.y, "w": box.w, "h": box.h}
