"""The mesh (BFM1): all leaves cut into triangles once, so that months can move at a screen's rate.

A map that gives each region a new colour a month tells its renderer thousands of things; a mesh
is told which two months to mix. It has the very shapes that tiles are cut from, for each zoom at
which the whole is looked at: where tiles take its place, nothing moves. One mesh serves every
level, because each triangle belongs to a leaf, and each leaf to one region of each level above.

Layout, little endian: `BFM1` | uint32 header length H | H bytes of JSON, padded with spaces so
that 8 + H divides by 8 | sections, each at the offset that the header gives, padded to 8:

- `corners`: uint32 [leaves], how many a leaf has, in position order; all zooms share them
- `x`, `y`: uint16 [corners], grid steps east and south of the origin
- `above`: uint32 [levels but the last][leaves], position of the leaf's region at each level
- for each of the zooms: `triangles-Z`: uint32 [leaves], how many a leaf has there, and
  `index-Z`: uint16 [triangles][3], corners counted from the leaf's first one

So that they compress to half, `x` and `y` are written as the difference to the corner before, a
triangle as the difference of its first corner to that of the triangle before and of the others to
its first; all modulo 65536, and first the low bytes of all numbers, then the high ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.errors import EditionError, ShapeError
from geodata.nesting import Nesting
from geodata.tiles import EXTENT, WORLD, Shapes
from geodata.words import say

MAGIC = b"BFM1"
_HEAD = len(MAGIC) + 4
_MOST = 65_535
"""Grid steps, and corners of one leaf, that 16 bits can say."""


@dataclass(frozen=True)
class Cut:
    """The leaves as triangles, with the shapes of one zoom's tiles."""

    zoom: int
    index: NDArray[np.uint16]
    """[triangles, 3]: corners counted from their leaf's first, leaf by leaf."""
    triangles: NDArray[np.uint32]
    """[leaves]: triangles of each leaf."""

    def leaf(self) -> NDArray[np.intp]:
        """[triangles]: position of the leaf that each triangle belongs to."""
        return np.repeat(np.arange(len(self.triangles)), self.triangles)


@dataclass(frozen=True)
class Mesh:
    """Triangles of leaves on the grid of the finest zoom's tiles."""

    step: float
    """A grid step as a share of the world's width in web mercator."""
    origin: tuple[int, int]
    """North-western corner in grid steps from the world's."""
    corner: NDArray[np.uint16]
    """[corners, 2]: steps east and south of the origin, leaf by leaf."""
    corners: NDArray[np.uint32]
    """[leaves]: corners of each leaf."""
    cuts: tuple[Cut, ...]
    """Finest first."""
    levels: tuple[str, ...]
    """Level ids, root first."""
    above: NDArray[np.uint32]
    """[levels - 1, leaves]: position of each leaf's region at the levels above the leaves."""

    def points(self, cut: Cut) -> NDArray[np.int64]:
        """[triangles, 3, 2]: the corners of a cut's triangles, in steps from the origin."""
        first = np.concatenate([[0], np.cumsum(self.corners.astype(np.int64))])[:-1]
        at = cut.index.astype(np.int64) + np.repeat(first, cut.triangles)[:, None]
        return self.corner.astype(np.int64)[at]


def triangulate(outlines: Mapping[int, Shapes], nesting: Nesting) -> Mesh:
    """Cut the leaves' shapes into triangles, for each zoom.

    Parameters
    ----------
    outlines : zoom -> the leaves in position order, a coverage in web mercator (metres): the
        shapes of that zoom's tiles.

    Raises
    ------
    ShapeError : when a leaf is lost or its area comes out wrong.
    """
    zooms = sorted(outlines, reverse=True)
    grid = _Grid.of(outlines[zooms[0]], zooms[0])
    whole = [_valid(grid.snap(outlines[zoom])) for zoom in zooms]
    border, owner = shapely.get_coordinates(np.concatenate(whole), return_index=True)
    count = len(whole[0])
    known, place, corner, corners = _shared(border, owner % count, count)
    if corners.max() > _MOST:
        raise ShapeError(
            say("build.mesh_corners"), value=int(corners.max()), cure=say("build.cure")
        )
    start = np.concatenate([[0], np.cumsum(corners)])[:-1]
    cuts = []
    for zoom, shapes in zip(zooms, whole, strict=True):
        parts, leaf = shapely.get_parts(
            shapely.constrained_delaunay_triangles(shapes), return_index=True
        )
        rings = shapely.get_coordinates(parts).reshape(-1, 4, 2)[:, :3]
        _check(outlines[zoom], shapes, rings, leaf, grid)
        asked = _key(np.repeat(leaf, 3), rings.reshape(-1, 2))
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        if not np.array_equal(known[at], asked):
            raise ShapeError(say("build.mesh_area"), cure=say("build.cure"))
        index = place[at].reshape(-1, 3) - start[leaf][:, None]
        triangles = np.bincount(leaf, minlength=count).astype(np.uint32)
        cuts.append(Cut(zoom, _ordered(index, leaf).astype(np.uint16), triangles))
    upper = [nesting.above(nesting.levels[-1], level) for level in nesting.levels[:-1]]
    return Mesh(
        1 / grid.steps,
        grid.origin,
        corner.astype(np.uint16),
        corners.astype(np.uint32),
        tuple(cuts),
        nesting.levels,
        np.array(upper, dtype=np.uint32).reshape(len(upper), count),
    )


@dataclass(frozen=True)
class _Grid:
    """Whole steps east and south of a north-western corner."""

    steps: float
    """Around the world."""
    origin: tuple[int, int]

    @classmethod
    def of(cls, shapes: Shapes, zoom: int) -> _Grid:
        """The grid of the zoom's tiles, as far as 16 bits reach over the shapes."""
        west, south, east, north = shapely.total_bounds(shapes)
        steps = float(EXTENT * 2**zoom)
        # Coarser shapes may reach a little beyond; only a whole of many screens needs this.
        while max(east - west, north - south) / WORLD * steps > _MOST * 0.95:
            steps /= 2
        room = math.ceil(_MOST * 0.02)
        return cls(
            steps,
            (
                math.floor((west / WORLD + 0.5) * steps) - room,
                math.floor((0.5 - north / WORLD) * steps) - room,
            ),
        )

    def snap(self, shapes: Shapes) -> Shapes:
        """Shapes in web mercator on this grid."""

        def to_grid(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            x = (xy[:, 0] / WORLD + 0.5) * self.steps
            y = (0.5 - xy[:, 1] / WORLD) * self.steps
            # As GDAL rounds when it cuts tiles.
            whole = np.floor(np.column_stack([x, y]) + 0.5)
            return np.asarray(whole - self.origin)

        return np.asarray(shapely.transform(shapes, to_grid), dtype=object)


def _valid(shapes: Shapes) -> Shapes:
    """Polygons on the grid that a triangulation takes; what collapsed becomes its smallest dot.

    Rounding folds what is narrower than a step: on a map nothing is seen of it, but one polygon
    that touches itself would stop the whole.
    """
    result = shapes.copy()
    wrong = np.flatnonzero(~shapely.is_valid(shapes) | (shapely.area(shapes) == 0))
    if len(wrong):
        mended = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
        # Mending adds corners off the grid; this puts them on it and stays valid.
        result[wrong] = shapely.set_precision(mended, 1.0, mode="valid_output")
        for row in wrong:
            if not shapely.area(result[row]):
                x, y = shapely.get_coordinates(shapes[row])[0]
                result[row] = shapely.polygons([(x, y), (x + 1, y), (x, y + 1)])
    return result


def _check(
    shapes: Shapes,
    whole: Shapes,
    rings: NDArray[np.float64],
    leaf: NDArray[np.intp],
    grid: _Grid,
) -> None:
    """Every leaf is there, its triangles cover it exactly, and rounding moved no more than it may.

    Raises
    ------
    ShapeError : else.
    """
    if not np.array_equal(np.unique(leaf), np.arange(len(shapes))):
        lost = len(shapes) - len(np.unique(leaf))
        raise ShapeError(say("build.shapes_lost"), value=lost, cure=say("build.cure"))
    one, other = rings[:, 1] - rings[:, 0], rings[:, 2] - rings[:, 0]
    area = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    covered = np.bincount(leaf, area, len(shapes))
    inside = shapely.area(whole)
    metres = WORLD / grid.steps
    # A border moves by up to half a step's diagonal; the ends of a dot by a whole one.
    moved = np.abs(inside - shapely.area(shapes) / metres**2)
    allowed = 0.75 * shapely.length(shapes) / metres + 4
    if (np.abs(covered - inside) > 1e-6 * inside + 1e-6).any() or (moved > allowed).any():
        row = int(np.argmax(np.abs(covered - inside) + moved - allowed))
        raise ShapeError(say("build.mesh_area"), value=row, cure=say("build.cure"))


def _shared(
    border: NDArray[np.float64], owner: NDArray[np.intp], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each leaf's corners once, leaf by leaf along its border.

    Returns
    -------
    known : keys of all corners, ascending. place : [known] number of each. corner :
        [corners, 2]. corners : [leaves] how many each has.
    """
    key = _key(owner, border)
    known, first = np.unique(key, return_index=True)
    # In the order of the border neighbours differ by little, which compresses.
    order = np.lexsort((first, owner[first]))
    place = np.empty(len(known), np.int64)
    place[order] = np.arange(len(known))
    corners = np.bincount(owner[first], minlength=count)
    return known, place, border[first[order]].astype(np.int64), corners


def _ordered(index: NDArray[np.int64], leaf: NDArray[np.intp]) -> NDArray[np.int64]:
    """A leaf's triangles by their corners, each from its smallest on: compresses to half."""
    turn = (index.argmin(axis=1)[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(index, turn, axis=1)
    order = np.lexsort((turned[:, 2], turned[:, 1], turned[:, 0], leaf))
    found: NDArray[np.int64] = turned[order]
    return found


def _key(owner: NDArray[np.intp], xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Leaf and grid point as one number."""
    whole = xy.astype(np.int64)
    found: NDArray[np.int64] = (owner.astype(np.int64) << 34) | (whole[:, 0] << 17) | whole[:, 1]
    return found


def encode(mesh: Mesh) -> bytes:
    """The bytes of a mesh; the same mesh always gives the same ones."""
    x, y = mesh.corner[:, 0], mesh.corner[:, 1]
    sections = {
        "corners": mesh.corners.astype("<u4").tobytes(),
        "x": _planes(np.diff(x, prepend=np.uint16(0))),
        "y": _planes(np.diff(y, prepend=np.uint16(0))),
        "above": mesh.above.astype("<u4").tobytes(),
    }
    for cut in mesh.cuts:
        first = cut.index[:, 0]
        steps = cut.index - first[:, None]
        steps[:, 0] = np.diff(first, prepend=np.uint16(0))
        sections[f"triangles-{cut.zoom}"] = cut.triangles.astype("<u4").tobytes()
        sections[f"index-{cut.zoom}"] = _planes(steps.reshape(-1))
    header: dict[str, object] = {
        "step": mesh.step,
        "origin": list(mesh.origin),
        "levels": list(mesh.levels),
        "leaves": len(mesh.corners),
        "corners": len(mesh.corner),
        "cuts": [{"zoom": cut.zoom, "triangles": len(cut.index)} for cut in mesh.cuts],
        "offsets": dict.fromkeys(sections, 0),
    }
    # The header holds offsets that depend on its own length: give it room, then fill it in.
    room = _up(_HEAD + len(_json(header)) + 12 * len(sections))
    offsets, at = {}, room
    for name, data in sections.items():
        offsets[name] = at
        at += _up(len(data))
    text = _json(header | {"offsets": offsets}).ljust(room - _HEAD, b" ")
    body = b"".join(data.ljust(_up(len(data)), b"\0") for data in sections.values())
    return MAGIC + len(text).to_bytes(4, "little") + text + body


def decode(data: bytes) -> Mesh:
    """Read a mesh.

    Raises
    ------
    EditionError : when the bytes are none.
    """
    try:
        if data[:4] != MAGIC:
            raise ValueError(data[:4])
        header = json.loads(data[_HEAD : _HEAD + int.from_bytes(data[4:8], "little")])
        leaves, offsets = int(header["leaves"]), header["offsets"]

        def whole(name: str, count: int) -> NDArray[np.uint32]:
            return np.frombuffer(data, "<u4", count, offsets[name]).astype(np.uint32)

        def halves(name: str, count: int) -> NDArray[np.uint16]:
            low, high = np.frombuffer(data, np.uint8, 2 * count, offsets[name]).reshape(2, count)
            return low.astype(np.uint16) | (high.astype(np.uint16) << np.uint16(8))

        def summed(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
            return np.cumsum(values, dtype=np.uint16)

        def cut(zoom: int, count: int) -> Cut:
            index = halves(f"index-{zoom}", 3 * count).reshape(-1, 3)
            index[:, 0] = summed(index[:, 0])
            index[:, 1:] += index[:, :1]
            return Cut(zoom, index, whole(f"triangles-{zoom}", leaves))

        upper = len(header["levels"]) - 1
        return Mesh(
            header["step"],
            (header["origin"][0], header["origin"][1]),
            np.column_stack([summed(halves(name, header["corners"])) for name in ("x", "y")]),
            whole("corners", leaves),
            tuple(cut(one["zoom"], one["triangles"]) for one in header["cuts"]),
            tuple(header["levels"]),
            whole("above", upper * leaves).reshape(upper, leaves),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise EditionError(say("edition.mesh_broken"), cure=say("edition.rebuild")) from error


def _planes(values: NDArray[np.uint16]) -> bytes:
    """All low bytes, then all high ones."""
    wide = values.astype(np.uint16)
    low = (wide & np.uint16(255)).astype(np.uint8)
    return low.tobytes() + (wide >> np.uint16(8)).astype(np.uint8).tobytes()


def _json(header: dict[str, object]) -> bytes:
    return json.dumps(header, separators=(",", ":"), sort_keys=True).encode()


def _up(number: int) -> int:
    """The next multiple of 8."""
    return (number + 7) // 8 * 8
