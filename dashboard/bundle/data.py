"""The edition as the browser reads it: catalogue, regions, values, numbers, tiles, shapes, mesh."""

from __future__ import annotations

import gzip
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import shapely
from pmtiles.reader import MmapSource, all_tiles

from dashboard.bundle.budget import LARGEST, LEAF_NUMBERS, SHAPES
from dashboard.bundle.manifest import Site, compact
from geodata import arrays, periods
from geodata.edition import Edition, bare
from geodata.errors import EditionError
from geodata.words import say
from geodata.workspace import Measure, Round
from layers.classify import classes
from layers.picture import describe, figures, level_zooms, plan
from layers.public import hant
from layers.public.facts import Facts, verified_share
from layers.view import View, resolve

Json = dict[str, Any]

FORMAT = 1
"""Of `atlas.json`; a script refuses others."""

PIECE = 600_000
"""Bytes of a piece of the search index."""
SHAPE_TOLERANCE = 20.0
"""Metres: what a download needs, not what a cadastre needs."""
_DEGREES = 5
COLUMNS = (
    "code",
    "name",
    "level",
    "parent",
    "position",
    "lon",
    "lat",
    "bounds",
    "leaves",
    "area",
)
"""Of a list of regions."""
_HOLES = 4
"""A zoom is filled up with empty tiles until it has so many times the tiles that hold something:
beyond that the whole is scattered, and a missing file is the lesser evil."""

_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_UNFIT = re.compile(r"[\x00-\x20\x7f\"'%#?&<>|*:/\\]|^\.|\.$")


def write(
    edition: Edition,
    site: Site,
    facts: Facts,
    advance: Callable[[int], None] = lambda units: None,
) -> tuple[str, Json]:
    """Write all data files; returns the URL of the catalogue and the catalogue itself.

    Parameters
    ----------
    advance : told 1 after each of `steps(edition)` steps.

    Raises
    ------
    EditionError : when a code cannot name a page.
    """
    for level in edition.levels:
        for code in edition.regions(level.id)["code"]:
            if _UNFIT.search(str(code)):
                raise EditionError(
                    say("bundle.code_unfit"), value=str(code), cure=say("bundle.code_unfit_cure")
                )
    look = resolve(View(), edition)
    measures = []
    for measure in edition.measures:
        found = _measure(edition, site, facts, measure)
        if found is not None:
            measures.append(found)
        advance(1)
    tiles = _tiles(edition, site, advance)
    catalogue: Json = {
        "format": FORMAT,
        "edition": edition.id,
        "title": edition.notices()["title"],
        "programme": edition.notices()["programme"],
        "notices": notices(edition, facts),
        "root": edition.root.code,
        "levels": _levels(edition),
        "tiles": tiles,
        "rounds": [_round(edition, one) for one in edition.rounds],
        "measures": measures,
        "withdrawn": [
            {"id": one.id, "label": one.label, "sentence": one.sentence} for one in facts.withdrawn
        ],
        "regions": columns(edition, _upper(edition)),
        "chunks": _chunks(edition, site),
        "search": _search(edition, site),
        "mesh": _mesh(edition, site),
        "shapes": _shapes(edition, site, advance),
        "default": {
            "round": look.round.id,
            "measure": look.measure.id if look.measure else None,
        },
        "hant": site.json("d/hant", hant.of(edition)),
        "pages": "r/{code}.html",
        "site_url": facts.site_url,
        "embed": list(facts.embed),
        "suppression": asdict(facts.suppression) if facts.suppression else None,
    }
    return site.json("d/atlas", catalogue), catalogue


def steps(edition: Edition) -> int:
    """How often `write` says that it has come further."""
    return len(edition.measures) + 2 * len(edition.levels)


def notices(edition: Edition, facts: Facts) -> Json:
    """What every map must say."""
    told = edition.notices()
    return {
        key: told[key] for key in ("demo", "source", "cutoff", "approval_number", "licence")
    } | {"contact": facts.contact, "watermark": facts.watermark}


# --- regions ----------------------------------------------------------------------------------


def columns(edition: Edition, places: Mapping[str, Sequence[int]]) -> Json:
    """Regions as columns, which compress to a third of rows.

    Parameters
    ----------
    places : level -> positions; levels from the top, so that parents come first.
    """
    depth = {level.id: number for number, level in enumerate(edition.levels)}
    told: Json = {name: [] for name in COLUMNS}
    for level, positions in places.items():
        rows = edition.regions(level).iloc[list(positions)]
        told["level"] += [depth[level]] * len(rows)
        told["position"] += [int(position) for position in positions]
        for name in ("code", "name", "parent"):
            told[name] += rows[name].astype(str).tolist()
        for name, digits in (("lon", 4), ("lat", 4)):
            told[name] += _rounded_all(rows[name], digits)
        sides = [_rounded_all(rows[side], _DEGREES) for side in ("west", "south", "east", "north")]
        told["bounds"] += [list(one) for one in zip(*sides, strict=True)]
        told["leaves"] += [int(count) for count in rows["leaves"]]
        told["area"] += _rounded_all(rows["area_km2"], 3)
    return told


def _rounded_all(column: Any, digits: int) -> list[float]:
    return [round(float(value), digits) for value in column]


def _upper(edition: Edition) -> dict[str, range]:
    """The root and the level below: what the catalogue holds itself."""
    return {level.id: range(edition.count(level.id)) for level in edition.levels[:2]}


def _chunks(edition: Edition, site: Site) -> dict[str, str]:
    """One file for all that lies below a region of the second level."""
    lower = [level.id for level in edition.levels[2:]]
    return {
        code: site.json(
            f"d/r/{_slug(code)}",
            columns(edition, {level: _inside(edition, code, level) for level in lower}),
        )
        for code in _seconds(edition)
    }


def _inside(edition: Edition, code: str, level: str) -> list[int]:
    return [int(position) for position in edition.descendants(code, level)]


def _seconds(edition: Edition) -> list[str]:
    """Codes of the second level; none where it is the last one."""
    if len(edition.levels) < 3:
        return []
    return [str(code) for code in edition.regions(edition.levels[1].id)["code"]]


def _slug(code: str) -> str:
    """A code in a file's name. The content's hash beside it keeps equal ones apart."""
    return _PLAIN.sub("_", code)


def _search(edition: Edition, site: Site) -> list[str]:
    """URLs of the search index in pieces; a screen puts them together in this order."""
    return [
        site.hashed("d/search", ".json", b'{"entries":[' + piece + b"]}")
        for piece in pieces(compact(row) for row in _entries(edition))
    ]


def pieces(rows: Iterable[bytes], largest: int = PIECE) -> Iterator[bytes]:
    """Rows joined by commas, in order, as few as hold at most `largest` bytes each."""
    held: list[bytes] = []
    size = 0
    for row in rows:
        if held and size + len(row) + 1 > largest:
            yield b",".join(held)
            held, size = [], 0
        held.append(row)
        size += len(row) + 1
    if held:
        yield b",".join(held)


def _entries(edition: Edition) -> Iterator[list[object]]:
    """Rows of the search index, in the order of `Edition.search`: code, name, pinyin, initials,
    depth, number of the parent's row (-1 for the root); at the end stands the code without its
    padding, which is what is searched, where it is another one.
    """
    above: dict[str, int] = {"": -1}
    for depth, level in enumerate(edition.levels):
        frame = edition.regions(level.id)
        names = ("code", "name", "pinyin", "initials", "parent")
        parts = [frame[name].astype(str).tolist() for name in names]
        for code, name, pinyin, initials, parent in zip(*parts, strict=True):
            short = bare(edition.space, level, code)
            row = [code, name, pinyin, initials, depth, above[parent]]
            yield row if short == code else [*row, short]
            above[code] = len(above) - 1


def _levels(edition: Edition) -> list[Json]:
    return [
        {
            "id": level.id,
            "label": level.label,
            "all_label": level.all_label,
            "count": edition.count(level.id),
            "min_zoom": smallest,
            "max_zoom": largest,
            "zoom_from": follow,
        }
        for level, (smallest, largest, follow) in zip(
            edition.levels, level_zooms(edition), strict=True
        )
    ]


# --- measures ---------------------------------------------------------------------------------


def _round(edition: Edition, one: Round) -> Json:
    return {
        "id": one.id,
        "label": one.label,
        "years": one.years,
        "note": one.note,
        "figures": figures(edition, one.id, edition.root.code, None),
    }


def _measure(edition: Edition, site: Site, facts: Facts, measure: Measure) -> Json | None:
    """What the catalogue says of a measure; None for one without any value."""
    rounds = {
        one.id: _in_round(edition, site, measure, one)
        for one in edition.rounds
        if edition.has(measure.id, one.id)
    }
    if not rounds:
        return None
    return {
        **describe(edition, measure),
        "counts": measure.counts,
        "batches": list(facts.batches.get(measure.id, ())),
        "verified": _rounded(verified_share(edition, measure.id)),
        "cutoff": edition.cutoff_of(measure.id),
        "public_levels": [one.id for one in edition.levels if edition.shows(measure.id, one.id)],
        "rounds": rounds,
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _in_round(edition: Edition, site: Site, measure: Measure, one: Round) -> Json:
    levels: Json = {}
    for level in edition.levels:
        if not edition.shows(measure.id, level.id):
            continue
        plain = edition.array_path(measure.id, one.id, level.id).read_bytes()
        stem = f"{one.id}/{measure.id}/{level.id}"
        # Of the leaves, no screen shows what stands behind a value: it is for downloads.
        home = LEAF_NUMBERS if level.id == edition.levels[-1].id else "d/n/"
        numbers = arrays.encode_numbers(edition.values(measure.id, one.id, level.id))
        levels[level.id] = {
            "values": site.hashed(f"d/v/{stem}", ".bin", pack(plain)),
            "numbers": site.hashed(home + stem, ".bin", pack(numbers)),
            "classes": [c.as_dict() for c in classes(edition, measure.id, one.id, level.id)],
        }
    return {
        "periods": [
            {"id": period, "label": periods.label(period)}
            for period in edition.periods(measure.id, one.id)
        ],
        "plan": plan(edition, measure, one),
        "levels": levels,
    }


def pack(data: bytes) -> bytes:
    """Gzip at its best, without a time.

    A build wants to be quick; here each byte is fetched many times, and what changes little over
    the months, as numbers do, comes out at half of what the build's level gives.
    """
    return gzip.compress(data, compresslevel=9, mtime=0)


# --- maps -------------------------------------------------------------------------------------


def _tiles(edition: Edition, site: Site, advance: Callable[[int], None]) -> str:
    """Write every tile as a file of its own; returns the URL with `{level}` and `{z}/{x}/{y}`."""
    found: list[tuple[str, bytes]] = []
    for level in edition.levels:
        tiles: dict[tuple[int, int, int], bytes] = {}
        with edition.tiles_path(level.id).open("rb") as stream:
            for place, data in all_tiles(MmapSource(stream)):
                plain = data if data[:2] == b"\x1f\x8b" else arrays.compress(data)
                tiles[place] = plain
        for place in _holes(tiles):
            tiles[place] = _EMPTY
        found += [
            (f"{level.id}/{z}/{x}/{y}.bin", data) for (z, x, y), data in sorted(tiles.items())
        ]
        advance(1)
    whole = hashlib.sha256()
    for path, data in found:
        whole.update(f"{path}\0{len(data)}\0".encode() + data)
    home = f"d/t/{whole.hexdigest()[:12]}"
    for path, data in found:
        site.put(f"{home}/{path}", data)
    return f"{home}/{{level}}/{{z}}/{{x}}/{{y}}.bin"


_EMPTY = gzip.compress(b"", mtime=0)
"""A tile without layers."""


def _holes(
    tiles: dict[tuple[int, int, int], bytes],
) -> Iterator[tuple[int, int, int]]:
    """Places between tiles that hold nothing. A plain server answers them with an error, which a
    map takes for trouble; a portal may even answer with a page.
    """
    for zoom in sorted({z for z, _, _ in tiles}):
        own = {(x, y) for z, x, y in tiles if z == zoom}
        xs, ys = [x for x, _ in own], [y for _, y in own]
        wide = range(min(xs), max(xs) + 1)
        high = range(min(ys), max(ys) + 1)
        if len(wide) * len(high) <= _HOLES * len(own) + 64:
            yield from ((zoom, x, y) for x in wide for y in high if (x, y) not in own)


def _mesh(edition: Edition, site: Site) -> Json | None:
    if edition.mesh_zoom is None:
        return None
    packed = edition.mesh_path().with_suffix(".bin.gz").read_bytes()
    if len(packed) > LARGEST:
        # Without it the map plays with coloured tiles, slower, and a phone need not load it.
        return None
    return {
        "url": site.hashed("d/mesh", ".bin", packed),
        "until": edition.mesh_zoom + 1,
    }


def _shapes(edition: Edition, site: Site, advance: Callable[[int], None]) -> dict[str, str]:
    """GeoJSON for downloads: the root's children, and all below each region of the second level."""
    whole: dict[str, list[bytes]] = {}
    for level in edition.levels[1:]:
        frame = edition.geometry(level.id, SHAPE_TOLERANCE)
        whole[level.id] = features(frame)
        advance(1)
    advance(1)
    second = edition.levels[1].id
    found = {edition.root.code: _collections(site, edition.root.code, {second: whole[second]})}
    for code in _seconds(edition):
        own = {
            level.id: [whole[level.id][at] for at in _inside(edition, code, level.id)]
            for level in edition.levels[2:]
        }
        found[code] = _collections(site, code, own)
    return found


def features(frame: Any) -> list[bytes]:
    """Each row of a frame (`code`, `name`, geometry in degrees) as a GeoJSON feature."""
    rounded = shapely.transform(
        np.asarray(frame.geometry.array, dtype=object),
        lambda points: np.round(points, _DEGREES),
    )
    shapes = shapely.to_geojson(rounded)
    rows = zip(frame["code"].astype(str), frame["name"].astype(str), shapes, strict=True)
    return [
        b'{"type":"Feature","properties":'
        + compact({"code": code, "name": name})
        + b',"geometry":'
        + str(shape).encode()
        + b"}"
        for code, name, shape in rows
    ]


def _collections(site: Site, code: str, levels: dict[str, list[bytes]]) -> str:
    parts = [
        compact(level) + b':{"type":"FeatureCollection","features":[' + b",".join(rows) + b"]}"
        for level, rows in levels.items()
    ]
    data = b"{" + b",".join(parts) + b"}"
    return site.hashed(f"{SHAPES}{_slug(code)}", ".bin", pack(data))


# --- the first look ---------------------------------------------------------------------------


def first_files(
    edition: Edition, catalogue: Json, size: tuple[int, int] = (1280, 800)
) -> list[str]:
    """The data that a browser loads for the first map on a screen of `size` pixels.

    The whole fits the screen without any panel beside it: panels make the map smaller, and with
    it the number of tiles. Levels: the root's own shape, the level that is coloured, and lines of
    those that have room at this zoom already.
    """
    found: list[str] = []
    chosen = catalogue["default"]
    root, below = (one.id for one in edition.levels[:2])
    for measure in catalogue["measures"]:
        if measure["id"] == chosen["measure"]:
            levels = measure["rounds"][chosen["round"]]["levels"]
            # The panel beside the map says what the root's figures are made of, and how many
            # leaves of its children reported.
            for level in (root, below):
                if level in levels:
                    found += [levels[level]["values"], levels[level]["numbers"]]
    west, south, east, north = edition.root.bounds
    box = [*_world(west, north), *_world(east, south)]
    zoom = min(
        math.log2(size[0] / 512 / max(box[2] - box[0], 1e-9)),
        math.log2(size[1] / 512 / max(box[3] - box[1], 1e-9)),
    )
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    half = [side / 512 / 2**zoom / 2 for side in size]
    for number, one in enumerate(catalogue["levels"]):
        if number > 1 and one["zoom_from"] > zoom:
            continue
        at = min(max(math.floor(zoom), one["min_zoom"]), one["max_zoom"])
        if zoom < one["min_zoom"]:
            continue
        xs, ys = (
            range(math.floor((m - h) * 2**at), math.floor((m + h) * 2**at) + 1)
            for m, h in zip(middle, half, strict=True)
        )
        found += [
            catalogue["tiles"].format(level=one["id"], z=at, x=x, y=y) for x in xs for y in ys
        ]
    return found


def _world(lon: float, lat: float) -> tuple[float, float]:
    """Degrees to web mercator with the world from 0 to 1, east and south."""
    y = math.asinh(math.tan(math.radians(lat))) / math.pi
    return (lon + 180) / 360, (1 - y) / 2
