"""Where everything of a slide stands: one arrangement that PowerPoint, PDF and PNG all draw.

Lengths are points (1/72 inch) from the upper left corner.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from geodata.words import say
from layers.deck.graphs import Bars, Graph, Lines
from layers.deck.slide import Figure, Key, Slide, Table, scale_bar

HEIGHT = 540.0
"""Of every landscape page; its width follows from the shape of the screen."""

WIDE = 960.0
"""Width of a 16:9 page."""

MARGIN = 34.0
GAP = 18.0

LABEL_ROOM = 1.2
"""How much longer a bar graph's axis is than its longest bar: the number stands behind it."""

_SURE = 0.93
"""What of a line a sentence may fill, so that it does not break in another font."""

_LEGEND = 144.0
_LEGEND_ROW = 21.0
_FIGURE = 52.0
_HEADING = 22.0
_TABLE_ROW = 20.0
_ROW = 14.5
"""Under this height a row of a graph is too small to be read by a projector's light."""


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.h


@dataclass(frozen=True)
class Ink:
    """The colours of a look, those of the screens (assets/tokens.css)."""

    ground: str
    ink: str
    ink_2: str
    ink_3: str
    line: str
    accent: str
    bar: str
    plan: str
    behind: str
    """The target behind a bar."""
    pale: str
    """Values that only part of the leaves reported, under the curve."""
    hatch: str


INKS = {
    "light": Ink(
        ground="#ffffff",
        ink="#1a2024",
        ink_2="#47525a",
        ink_3="#606c75",
        line="#d8dde1",
        accent="#a3301c",
        bar="#1769aa",
        plan="#8a5a00",
        behind="#dde2e6",
        pale="#9cc3e6",
        hatch="#8b949c",
    ),
    "dark": Ink(
        ground="#12171b",
        ink="#eef2f4",
        ink_2="#b9c3ca",
        ink_3="#96a2ab",
        line="#313c44",
        accent="#ff9a7f",
        bar="#63afff",
        plan="#ffb68a",
        behind="#37434b",
        pale="#2c629b",
        hatch="#8b96a1",
    ),
}


@dataclass(frozen=True)
class Text:
    """Words in a box."""

    box: Box
    text: str
    size: float
    colour: str
    bold: bool = False
    align: str = "left"
    """`left`, `center` or `right`."""
    anchor: str = "top"
    """`top`, `middle` or `bottom`."""
    lines: int = 1
    """One line never breaks, whatever font the reader's machine has."""
    link: str = ""
    role: str = ""
    """`title` and `sentence` are what an outline and a screen reader name the slide by; `number`
    is the page's number, which PowerPoint counts anew when slides are moved."""


@dataclass(frozen=True)
class Picture:
    """The map."""

    box: Box
    words: str


@dataclass(frozen=True)
class Swatch:
    """A colour of the legend, or its hatch, or an empty frame for a class that is off."""

    box: Box
    colour: str
    off: bool
    line: str


@dataclass(frozen=True)
class Plate:
    """A frame around a few words, or a ground under them."""

    box: Box
    line: str
    fill: str = ""


@dataclass(frozen=True)
class Stroke:
    """A straight line."""

    x: float
    y: float
    to_x: float
    to_y: float
    colour: str
    width: float


@dataclass(frozen=True)
class Plot:
    """A graph."""

    box: Box
    graph: Graph


@dataclass(frozen=True)
class Grid:
    """A table."""

    box: Box
    table: Table
    widths: tuple[float, ...]
    size: float


Item = Text | Picture | Swatch | Plate | Stroke | Plot | Grid


@dataclass
class Page:
    """A slide with a place for everything."""

    slide: Slide
    width: float
    height: float
    look: str
    items: list[Item] = field(default_factory=list)

    @property
    def ink(self) -> Ink:
        """Its colours."""
        return INKS[self.look]

    @property
    def picture(self) -> Picture:
        """Its map."""
        return next(item for item in self.items if isinstance(item, Picture))


def size_for(pixels_wide: int, pixels_high: int) -> tuple[float, float]:
    """Width and height of the page for a screen: as high as a slide, or as wide as one is high."""
    if pixels_wide >= pixels_high:
        return HEIGHT * pixels_wide / pixels_high, HEIGHT
    return HEIGHT, HEIGHT * pixels_high / pixels_wide


def compose(slide: Slide, *, width: float = WIDE, height: float = HEIGHT, look: str) -> Page:
    """Put a slide in order on a page of `width` x `height` points."""
    page = Page(slide, width, height, look)
    inner = Box(MARGIN, 22.0, width - 2 * MARGIN, height - 22.0)
    top = _head(page, inner)
    foot = _foot(page, inner)
    main = Box(inner.x, top, inner.w, foot - top - 8)
    if main.w >= main.h * 1.2:
        _beside(page, main)
    else:
        _below(page, main)
    return page


def _head(page: Page, inner: Box) -> float:
    """Title, sentence and details; answers where the rest may begin."""
    slide, ink = page.slide, page.ink
    right = inner.right
    if slide.demo:
        wide = ems(slide.demo) * 11 + 16
        plate = Box(right - wide, inner.y, wide, 20)
        page.items.append(Plate(plate, ink.accent))
        page.items.append(Text(plate, slide.demo, 11, ink.accent, align="center", anchor="middle"))
        right -= wide + 14
    half = (right - inner.x) * 0.5
    page.items.append(
        Text(
            Box(inner.x, inner.y - 1, half, 22),
            slide.title,
            fit(slide.title, half, 1, (15, 13, 11, 9)),
            ink.ink_2,
            bold=True,
            anchor="middle",
            role="title",
        )
    )
    if slide.where != slide.title and ems(slide.where) * 9 <= half:
        page.items.append(
            Text(
                Box(inner.x + half, inner.y - 1, half, 22),
                slide.where,
                fit(slide.where, half, 1, (12, 11, 10, 9)),
                ink.ink_3,
                align="right",
                anchor="middle",
            )
        )
    lines = 1
    size = fit(slide.sentence, inner.w * _SURE, lines, (30, 28, 26, 24))
    if ems(slide.sentence) * size > inner.w * _SURE:
        lines = 2
        size = fit(slide.sentence, inner.w * _SURE, lines, (26, 24, 22, 20, 18, 16))
    box = Box(inner.x, inner.y + 26, inner.w, lines * size * 1.3 + 4)
    page.items.append(Text(box, slide.sentence, size, ink.ink, bold=True, lines=2, role="sentence"))
    below = box.bottom
    if slide.detail:
        text = "；".join(slide.detail)
        size = fit(text, inner.w, 2, (13, 12, 11, 10))
        lines = 1 if ems(text) * size <= inner.w else 2
        box = Box(inner.x, below + 2, inner.w, lines * size * 1.35 + 2)
        page.items.append(Text(box, text, size, ink.ink_2, lines=2))
        below = box.bottom
    # The map stands at the same place from slide to slide, whether a sentence takes one line or
    # two; only a very long one pushes it down.
    return max(below + 10, 138.0)


def _foot(page: Page, inner: Box) -> float:
    """Notices, the way back and the page's number; answers where the rest must end."""
    slide, ink = page.slide, page.ink
    y = page.height - 30
    # A single picture has no page number, and nobody can click on it: it shows the address.
    alone = not slide.number
    back = slide.link if alone else say("deck.link")
    size = fit(back, (inner.right - inner.x) * 0.5, 1, (11, 10, 9, 8, 7, 6))
    wide = ems(back) * size + 8
    number = Box(inner.right - 34, y, 34, 16)
    link = Box((inner.right if alone else number.x - 8) - wide, y, wide, 16)
    text = "　".join(slide.notices)
    room = link.x - inner.x - 12
    page.items += [
        Stroke(inner.x, y - 5, inner.right, y - 5, ink.line, 0.75),
        Text(
            Box(inner.x, y, room, 16),
            text,
            fit(text, room, 1, (11, 10, 9, 8, 7)),
            ink.ink_3,
            anchor="middle",
        ),
        Text(link, back, size, ink.accent, align="right", anchor="middle", link=slide.link),
    ]
    if not alone:
        page.items.append(
            Text(
                number,
                str(slide.number),
                11,
                ink.ink_3,
                align="right",
                anchor="middle",
                role="number",
            )
        )
    return y - 8


def _beside(page: Page, main: Box) -> None:
    """Legend, map and the rest next to each other."""
    slide = page.slide
    side = 0.0
    if slide.figures or slide.graphs or slide.tables:
        side = min(max(main.w * 0.36, 300.0), 780.0)
        if slide.tables:
            wanted = max(sum(_natural(table)) for table in slide.tables)
            side = min(max(side, wanted), main.w * 0.56)
        # A strip of screens is wider than any map: graphs take what the map cannot fill.
        side = max(side, main.w - _LEGEND - 2 * GAP - 2.4 * main.h)
    legend = _LEGEND if slide.legend else 0.0
    left = Box(main.x, main.y, legend, main.h)
    x = left.right + (GAP if legend else 0.0)
    end = main.right - side - (GAP if side else 0.0)
    _picture(page, Box(x, main.y, end - x, main.h))
    below = _legend(page, left) if legend else left.bottom
    if side:
        shown = _side(page, Box(main.right - side, main.y, side, main.h))
        # What the graphs left no room for stands under the legend.
        rest = [one for one in slide.figures[shown:] if not one.note]
        rows = max(int((left.bottom - below - GAP) // _FIGURE), 0)
        if own := rest[:rows]:
            tall = _FIGURE * len(own)
            _figures(page, Box(left.x, left.bottom - tall, left.w, tall), own, 1)


def _below(page: Page, main: Box) -> None:
    """Map, legend and the rest under each other: a page that is higher than wide."""
    slide = page.slide
    columns = max(1, int(main.w // (_LEGEND + GAP)))
    rows = math.ceil(len(slide.legend) / columns)
    legend = rows * _LEGEND_ROW + 34 if slide.legend else 0.0
    rest = bool(slide.figures or slide.graphs or slide.tables)
    tall = (main.h - legend) * (0.52 if rest else 1.0) - GAP
    _picture(page, Box(main.x, main.y, main.w, tall))
    if slide.legend:
        _legend(page, Box(main.x, main.y + tall + 8, main.w, legend), columns)
    if rest:
        y = main.y + tall + legend + GAP
        _side(page, Box(main.x, y, main.w, main.bottom - y))


def _picture(page: Page, box: Box) -> None:
    page.items.append(Picture(box, page.slide.map_words))


def scaled(page: Page, metres_a_point: float) -> None:
    """Put the scale bar on the map, once its scale is known."""
    box, ink = page.picture.box, page.ink
    length, label = scale_bar(metres_a_point, min(110.0, box.w * 0.3))
    x, y = box.x + 10, box.bottom - 10
    wide = max(length, ems(label) * 10)
    ground = Box(x - 6, y - 20, wide + 12, 26)
    page.items += [
        # Readable on the darkest class, too.
        Plate(ground, ink.ground, ink.ground),
        Text(
            Box(x, y - 18, wide, 15),
            label,
            10,
            ink.ink_2,
            anchor="bottom",
            role="scale",
        ),
        Stroke(x, y, x + length, y, ink.ink_2, 1.25),
        Stroke(x, y - 4, x, y, ink.ink_2, 1.25),
        Stroke(x + length, y - 4, x + length, y, ink.ink_2, 1.25),
    ]


def _legend(page: Page, box: Box, columns: int = 1) -> float:
    """The legend; answers where it ends."""
    slide, ink = page.slide, page.ink
    title = slide.map_title.split("\n")
    size = fit(title[0], box.w, 2, (12, 11, 10, 9))
    lines = 1 if ems(title[0]) * size <= box.w else 2
    y = box.y
    head = Box(box.x, y, box.w, lines * size * 1.3 + 2)
    page.items.append(Text(head, title[0], size, ink.ink, bold=True, lines=lines))
    y = head.bottom
    if len(title) > 1:
        page.items.append(Text(Box(box.x, y, box.w, 14), title[1], 10, ink.ink_3))
        y += 16
    y += 4
    wide = (box.w - GAP * (columns - 1)) / columns
    rows = math.ceil(len(slide.legend) / columns)
    pitch = min(_LEGEND_ROW, (box.bottom - y) / max(rows, 1))
    for place, key in enumerate(slide.legend):
        column, row = divmod(place, rows)
        _key(page, Box(box.x + column * (wide + GAP), y + row * pitch, wide, pitch), key)
    return y + rows * pitch


def _key(page: Page, box: Box, key: Key) -> None:
    ink = page.ink
    middle = box.y + box.h / 2
    line = ink.hatch if not key.colour or key.off else ink.line
    page.items.append(Swatch(Box(box.x, middle - 6, 18, 12), key.colour, key.off, line))
    count = ems(key.count) * 10 + 4
    room = box.w - 24 - count
    colour = ink.ink_3 if key.off else ink.ink
    page.items.append(
        Text(
            Box(box.x + 24, box.y, room, box.h),
            key.label,
            fit(key.label, room, 1, (11, 10, 9, 8)),
            colour,
            anchor="middle",
        )
    )
    page.items.append(
        Text(
            Box(box.right - count, box.y, count, box.h),
            key.count,
            10,
            ink.ink_3,
            align="right",
            anchor="middle",
        )
    )


def _side(page: Page, box: Box) -> int:
    """Figures on top, then graphs and tables in as many columns as the width holds.

    Answers how many of the figures are shown.
    """
    slide = page.slide
    parts: list[Graph | Table] = [*slide.graphs, *slide.tables]
    columns = max(1, min(len(parts), int(box.w // 380))) if not slide.tables else 1
    needed = _least(parts) / columns
    across = max(1, int(box.w // 98))
    # With two graphs to read, one row of figures is enough.
    shown = list(slide.figures)[: across if len(parts) > columns else None]
    while shown and parts and math.ceil(len(shown) / across) * _FIGURE + needed > box.h:
        # A whole row goes at once; the last figures are the least important.
        shown = shown[: (math.ceil(len(shown) / across) - 1) * across]
    rows = math.ceil(len(shown) / across)
    tall = _FIGURE if parts else min(box.h / max(rows, 1), 76.0)
    _figures(page, Box(box.x, box.y, box.w, rows * tall), shown, across)
    y = box.y + rows * tall + (8 if rows else 0)
    remarks = "；".join(dict.fromkeys(one.note for one in shown if one.note))
    if remarks:
        text = say("deck.remark", text=remarks)
        size = fit(text, box.w, 1, (10, 9, 8, 7))
        page.items.append(Text(Box(box.x, y - 6, box.w, 14), text, size, page.ink.ink_3))
        y += 14
    wide = (box.w - GAP * (columns - 1)) / columns
    for column in range(columns):
        own = parts[column::columns]
        _stack(page, Box(box.x + column * (wide + GAP), y, wide, box.bottom - y), own)
    return len(shown)


def _least(parts: Sequence[Graph | Table]) -> float:
    """The height under which graphs and tables cannot be read."""
    return sum(_weight(part) * _ROW + _HEADING for part in parts)


def _weight(part: Graph | Table) -> float:
    if isinstance(part, Bars):
        return max(len(part.labels), 3) + (1.5 if part.target is not None else 0)
    if isinstance(part, Lines):
        return 10
    return (len(part.rows) + 1) * 1.4


def _stack(page: Page, box: Box, parts: Sequence[Graph | Table]) -> None:
    if not parts:
        return
    ink = page.ink
    gaps = GAP * 0.5 * (len(parts) - 1)
    a_unit = (box.h - _HEADING * len(parts) - gaps) / sum(_weight(part) for part in parts)
    # Four bars over a whole page would be slabs.
    a_unit = min(a_unit, 26.0 if len(parts) > 1 else 34.0)
    y = box.y
    for part in parts:
        tall = a_unit * _weight(part)
        if isinstance(part, Lines):
            tall = min(tall, 240.0)
        title = part.caption if isinstance(part, Table) else part.title
        page.items.append(
            Text(
                Box(box.x, y, box.w, 18),
                title,
                fit(title, box.w, 1, (12, 11, 10, 9, 8)),
                ink.ink,
                bold=True,
                anchor="middle",
            )
        )
        own = Box(box.x, y + _HEADING, box.w, tall)
        if isinstance(part, Table):
            page.items.append(_grid(own, part))
        else:
            page.items.append(Plot(own, part))
        y = own.bottom + GAP * 0.5


def _natural(table: Table) -> list[float]:
    """The widths of a table's columns at 11 points."""
    columns = zip(table.columns, *table.rows, strict=True)
    return [max(ems(cell) for cell in column) * 11 + 14 for column in columns]


def _grid(box: Box, table: Table) -> Grid:
    natural = _natural(table)
    pitch = box.h / (len(table.rows) + 1)
    size = min(12.0, 11.0 * box.w / sum(natural), pitch * 0.62)
    spread = box.w / sum(natural)
    tall = min(pitch, _TABLE_ROW * 1.2) * (len(table.rows) + 1)
    return Grid(
        Box(box.x, box.y, box.w, tall),
        table,
        tuple(width * spread for width in natural),
        math.floor(size * 2) / 2,
    )


def _figures(page: Page, box: Box, figures: Sequence[Figure], across: int) -> None:
    ink = page.ink
    if not figures:
        return
    wide = (box.w - GAP * (across - 1)) / across
    tall = box.h / math.ceil(len(figures) / across)
    for place, one in enumerate(figures):
        row, column = divmod(place, across)
        x, y = box.x + column * (wide + GAP), box.y + row * tall
        text = f"{one.text} {one.unit}" if one.unit and one.unit != "%" else one.text + one.unit
        label = say("deck.remarked", label=one.label) if one.note else one.label
        page.items += [
            Text(
                Box(x, y, wide, 30),
                text,
                fit(text, wide - 4, 1, (22, 20, 18, 16, 14, 12)),
                ink.ink,
                bold=True,
                anchor="bottom",
            ),
            Text(
                Box(x, y + 32, wide, 16),
                label,
                fit(label, wide, 1, (11, 10, 9, 8)),
                ink.ink_3,
            ),
        ]


def ems(text: str) -> float:
    """About how wide a text is at most, in units of its size: a Chinese character is one.

    Rather too much than too little: which font stands in for ours is the reader's machine's choice.
    """
    return sum(
        1.0 if unicodedata.east_asian_width(sign) in "WFA" else 0.36 if sign in " .,:;|'" else 0.62
        for sign in text
    )


def fit(text: str, width: float, lines: int, sizes: Sequence[float]) -> float:
    """The largest of `sizes` (descending) at which a text takes at most so many lines."""
    # A line breaks where a word ends, and so is seldom full.
    room = width * lines if lines == 1 else width * lines * 0.94
    wide = ems(text)
    return next((size for size in sizes if wide * size <= room), sizes[-1])
