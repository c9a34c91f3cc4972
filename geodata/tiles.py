"""Vector tiles, one PMTiles file a level, whose borders agree across levels at every zoom.

The leaves are simplified as a coverage once a zoom, so that neighbours stay neighbours, and the
upper levels are dissolved from the simplified leaves: a district's border is its villages' border
at each zoom. GDAL cuts and encodes each zoom; the zooms are then put into one archive here,
because GDAL's own archive can hold only one shape a feature and tells its temporary name.
"""

from __future__ import annotations

import gzip
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from geodata.errors import ShapeError
from geodata.nesting import Nesting
from geodata.progress import SILENT, Progress
from geodata.shapes import unite
from geodata.words import say
from geodata.workspace import Level, Workspace

Shapes = NDArray[np.object_]

CRS = "EPSG:3857"
"""Web mercator: what tiles are cut in."""

WORLD = 2 * math.pi * 6_378_137.0
"""Metres of web mercator around the world: the side of the tile of zoom 0."""
EXTENT = 4096
"""Grid steps of a tile."""
SCREEN = (3840, 2160)
"""Pixels of the largest screen on which the whole is looked at."""
SCREENS = 3
"""And how many sizes of screens there are, each half as large as the one before."""

_MOST = 14
_AREA_TOLERANCE = 0.02
"""A coverage may gain or lose this share of its whole area at its outer border when simplified."""


@dataclass(frozen=True)
class Zooms:
    """The zooms that have tiles."""

    min: int
    max: int


def zooms(space: Workspace, bounds: tuple[float, float, float, float]) -> dict[str, Zooms]:
    """First and last zoom of each level: what is declared, else from the size of the whole.

    Parameters
    ----------
    bounds : west, south, east, north in metres of web mercator (`CRS`).

    All levels share the default: then their borders coincide wherever two of them are drawn. The
    first zoom shows the whole about an inch wide (zooming further out would show nothing); at the
    last, the grid of a tile is four times finer than the simplification tolerance.
    """
    span = max(bounds[2] - bounds[0], bounds[3] - bounds[1], 1.0)
    first = max(0, math.floor(math.log2(WORLD / span / 2)) - 2)
    fine = max(space.geometry.simplification_tolerance / 4, 0.5) / _shrink(bounds)
    last = min(_MOST, max(first + 1, math.ceil(math.log2(WORLD / EXTENT / fine))))

    def own(level: Level) -> Zooms:
        low = first if level.min_zoom is None else level.min_zoom
        high = last if level.max_zoom is None else level.max_zoom
        return Zooms(min(low, high), high)

    return {level.id: own(level) for level in space.levels}


def overview(bounds: tuple[float, float, float, float], chosen: Mapping[str, Zooms]) -> int:
    """The zoom whose tiles show the whole on the largest screen, as far as there are tiles.

    Parameters
    ----------
    bounds : west, south, east, north in metres of web mercator (`CRS`).
    """
    across = max(bounds[2] - bounds[0], 1.0) / SCREEN[0]
    down = max(bounds[3] - bounds[1], 1.0) / SCREEN[1]
    fits = math.floor(math.log2(WORLD / 512 / max(across, down)))
    # Beyond a level's last zoom its tiles are enlarged: there are no finer shapes.
    last = min(item.max for item in chosen.values())
    first = min(item.min for item in chosen.values())
    return max(first, min(fits, last))


def write_tiles(
    space: Workspace,
    regions: Mapping[str, gpd.GeoDataFrame],
    nesting: Nesting,
    folder: Path,
    progress: Progress = SILENT,
    seen: Callable[[int, Shapes], None] = lambda zoom, shapes: None,
) -> dict[str, Zooms]:
    """Write `folder`/<level>.pmtiles for every level; returns their zooms.

    Parameters
    ----------
    regions : level id -> frame with `code`, `name`, `geometry` in a declared CRS, position order;
        the leaves are a coverage.
    seen : called with each of the `SCREENS` zooms from `overview` down, and the leaves' shapes
        that its tiles were cut from (position order, metres of web mercator).

    Raises
    ------
    ShapeError : when simplifying lost or invented a shape.
    """
    leaf = nesting.levels[-1]
    shapes = np.asarray(regions[leaf].geometry.to_crs(CRS).array, dtype=object)
    bounds = shapely.total_bounds(shapes)
    box = (bounds[0], bounds[1], bounds[2], bounds[3])
    chosen = zooms(space, box)
    whole = overview(box, chosen)
    finest = max(item.max for item in chosen.values())
    fields = {level: _fields(regions[level], nesting, level) for level in nesting.levels}
    tolerance = space.geometry.simplification_tolerance / _shrink(tuple(bounds))
    found: dict[str, dict[int, bytes]] = {level: {} for level in nesting.levels}
    coarsest = min(item.min for item in chosen.values())
    with (
        progress.step(say("build.step.tiles"), finest - coarsest + 1) as advance,
        tempfile.TemporaryDirectory() as scratch,
    ):
        for zoom in range(finest, coarsest - 1, -1):
            # From fine to coarse, each from the one before: the work shrinks with every zoom.
            shapes = simplify(shapes, tolerance * 2 ** (finest - zoom))
            if 0 <= whole - zoom < SCREENS:
                seen(zoom, shapes)
            for level, merged in _dissolved(shapes, nesting):
                if chosen[level].min <= zoom <= chosen[level].max:
                    path = Path(scratch) / f"{level}-{zoom}.pmtiles"
                    _cut(path, level, merged, fields[level], zoom)
                    found[level].update(_read(path))
            advance(1)
        for level in nesting.levels:
            _bind(folder / f"{level}.pmtiles", level, found[level], chosen[level], tuple(bounds))
    return chosen


def simplify(shapes: Shapes, tolerance: float) -> Shapes:
    """Simplify a coverage; shared borders stay shared.

    Parameters
    ----------
    tolerance : in the unit of the coordinates; triangles of up to about its square are cut off.

    Raises
    ------
    ShapeError : when a shape went missing or the whole changed its area.
    """
    if tolerance <= 0:
        return shapes
    simple: Shapes = shapely.coverage_simplify(shapes, tolerance)
    gone = shapely.is_missing(simple) | shapely.is_empty(simple)
    if len(simple) != len(shapes) or gone.any():
        raise ShapeError(say("build.shapes_lost"), value=int(gone.sum()), cure=say("build.cure"))
    before, after = float(shapely.area(shapes).sum()), float(shapely.area(simple).sum())
    # Only the outer border can move area out of the whole; a tiny world is nearly all border.
    allowed = max(_AREA_TOLERANCE * before, tolerance * math.sqrt(before) * 8)
    if abs(after - before) > allowed:
        raise ShapeError(
            say("build.area_changed"), value=f"{after / before - 1:+.2%}", cure=say("build.cure")
        )
    return simple


def _shrink(bounds: tuple[float, ...]) -> float:
    """Metres on the ground for one metre of web mercator, at the middle of the bounds."""
    middle = (bounds[1] + bounds[3]) / 2
    return 1 / math.cosh(middle / (WORLD / 2 / math.pi))


def _dissolved(shapes: Shapes, nesting: Nesting) -> Iterator[tuple[str, Shapes]]:
    """Every level's shapes, leaf first, each from the one below."""
    yield nesting.levels[-1], shapes
    for depth in range(len(nesting.levels) - 1, 0, -1):
        shapes, _ = unite(shapes, nesting.parents[depth], len(nesting.codes[depth - 1]))
        yield nesting.levels[depth - 1], shapes


def _fields(
    frame: gpd.GeoDataFrame, nesting: Nesting, level: str
) -> dict[str, NDArray[np.generic]]:
    count = len(frame)
    ancestors = {
        f"a_{upper}": nesting.above(level, upper)
        for upper in nesting.levels[: nesting.depth(level)]
    }
    return {
        "i": np.arange(count, dtype=np.int32),
        "code": frame["code"].to_numpy(dtype=object),
        "name": frame["name"].to_numpy(dtype=object),
    } | ancestors


def _cut(
    path: Path, level: str, shapes: Shapes, fields: dict[str, NDArray[np.generic]], zoom: int
) -> None:
    """One zoom of one level, by GDAL, with nothing simplified or left out."""
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(shapes),
        [values.astype(object) if values.dtype == object else values for values in fields.values()],
        list(fields),
        driver="PMTiles",
        layer=level,
        crs=CRS,
        geometry_type="Unknown",
        dataset_options={
            "NAME": level,
            "MINZOOM": zoom,
            "MAXZOOM": zoom,
            "SIMPLIFICATION": 0,
            "EXTENT": EXTENT,
            # GDAL thins a tile out beyond these: a map with holes is worse than a large tile.
            "MAX_SIZE": 50_000_000,
            "MAX_FEATURES": 10_000_000,
        },
    )


def _read(path: Path) -> dict[int, bytes]:
    """Tile id -> gzipped tile, compressed anew without a time."""
    with path.open("rb") as stream:
        return {
            zxy_to_tileid(*place): gzip.compress(gzip.decompress(data), 9, mtime=0)
            for place, data in all_tiles(MmapSource(stream))
        }


def _bind(
    path: Path,
    level: str,
    found: dict[int, bytes],
    span: Zooms,
    bounds: tuple[float, ...],
) -> None:
    """Write the archive: tiles in order of their id, metadata without a name of its own."""
    west, south = _degrees(bounds[0], bounds[1])
    east, north = _degrees(bounds[2], bounds[3])
    with path.open("wb") as stream:
        writer = Writer(stream)
        for number in sorted(found):
            writer.write_tile(number, found[number])
        writer.finalize(
            {
                "tile_type": TileType.MVT,
                "tile_compression": Compression.GZIP,
                "min_zoom": span.min,
                "max_zoom": span.max,
                "min_lon_e7": west,
                "min_lat_e7": south,
                "max_lon_e7": east,
                "max_lat_e7": north,
                "center_zoom": span.min,
                "center_lon_e7": (west + east) // 2,
                "center_lat_e7": (south + north) // 2,
            },
            {"vector_layers": [{"id": level, "fields": {}}]},
        )


def _degrees(x: float, y: float) -> tuple[int, int]:
    """Web mercator to ten-millionths of a degree."""
    radius = WORLD / 2 / math.pi
    lon = math.degrees(x / radius)
    lat = math.degrees(2 * math.atan(math.exp(y / radius)) - math.pi / 2)
    return round(lon * 1e7), round(lat * 1e7)
