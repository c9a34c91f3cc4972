"""Shapes that fit together: CRS, validity, a coverage without overlaps or gaps, dissolving.

All work is done in `space.geometry.work_crs` (metres). A *coverage* is a set of polygons that
don't overlap and whose shared borders have the same vertices; everything after `mend` relies on
it, because borders of a coverage can be simplified and dissolved without tearing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from geodata.errors import ShapeError, WorkspaceError
from geodata.words import say

Array = np.ndarray[Any, Any]

LONLAT = pyproj.CRS.from_epsg(4326)

NODING = 0.001
"""Metres: overlaps and gaps narrower than this come from rounding, not from drawing."""

_SNAP = 1e-4  # metres; ten times under NODING, ten thousand times over what a float resolves


@dataclass(frozen=True)
class Defect:
    """Something wrong with shapes, found and perhaps mended."""

    kind: str
    """`overlap`, `gap`, `invalid`, `noding` or `slit`."""
    rows: tuple[int, ...]
    """Positions of the polygons concerned."""
    width: float
    """Metres: diameter of the largest circle that fits into it."""
    area: float
    """Square metres."""
    mended: bool
    reason: str = ""
    """What GEOS says about an invalid polygon."""


# ------------------------------------------------------------------------------- CRS


def crs_of(text: str, place: str) -> pyproj.CRS:
    """A CRS from its name in `atlas.toml`.

    Raises
    ------
    WorkspaceError : PROJ doesn't know it.
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError as error:
        raise WorkspaceError(
            say("shape.crs_unknown"),
            file="atlas.toml",
            place=place,
            value=text,
            cure=say("shape.crs_unknown_cure"),
        ) from error


def work_crs(text: str) -> pyproj.CRS:
    """The CRS that shapes are worked on in: projected, in metres."""
    crs = crs_of(text, "geometry.work_crs")
    if not crs.is_projected or abs(crs.axis_info[0].unit_conversion_factor - 1) > 1e-9:
        raise WorkspaceError(
            say("shape.crs_metres"),
            file="atlas.toml",
            place="geometry.work_crs",
            value=text,
            cure=say("shape.crs_metres_cure"),
        )
    return crs


def same_place(one: pyproj.CRS, other: pyproj.CRS, geometry: Array) -> bool:
    """Whether two CRS put these shapes at the same place, to a metre.

    Names and WKT of one system differ between programs, so places are compared, not words.
    """
    if one.equals(other, ignore_axis_order=True):
        return True
    west, south, east, north = shapely.total_bounds(geometry)
    x = np.linspace(west, east, 4).repeat(4)
    y = np.tile(np.linspace(south, north, 4), 4)
    places = []
    for crs in (one, other):
        lon, lat = pyproj.Transformer.from_crs(crs, LONLAT, always_xy=True).transform(x, y)
        places.append((np.asarray(lon), np.asarray(lat)))
    if not all(np.isfinite(part).all() for place in places for part in place):
        return False
    degrees = np.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1])
    return bool(degrees.max() < 1e-5)


def reproject(geometry: Array, source: pyproj.CRS, target: pyproj.CRS) -> Array:
    """Shapes in `target`; shared vertices stay shared. The input is returned if nothing changes."""
    if source.equals(target, ignore_axis_order=True):
        return geometry
    change = pyproj.Transformer.from_crs(source, target, always_xy=True)
    moved = shapely.transform(
        geometry, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1]))
    )
    return np.asarray(moved)


def outside(
    geometry: Array, crs: pyproj.CRS, bounds: tuple[float, float, float, float] | None
) -> tuple[Array, Array]:
    """Which shapes lie at an improbable place, and their centres in degrees ([n, 2]).

    `bounds` are west, south, east, north in degrees; without them only what is not on Earth is
    improbable. Missing shapes are not counted.
    """
    box = shapely.bounds(geometry)
    x, y = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
    there = np.isfinite(x)
    with np.errstate(invalid="ignore"):
        if crs.is_geographic:
            lon, lat = x, y
        else:
            lon, lat = pyproj.Transformer.from_crs(crs, LONLAT, always_xy=True).transform(x, y)
        lon, lat = np.asarray(lon), np.asarray(lat)
        west, south, east, north = bounds or (-180.0, -90.0, 180.0, 90.0)
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return there & ~inside, np.column_stack([lon, lat])


# -------------------------------------------------------------------------- validity


def polygons(geometry: Array) -> Array:
    """Only the polygonal part of each shape; None where there is none."""
    kinds = shapely.get_type_id(geometry)
    result = geometry.copy()
    for row in np.flatnonzero((kinds != 3) & (kinds != 6)):
        parts = shapely.get_parts(shapely.get_parts(geometry[row]))
        parts = parts[shapely.get_type_id(parts) == 3]
        result[row] = shapely.union_all(parts) if len(parts) else None
    return result


def repair(geometry: Array, tolerance: float) -> tuple[Array, tuple[Defect, ...]]:
    """Valid polygons from invalid ones.

    What the two readings of a self-crossing ring disagree on may be at most `tolerance` metres
    wide; else the shape is left as a valid polygon, but its defect is not `mended`.
    """
    wrong = np.flatnonzero(~shapely.is_valid(geometry))
    if not len(wrong):
        return geometry, ()
    result, defects = geometry.copy(), []
    bad = geometry[wrong]
    reasons = shapely.is_valid_reason(bad)
    structure = polygons(shapely.make_valid(bad, method="structure", keep_collapsed=False))
    linework = polygons(shapely.make_valid(bad, method="linework"))
    for row, old, mended, other, reason in zip(
        wrong, bad, structure, linework, reasons, strict=True
    ):
        empty = mended is None or shapely.is_empty(mended)
        if empty or other is None:
            defects.append(Defect("invalid", (int(row),), float("inf"), 0.0, False, str(reason)))
            continue
        doubt = shapely.symmetric_difference(mended, other)
        wide = width(doubt)
        area = abs(shapely.area(mended) - shapely.area(old))
        fits = wide <= tolerance
        defects.append(Defect("invalid", (int(row),), wide, float(area), fits, str(reason)))
        result[row] = mended
    return result, tuple(defects)


def width(shape: Any) -> float:
    """Metres: diameter of the largest circle inside a shape's polygons; 0 without any."""
    parts = shapely.get_parts(shape)
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0)]
    widest = 0.0
    for part in parts:
        # A hair-thin sliver needs no circle.
        if shapely.area(part) < 1e-9:
            continue
        circle = shapely.maximum_inscribed_circle(part)
        widest = max(widest, 2 * float(shapely.length(circle)))
    return widest


# -------------------------------------------------------------------------- coverage


def mend(geometry: Array, tolerance: float) -> tuple[Array, tuple[Defect, ...]]:
    """A coverage from valid polygons in the order of their codes, and what was mended for it.

    Overlaps up to `tolerance` metres wide go to the polygon that comes first; gaps up to that
    width go to the neighbour with the longest border on them. Wider ones are returned with
    `mended` False: overlaps then leave all shapes as they are.

    Raises
    ------
    ShapeError : the result is no coverage, or a polygon was lost, moved or changed in area.
    """
    defects: list[Defect] = []
    result = geometry
    # One look at everything finds all edges that don't fit, and those along narrow gaps. From
    # then on only the neighbourhood of the suspects is looked at: nothing else changes.
    suspect = _flagged(geometry, np.arange(len(geometry)), tolerance)
    around = _near(geometry, suspect)
    flagged = _flagged(geometry, around)
    if len(flagged):
        overlaps = _overlaps(geometry, flagged, tolerance)
        defects += [defect for defect in overlaps if defect.width > NODING]
        if not all(defect.mended for defect in overlaps):
            return geometry, tuple(defects)
        covered = sum(defect.area for defect in overlaps)
        result = _without_overlaps(geometry, flagged, tolerance, covered)
    before = result
    result, gaps = _without_gaps(result, tolerance)
    defects += [gap for gap in gaps if gap.width > NODING]
    if len(flagged) and not defects:
        rows = tuple(int(row) for row in flagged)
        defects.append(Defect("noding", rows, 0.0, 0.0, True))
    filled = [row for gap in gaps if gap.mended for row in gap.rows]
    if filled:
        _same(before, result, tolerance, sum(gap.area for gap in gaps if gap.mended))
    if len(suspect) or filled:
        changed = np.unique(np.concatenate([around, np.array(filled, dtype=np.int64)]))
        around = _near(result, changed)
        if len(_flagged(result, around)):
            raise ShapeError(say("shape.no_coverage"), cure=say("shape.no_coverage_cure"))
        slits = tuple(int(row) for row in _flagged(result, around, tolerance))
        if slits:
            defects.append(Defect("slit", slits, tolerance, 0.0, False))
    return result, tuple(defects)


def _flagged(geometry: Array, rows: Array, gap: float = 0.0) -> Array:
    """Which of some rows have an edge that doesn't fit a neighbour's, or lies on a narrow gap."""
    if not len(rows):
        return rows
    edges = shapely.coverage_invalid_edges(geometry[rows], gap_width=gap)
    return rows[~shapely.is_empty(edges)]


def _near(geometry: Array, rows: Array) -> Array:
    """Rows whose bounding box touches that of one of `rows`, themselves included."""
    if not len(rows):
        return rows
    boxes = shapely.box(*shapely.bounds(geometry[rows]).T)
    return np.unique(shapely.STRtree(geometry).query(boxes)[1])


def _overlaps(geometry: Array, flagged: Array, tolerance: float) -> list[Defect]:
    """Each pair of polygons that share area; only flagged ones can."""
    some = geometry[flagged]
    one, other = shapely.STRtree(some).query(some, predicate="intersects")
    pairs = one < other
    one, other = flagged[one[pairs]], flagged[other[pairs]]
    shared = shapely.intersection(geometry[one], geometry[other])
    area = shapely.area(shared)
    found = []
    for n in np.flatnonzero(area > 0):
        wide = width(shared[n])
        rows = (int(one[n]), int(other[n]))
        found.append(Defect("overlap", rows, wide, float(area[n]), wide <= tolerance))
    return sorted(found, key=lambda defect: defect.rows)


def _without_overlaps(geometry: Array, flagged: Array, tolerance: float, covered: float) -> Array:
    """Overlaps given to the first polygon, all borders noded; only neighbours are touched.

    `covered` is the area, in square metres, that may change hands.

    Raises
    ------
    ShapeError : neither the neighbourhood nor the whole can be made a coverage without loss.
    """
    problem = ShapeError(say("shape.no_coverage"), cure=say("shape.no_coverage_cure"))
    for rows in (_near(geometry, flagged), np.arange(len(geometry))):
        result = geometry.copy()
        # No None may go in: coverage_clean would shift the results onto other rows. And without
        # any snapping (0.0) GEOS 3.14 merges whole neighbours when one has a vertex too many.
        cleaned = shapely.coverage_clean(
            geometry[rows], snapping_distance=_SNAP, merge_strategy="min_index"
        )
        try:
            if len(cleaned) != len(rows):
                raise ShapeError(say("shape.lost"), cure=say("shape.no_coverage_cure"))
            result[rows] = cleaned
            _same(geometry, result, tolerance, covered)
        except ShapeError as error:
            problem = error
            continue
        if not len(_flagged(result, _near(result, rows))):
            return result
    raise problem


def _without_gaps(geometry: Array, tolerance: float) -> tuple[Array, list[Defect]]:
    """Enclosed gaps up to `tolerance` wide given to the neighbour with the longest border."""
    outline = shapely.get_parts(shapely.coverage_union_all(geometry))
    inner = shapely.get_num_interior_rings(outline)
    if not inner.any():
        return geometry, []
    rings = [
        shapely.get_interior_ring(shape, n)
        for shape, count in zip(outline[inner > 0], inner[inner > 0], strict=True)
        for n in range(count)
    ]
    holes = shapely.polygons(rings)
    # A ring that touches itself has been cut into several holes by the union already; islands
    # inside a hole are polygons of their own and belong to nobody's gap.
    tree = shapely.STRtree(geometry)
    result = geometry.copy()
    defects = []
    for hole in sorted(holes, key=lambda shape: tuple(shapely.bounds(shape))):
        around = np.sort(tree.query(hole, predicate="intersects"))
        islands = around[shapely.contains_properly(hole, shapely.point_on_surface(result[around]))]
        gap = shapely.difference(hole, shapely.union_all(result[islands])) if len(islands) else hole
        wide = width(gap)
        borders = shapely.length(shapely.intersection(shapely.boundary(hole), result[around]))
        touching = around[borders > 0]
        mended = wide <= tolerance
        rows = tuple(int(row) for row in touching)
        defects.append(Defect("gap", rows, wide, float(shapely.area(gap)), mended))
        if mended and len(touching):
            first = int(around[int(np.argmax(borders))])
            result[first] = shapely.union(result[first], gap)
    return result, defects


def _whole(geometry: Array) -> None:
    """No shape is None, empty or no polygon."""
    kinds = shapely.get_type_id(geometry)
    if not ((kinds == 3) | (kinds == 6)).all() or shapely.is_empty(geometry).any():
        raise ShapeError(say("shape.lost"), cure=say("shape.no_coverage_cure"))


def _same(before: Array, after: Array, tolerance: float, moved: float) -> None:
    """Every row is still its own polygon: as many, at the same place, of the same area.

    `moved` is the area, in square metres, that may have changed hands.
    """
    if len(before) != len(after):
        raise ShapeError(say("shape.lost"), cure=say("shape.no_coverage_cure"))
    _whole(after)
    change = np.abs(shapely.area(after) - shapely.area(before))
    # Noding moves a border by less than NODING, all along it.
    allowed = moved + NODING * shapely.length(before) + 1e-6
    away = shapely.distance(after, shapely.point_on_surface(before))
    if (change > allowed).any() or (away > max(tolerance, NODING)).any():
        row = int(np.argmax(change - allowed))
        raise ShapeError(
            say("shape.area"),
            place=say("check.feature", row=row + 1),
            value=f"{change[row]:.3f} m²",
            cure=say("shape.no_coverage_cure"),
        )


def unite(geometry: Array, groups: Array, count: int) -> tuple[Array, bool]:
    """Union of the shapes of each group 0 .. `count` - 1, None for a group without shapes; and
    whether all of them were coverages.

    A coverage's union only drops shared borders, twenty times faster than a plain one; bad noding
    makes it fail or come out invalid, and then the plain union is taken.
    """
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=count))
    result = np.empty(count, dtype=object)
    clean, start = True, 0
    for n, end in enumerate(ends):
        members = geometry[order[start:end]]
        start = end
        if not len(members):
            continue
        try:
            result[n] = shapely.coverage_union_all(members)
            good = shapely.is_valid(result[n])
        except shapely.errors.GEOSException:
            good = False
        if not good:
            clean = False
            result[n] = shapely.union_all(shapely.make_valid(members))
    return result, clean


def dissolve(geometry: Array, groups: Array, count: int) -> tuple[Array, bool]:
    """Polygons of each group 0 .. `count` - 1, and whether they were a coverage (see `unite`).

    Raises
    ------
    ShapeError : a group is empty, or the area is not that of its shapes.
    """
    united, clean = unite(geometry, groups, count)
    result = polygons(united)
    _whole(result)
    expected = np.bincount(groups, weights=shapely.area(geometry), minlength=count)
    if clean and (np.abs(shapely.area(result) - expected) > 1e-6 * expected + 1e-3).any():
        raise ShapeError(say("shape.area"), cure=say("shape.no_coverage_cure"))
    return result, clean


def label_points(geometry: Array) -> Array:
    """A point inside each polygon where a label can stand ([n] points, same CRS).

    The centroid where it lies inside with room around it, else a point on the surface.
    """
    centre = shapely.centroid(geometry)
    inside = shapely.contains_properly(geometry, centre)
    return np.where(inside, centre, shapely.point_on_surface(geometry))
