"""The map as a picture, drawn without a browser: the screen's camera, classes, colours and names.

What `assets/20-atlas-map.js` does with MapLibre is done here with shapes: whoever changes a
colour, a width or a rule there changes it here, and a test holds the two pictures side by side.
The underlay is not drawn: its tiles are somebody else's.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any, Literal

import numpy as np
import shapely
import typst
from numpy.typing import NDArray

from geodata.edition import Edition
from geodata.errors import AtlasError
from geodata.shapes import unite
from geodata.words import say
from layers import picture
from layers.camera import LEAST, MOST, Box, Frame, fit
from layers.classify import MISSING, OUT_OF_SCOPE, SUPPRESSED, assign, classes
from layers.paths import paths
from layers.remember import per_edition
from layers.view import View, resolve

__all__ = [
    "INKS",
    "LEAST",
    "MOST",
    "FontMissing",
    "Frame",
    "Ink",
    "Look",
    "chinese_font",
    "frame",
    "map_png",
    "map_svg",
    "raster",
]

Json = Mapping[str, Any]
Look = Literal["dark", "light"]


@dataclass(frozen=True)
class Ink:
    """The map's own colours in a look: those that `assets/atlas.css` declares for the browser."""

    ground: str
    land: str
    missing: str
    suppressed: str
    """What is known and not published; hatched as well."""
    hatch: str
    leaf: str
    """Borders of the leaves, and the casing of those above."""
    border: str
    halo: str
    ink: str
    accent: str
    label: str


INKS: dict[str, Ink] = {
    "light": Ink(
        ground="#f4f5f5",
        land="#e3e6e8",
        missing="#fcfcfb",
        suppressed="#d6dade",
        hatch="#9aa2a9",
        leaf="#ffffff",
        border="#47525a",
        halo="#ffffff",
        ink="#1a2024",
        accent="#b5301a",
        label="#20282d",
    ),
    "dark": Ink(
        ground="#10151a",
        land="#1f272d",
        missing="#161c21",
        suppressed="#313b43",
        hatch="#6d7a84",
        leaf="#10151a",
        border="#c3ccd2",
        halo="#0b0f13",
        ink="#f2f5f6",
        accent="#ff8f70",
        label="#e6ebee",
    ),
}

OFF, OUTSIDE = 0.88, 0.74
"""How far a colour goes towards the ground: filtered out, outside the region."""

HATCH, HATCH_FADED = 0.75, 0.22
"""Opacity of the hatch where data is missing, and where that is faded."""

FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)
"""Chinese fonts that names are drawn in: the first that the machine has."""

_STEP = 8
_GAP = 6
_MARGIN = 12.0
_FINE = 10  # units of the drawing a pixel
_ROUGH = 0.55  # pixels: what simplifying may cut off is about its square
_BLEED = 0.7  # neighbours overlap by a little: no ground shines through between them

# Zooms at which a width or an opacity of the browser's style is declared; between, a line.
_WIDTH_ZOOMS, _OPACITY_ZOOMS = (6.0, 9.0, 12.0, 15.0), (7.0, 9.0, 11.0)
_WIDTHS_LEAF, _WIDTHS_ROOT = (0.15, 0.35, 0.9, 1.6), (0.9, 1.3, 2.2, 3.2)

# What XML 1.0 cannot hold, however it is written.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class FontMissing(AtlasError):
    """The machine has no font with Chinese letters."""

    http_status = 503


# ---------------------------------------------------------------------------------- picture


def frame(
    edition: Edition,
    view: View,
    *,
    width: int,
    height: int,
    padding: Mapping[str, float] | None = None,
) -> Frame:
    """Where the map's camera stands for a view, in the browser and here.

    Parameters
    ----------
    padding : `{top, right, bottom, left}` pixels that something else covers.

    Raises
    ------
    UnknownName : as `resolve`. BadRequest : a size that nobody needs.
    """
    return fit(edition, picture.picture(edition, view), width, height, padding)


def map_svg(
    edition: Edition,
    view: View,
    *,
    width: int,
    height: int,
    look: Look = "dark",
    labels: bool = True,
    marked: Sequence[Json] = (),
    text: float | None = None,
    period: str | None = None,
    padding: Mapping[str, float] | None = None,
    background: bool = True,
    detail: float = 1.0,
) -> str:
    """A view's map as SVG text of `width` x `height` pixels: no legend, no notices, no script.

    Parameters
    ----------
    labels : whether places are named (unless the view hides the layer `labels`).
    marked : regions to number: dicts with `code`, `name`, `lon`, `lat` (degrees) and `rank`.
    text : pixels of an ordinary name; None takes the portal's size on a screen of this width.
    period : instead of the view's.
    padding : `{top, right, bottom, left}` pixels that something else covers.
    background : whether the ground is painted.
    detail : how many times its size the picture will be looked at; shapes are finer then.

    Raises
    ------
    UnknownName : as `resolve`. BadRequest : a size that nobody needs.
    """
    if period is not None:
        view = replace(view, period=period)
    found = resolve(view, edition)
    shown = picture.of(edition, found)
    camera = fit(edition, shown, width, height, padding)
    ink = INKS[look]
    active = _active(shown, camera.zoom)
    depth = active["depth"]
    region = shown["region"]
    own = next(n for n, one in enumerate(shown["levels"]) if one["id"] == region["level"])
    lines = _lines(shown, camera.zoom, depth)
    deepest = max(depth, own, *lines) if lines else max(depth, own)
    drawn = _drawn(edition, camera, deepest, detail)

    fills, hatches = _fills(edition, shown, active, look, drawn[depth])
    defs = "".join(f'<path id="f{n}" d="{data}"/>' for n, (_, data) in enumerate(fills))
    parts = []
    if background:
        parts.append(f'<path fill="{ink.ground}" d="M0 0h{width}v{height}H0z"/>')
    parts.append(
        f'<g transform="scale({1 / _FINE})" stroke-linejoin="round" stroke-linecap="round">'
    )
    parts.append(f'<path fill="{ink.land}" fill-rule="evenodd" d="{"".join(drawn[0])}"/>')
    parts.append(f'<g fill-rule="evenodd" stroke-width="{_short(_BLEED * _FINE)}">')
    parts += [f'<use href="#f{n}" fill="{c}" stroke="{c}"/>' for n, (c, _) in enumerate(fills)]
    parts.append("</g></g>")
    clips, hatched = _hatch(camera, hatches, ink)
    parts += hatched
    parts.append(
        f'<g transform="scale({1 / _FINE})" fill="none" stroke-linejoin="round" '
        'stroke-linecap="round">'
    )
    for at in sorted(lines, reverse=True):
        content = (
            "".join(f'<use href="#f{n}"/>' for n in range(len(fills)))
            if at == depth
            else f'<path d="{"".join(drawn[at])}"/>'
        )
        parts += _border(at, len(shown["levels"]), camera.zoom, ink, content)
    parts += _outline(region, drawn[own], own, len(shown["levels"]), ink)
    parts.append("</g>")
    size = text if text is not None else 0.8125 * min(max(8 + 0.0055 * width, 15), 30)
    parts += _names(shown, camera, depth, size, ink, labels, marked)
    measure = found.measure
    title = say("layers.thumbnail.title", measure=measure.label) if measure else shown["title"]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{_written(title)}">'
        f"<defs>{defs}{clips}</defs>{''.join(parts)}</svg>"
    )


def map_png(
    edition: Edition, view: View, *, width: int, height: int, scale: float = 1.0, **drawing: Any
) -> bytes:
    """The same as a PNG of `width * scale` x `height * scale` pixels; arguments as `map_svg`.

    Raises
    ------
    FontMissing : when there are names to write and no Chinese font. And as `map_svg`.
    """
    drawing.setdefault("detail", max(scale, 1.0))
    return raster(
        map_svg(edition, view, width=width, height=height, **drawing),
        width=width,
        height=height,
        scale=scale,
    )


def raster(svg: str, *, width: int, height: int, scale: float = 1.0) -> bytes:
    """An SVG of `width` x `height` as a PNG, transparent where nothing is drawn.

    Raises
    ------
    FontMissing : when it holds text and the machine no Chinese font.
    """
    if "<text" in svg:
        chinese_font()
    # typst counts in points; at 72 pixels an inch one of them is a pixel.
    page = (
        f"#set page(width: {width}pt, height: {height}pt, margin: 0pt, fill: none)\n"
        f'#place(top + left, image(bytes(sys.inputs.svg), format: "svg", '
        f"width: {width}pt, height: {height}pt))"
    )
    return bytes(
        typst.compile(
            page.encode(),
            format="png",
            ppi=72.0 * scale,
            sys_inputs={"svg": svg},
            font_paths=_fonts(),
        )
    )


def chinese_font() -> str:
    """Family of the font that names are drawn in on this machine.

    Raises
    ------
    FontMissing : says which package to install.
    """
    there = set(_fonts().families())
    for family in FAMILIES:
        if family in there:
            return family
    # One that is installed now is found without a restart.
    _fonts.cache_clear()
    raise FontMissing(say("poster.no_font"), cure=say("poster.no_font_cure"))


@cache
def _fonts() -> typst.Fonts:
    # Looking through the system's fonts takes longer than a small picture.
    return typst.Fonts()


# ---------------------------------------------------------------------------------- shapes


@per_edition(24)
def _drawn(
    edition: Edition, camera: Frame, deepest: int, detail: float
) -> tuple[tuple[str, ...], ...]:
    """Path data of every region that a frame shows, for the levels down to `deepest`.

    A tuple a level, root first, in position order; "" for what the frame does not show. Upper
    levels are put together from the deepest, so that their borders lie exactly on its borders.
    """
    level = edition.levels[deepest].id
    regions = edition.regions(level)
    pixels = (_MARGIN, _MARGIN, camera.width + 2 * _MARGIN, camera.height + 2 * _MARGIN)
    west, south, east, north = replace(camera, width=pixels[2], height=pixels[3]).bounds
    seen: NDArray[np.integer[Any]] = np.flatnonzero(
        (regions["east"].to_numpy() > west)
        & (regions["west"].to_numpy() < east)
        & (regions["north"].to_numpy() > south)
        & (regions["south"].to_numpy() < north)
    )
    whole = np.asarray(edition.geometry(level).geometry.array, dtype=object)[seen]
    shapes = shapely.transform(whole, camera.project)
    if len(shapes):
        shapes = np.asarray(shapely.coverage_simplify(shapes, _ROUGH / detail))
    found: list[tuple[str, ...]] = []
    nesting = edition.nesting
    for depth in range(deepest, -1, -1):
        texts = [""] * len(nesting.codes[depth])
        for place, data in zip(seen.tolist(), paths(_cut(shapes, camera)), strict=True):
            texts[place] = data
        found.append(tuple(texts))
        if depth:
            above, group = np.unique(nesting.parents[depth][seen], return_inverse=True)
            shapes, _ = unite(shapes, group, len(above))
            seen = above
    return tuple(reversed(found))


def _cut(shapes: NDArray[np.object_], camera: Frame) -> NDArray[np.object_]:
    """Only what lies in the frame and a margin around it, in units of the drawing."""
    left, top = -_MARGIN, -_MARGIN
    right, bottom = camera.width + _MARGIN, camera.height + _MARGIN
    box = shapely.bounds(shapes)
    over = (box[:, 0] < left) | (box[:, 1] < top) | (box[:, 2] > right) | (box[:, 3] > bottom)
    kept = shapes.copy()
    kept[over] = shapely.clip_by_rect(shapes[over], left, top, right, bottom)
    return np.asarray(shapely.transform(kept, lambda points: points * _FINE))


# ---------------------------------------------------------------------------------- colours


def _active(shown: Json, zoom: float) -> dict[str, Any]:
    """The level that is coloured, with its `depth`; one that follows the zoom is found by it."""
    levels = [{**one, "depth": depth} for depth, one in enumerate(shown["levels"])]
    if not shown["follow"]:
        return next(one for one in levels if one["id"] == shown["level"])
    return [one for one in levels if one["depth"] == 0 or zoom >= one["zoom_from"]][-1]


def _fills(
    edition: Edition, shown: Json, active: Json, look: Look, drawn: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[float, list[int]]]]:
    """The coloured regions: (colour, path data) of each colour that occurs; and what is hatched:
    (opacity, indices of those paths).
    """
    ink = INKS[look]
    colours = {code: one[look] for code, one in enumerate(active["classes"])}
    colours |= {OUT_OF_SCOPE: ink.land, MISSING: ink.missing, SUPPRESSED: ink.suppressed}
    count = len(drawn)
    place = np.full(count, OUT_OF_SCOPE, np.uint8)
    # A level at which the measure is not published is drawn as land, as the browser draws it.
    if shown["measure"] and edition.shows(shown["measure"]["id"], active["id"]):
        round_id, measure = shown["round"]["id"], shown["measure"]["id"]
        values = edition.values(measure, round_id, active["id"])
        known = classes(edition, measure, round_id, active["id"])
        at = values.periods.index(shown["periods"][shown["period"]]["id"])
        place = assign(values.value[at], known, values.status[at])
    outside = np.zeros(count, np.bool_)
    if active["inside"] is not None:
        outside[:] = True
        for start, stop in active["inside"]:
            outside[start:stop] = False
    off = set(shown["off"])
    fills: list[tuple[str, str]] = []
    hatches: dict[float, list[int]] = {}
    for beyond in (True, False):
        for code, colour in colours.items():
            own = np.flatnonzero((place == code) & (outside == beyond))
            if not (data := "".join(drawn[n] for n in own.tolist())):
                continue
            share = OFF if code in off else 0.0
            if beyond:
                share = 1 - (1 - share) * (1 - OUTSIDE)
            if code in (MISSING, SUPPRESSED):
                hatches.setdefault(HATCH_FADED if share else HATCH, []).append(len(fills))
            fills.append((mix(colour, ink.ground, share), data))
    return fills, sorted(hatches.items())


def mix(colour: str, ground: str, share: float) -> str:
    """`share` of the way from one `#rrggbb` to another, rounded as the browser rounds."""
    if not share:
        return colour
    pairs = ((int(colour[n : n + 2], 16), int(ground[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{math.floor(a + (b - a) * share + 0.5):02x}" for a, b in pairs)


def _hatch(
    camera: Frame, hatches: Iterable[tuple[float, list[int]]], ink: Ink
) -> tuple[str, list[str]]:
    """Diagonal lines over what is missing: their clips, and the lines.

    They are fixed to the ground, and grow with it between two whole zooms, as MapLibre's
    patterns do. Lines under a clip stay sharp at every size, where a pattern would be a bitmap.
    """
    grown = 2 ** (camera.zoom - math.floor(camera.zoom))
    step = _STEP * grown
    # x + y of the frame's corner, counted from the corner of the world.
    corner = (camera.x + camera.y) * camera.world - (camera.width + camera.height) / 2
    first = -(corner % step)
    count = math.ceil((camera.width + camera.height - first) / step)
    reach = _short(camera.height)
    lines = "".join(f"M{_short(first + n * step)} 0l-{reach} {reach}" for n in range(count + 1))
    clips, parts = [], []
    for number, (opacity, members) in enumerate(hatches):
        uses = "".join(f'<use href="#f{n}" transform="scale({1 / _FINE})"/>' for n in members)
        clips.append(f'<clipPath id="c{number}">{uses}</clipPath>')
        parts.append(
            f'<path clip-path="url(#c{number})" fill="none" stroke="{ink.hatch}" '
            f'stroke-width="{_short(grown)}" stroke-opacity="{opacity}" d="{lines}"/>'
        )
    return "".join(clips), parts


# ---------------------------------------------------------------------------------- borders


def _lines(shown: Json, zoom: float, depth: int) -> list[int]:
    """Depths whose borders are drawn: one more than is coloured, where the zoom has room."""
    hidden = set(shown["hide"])
    return [
        at
        for at, one in enumerate(shown["levels"])
        if f"line-{one['id']}" not in hidden
        and (at <= depth or (at == depth + 1 and zoom >= max(one["zoom_from"], one["min_zoom"])))
    ]


def _border(depth: int, count: int, zoom: float, ink: Ink, content: str) -> Iterator[str]:
    """One level's borders, over their casing where the style has one."""
    last = count - 1
    share = depth / last if last else 0.0
    fine = depth == last and last > 0
    inner = depth == last or (depth > 1 and depth == last - 1)
    width = float(
        np.interp(
            zoom,
            _WIDTH_ZOOMS,
            [b + (a - b) * share for a, b in zip(_WIDTHS_LEAF, _WIDTHS_ROOT, strict=True)],
        )
    )
    if depth > 0 and not fine and depth < last - 1 + (1 if last < 3 else 0):
        yield _stroked(content, ink.leaf, width * 3.2, 0.55)
    opacity = 0.95 if inner else 0.85
    if fine:
        opacity = float(np.interp(zoom, _OPACITY_ZOOMS, (0.35, 0.6, 0.9)))
    yield _stroked(content, ink.leaf if inner else ink.border, width, opacity)


def _stroked(content: str, colour: str, width: float, opacity: float) -> str:
    # WebGL smooths a hairline over a whole pixel, which makes it heavier than its width says,
    # and draws a border shared by two regions twice.
    drawn = ((width + 1) / 2) ** 2 if width < 1 else width
    return (
        f'<g stroke="{colour}" stroke-width="{_short(drawn * _FINE)}" '
        f'opacity="{_short(1 - (1 - opacity) ** 2)}">{content}</g>'
    )


def _outline(region: Json, drawn: Sequence[str], depth: int, count: int, ink: Ink) -> Iterator[str]:
    """The region itself, marked; the root needs no mark."""
    data = drawn[region["position"]]
    if depth == 0 or not data:
        return
    strokes = ((ink.halo, 5.5, 0.95), (ink.ink, 2.4, 0.95))
    if depth == count - 1:
        strokes = ((ink.halo, 5.0, 1.0), (ink.accent, 2.8, 1.0))
    for colour, width, opacity in strokes:
        yield (
            f'<path stroke="{colour}" stroke-width="{_short(width * _FINE)}" '
            f'stroke-opacity="{opacity}" d="{data}"/>'
        )


# ---------------------------------------------------------------------------------- names


@dataclass
class _Taken:
    """Rectangles where something stands already."""

    boxes: list[Box]

    def free(self, box: Box) -> bool:
        return not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in self.boxes
        )

    def take(self, box: Box) -> bool:
        if not self.free(box):
            return False
        self.boxes.append(box)
        return True


def _names(
    shown: Json,
    camera: Frame,
    active: int,
    size: float,
    ink: Ink,
    labels: bool,
    marked: Sequence[Json],
) -> Iterator[str]:
    """Names where no more important one stands in the way, numbers of marked regions first.

    The browser's rule, but that a name which the frame would cut is left out.
    """
    taken = _Taken([])
    badges = list(_badges(camera, size, marked, taken))
    levels = shown["levels"]
    depths = {one["id"]: depth for depth, one in enumerate(levels)}
    numbered = {str(one.get("code", "")) for one in marked}
    # The breadcrumb (or a slide's title) says where we are; the map names what is inside.
    around = {one["code"] for one in shown["path"]}
    if shown["region"]["leaf"]:
        around.discard(shown["region"]["code"])
    chosen: dict[bool, list[str]] = {True: [], False: []}

    def put(name: str, x: float, y: float, large: bool, deep: bool) -> bool:
        letters, wide, high = _measured(name, size, large)
        gap = _GAP + (4 if deep else 0)
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        inside = box[0] >= 2 and box[1] >= 1 and box[2] <= camera.width - 2
        if not inside or box[3] > camera.height - 1:
            return False
        if not taken.take((box[0] - gap, box[1] - gap / 2, box[2] + gap, box[3] + gap / 2)):
            return False
        # The baseline lies so far under the middle of a Chinese letter.
        chosen[large].append(
            f'<text x="{_short(x)}" y="{_short(y + 0.38 * letters)}">{_written(name)}</text>'
        )
        return True

    names = [] if not labels or "labels" in shown["hide"] else shown["labels"]
    rest: list[tuple[str, float, float]] = []
    for one, (x, y) in zip(names, _points(camera, names), strict=True):
        depth = depths[one["level"]]
        if one["code"] in around or one["code"] in numbered:
            continue
        if depth > 1:
            if depth == active or camera.zoom >= (levels[depth]["zoom_from"] or 0):
                rest.append((one["name"], x, y))
            continue
        # Only a number can stand in the way of these: they make room for it.
        for lines in (0, 1, -1, 2, -2, 3, -3, 4, -4) if badges else (0,):
            if put(one["name"], x, y + lines * size, depth == 1, False):
                break
    named = marked if labels and "labels" not in shown["hide"] else ()
    for mark, (x, y, radius) in zip(named, badges, strict=False):
        _, wide, high = _measured(str(mark["name"]), size, False)
        # So far that the name stands free of its own number.
        down, across = radius + high / 2 + 6, radius + wide / 2 + _GAP + 3
        for to_x, to_y in ((0.0, down), (0.0, -down), (across, 0.0), (-across, 0.0)):
            if put(str(mark["name"]), x + to_x, y + to_y, False, False):
                break
    for name, x, y in rest:
        put(name, x, y, False, True)
    style = (
        'stroke-linejoin="round" paint-order="stroke" text-anchor="middle" '
        f'font-family="{escape(", ".join(FAMILIES), quote=True)}, sans-serif" '
        f'stroke="{ink.halo}"'
    )
    for large, weight, colour in ((False, 500, ink.label), (True, 600, ink.ink)):
        if chosen[large]:
            letters = _letters(size, large)
            spaced = f' letter-spacing="{_short(0.12 * letters)}"' if large else ""
            yield (
                f'<g {style} fill="{colour}" stroke-width="{_short(0.22 * letters)}" '
                f'font-size="{_short(letters)}" font-weight="{weight}"{spaced}>'
                f"{''.join(chosen[large])}</g>"
            )
    for (x, y, radius), (home_x, home_y) in zip(badges, _points(camera, marked), strict=True):
        if (x, y) != (home_x, home_y):
            # A number that had to step aside points at its region.
            yield (
                f'<path fill="none" stroke="{ink.accent}" stroke-width="{_short(size * 0.12)}" '
                f'd="M{_short(home_x)} {_short(home_y)}L{_short(x)} {_short(y)}"/>'
                f'<circle cx="{_short(home_x)}" cy="{_short(home_y)}" r="{_short(size * 0.16)}" '
                f'fill="{ink.accent}"/>'
            )
        yield (
            f'<circle cx="{_short(x)}" cy="{_short(y)}" r="{_short(radius)}" fill="{ink.accent}" '
            f'stroke="{ink.halo}" stroke-width="{_short(size * 0.16)}"/>'
        )
    if badges:
        digits = "".join(
            f'<text x="{_short(x)}" y="{_short(y + 0.36 * size)}">{_written(mark["rank"])}</text>'
            for mark, (x, y, _) in zip(marked, badges, strict=True)
        )
        yield (
            f'<g font-family="{escape(", ".join(FAMILIES), quote=True)}, sans-serif" '
            f'font-size="{_short(size)}" font-weight="700" text-anchor="middle" '
            f'fill="{ink.halo}">{digits}</g>'
        )


def _badges(
    camera: Frame, size: float, marked: Sequence[Json], taken: _Taken
) -> Iterator[tuple[float, float, float]]:
    """Middle and radius of each number: at its region, or beside one that stands there."""
    radius = size * 0.82
    for x, y in _points(camera, marked):
        places = [(x, y)]
        for step in (1.0, 1.6, 2.4):
            places += [
                (
                    x + 2 * radius * step * math.cos(turn * math.pi / 4),
                    y + 2 * radius * step * math.sin(turn * math.pi / 4),
                )
                for turn in range(8)
            ]
        for px, py in places:
            box = (px - radius - 2, py - radius - 2, px + radius + 2, py + radius + 2)
            if taken.free(box):
                break
        else:
            px, py = x, y
            box = (px - radius, py - radius, px + radius, py + radius)
        taken.boxes.append(box)
        yield px, py, radius


def _points(camera: Frame, things: Sequence[Json]) -> list[tuple[float, float]]:
    if not things:
        return []
    points = camera.project([(one["lon"], one["lat"]) for one in things])
    return [(float(x), float(y)) for x, y in points]


def _letters(size: float, large: bool) -> float:
    """Pixels of a name's letters: those of the level under the root are larger."""
    return size * 0.9375 / 0.8125 if large else size


def _measured(name: str, size: float, large: bool) -> tuple[float, float, float]:
    """Letter size, width and height of a name in pixels: a Chinese letter is a square."""
    letters = _letters(size, large)
    wide = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in name)
    return letters, (wide + (0.12 * len(name) if large else 0)) * letters, 1.2 * letters


def _written(text: object) -> str:
    return escape(_UNWRITABLE.sub("", str(text)), quote=True)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") if number else "0"
