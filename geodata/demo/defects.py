"""Plant the few defects that real files have, each where a reader of 说明.md can find it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from geodata.demo.story import Story

PUSH = 3.0
"""Metres by which one border point stands inside the neighbour: less than the demo's tolerance."""


@dataclass(frozen=True)
class Defects:
    """What is wrong in a demo workspace; villages by position."""

    unmentioned: int
    """No table has it, only the borders."""
    without_code: int
    """The yearly workbook of its district has its name and town, and no code."""
    numeric: int
    """Round 3's list has its code as a number."""
    repeated: int
    """Round 3's first monthly file has its first row twice."""
    overlap: tuple[int, int]
    """The first one's border stands `PUSH` metres inside the second one."""


def choose(story: Story, shapes: gpd.GeoSeries) -> Defects:
    """Pick the villages, always the same ones for the same story.

    Raises ``ValueError`` when the world is too small to plant all defects.
    """
    targets = np.zeros(len(story.villages), dtype=bool)
    targets[story.round2.rows] = True
    targets[story.round3.rows] = True
    free = np.flatnonzero(~targets)
    if len(free) < 4:
        raise ValueError("no village is left to plant defects in")
    middle = len(free) // 2
    rows = story.round3.rows
    return Defects(
        unmentioned=int(free[middle]),
        without_code=int(free[middle + 1]),
        numeric=int(rows[len(rows) // 3]),
        repeated=int(rows[2 * len(rows) // 3]),
        overlap=_neighbours(shapes, story.villages["town"].tolist(), int(free[middle // 2])),
    )


def _neighbours(shapes: gpd.GeoSeries, town: list[str], wanted: int) -> tuple[int, int]:
    """A village at or after ``wanted`` and a neighbour, of its town where that is possible."""
    geometry = shapes.to_numpy()
    tree = shapely.STRtree(geometry)
    for same_town in (True, False):
        for first in [*range(wanted, len(geometry)), *range(wanted)]:
            near = tree.query(geometry[first], predicate="touches")
            for second in sorted(int(k) for k in near):
                if same_town and town[first] != town[second]:
                    continue
                if _push_point(geometry[first], geometry[second]) is not None:
                    return first, second
    raise ValueError("no two villages share a border")


def _push_point(first: shapely.Geometry, second: shapely.Geometry) -> int | None:
    """Position, in the first's ring, of a border point well inside the common border."""
    if first.geom_type != "Polygon" or second.geom_type != "Polygon" or len(first.interiors):
        return None
    ring = shapely.get_coordinates(first.exterior)[:-1]
    there = {tuple(point) for point in shapely.get_coordinates(second.exterior)}
    shared = np.array([tuple(point) in there for point in ring])
    span = 6
    # Points on both sides must be shared too, so that no third village is touched.
    inner = np.flatnonzero(
        np.all([np.roll(shared, shift) for shift in range(-span, span + 1)], axis=0)
    )
    for k in inner:
        pushed = _pushed(first, second, int(k))
        overlap = shapely.intersection(pushed, second)
        if pushed.is_valid and overlap.area > 1.0 and shapely.difference(first, pushed).area < 1e-6:
            return int(k)
    return None


def _pushed(first: shapely.Geometry, second: shapely.Geometry, k: int) -> shapely.Geometry:
    """The first polygon with its ``k``-th point moved `PUSH` metres into the second one."""
    ring = shapely.get_coordinates(first.exterior)[:-1].copy()
    before, after = ring[k - 1], ring[(k + 1) % len(ring)]
    along = after - before
    normal = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    if not shapely.contains_xy(second, *(ring[k] + normal * PUSH)):
        normal = -normal
    ring[k] = np.round(ring[k] + normal * PUSH, 2)
    return shapely.polygons(ring)


def overlap(shapes: gpd.GeoSeries, defects: Defects) -> gpd.GeoSeries:
    """The shapes with the overlap planted; the given series stays as it is."""
    first, second = defects.overlap
    geometry = shapes.to_numpy().copy()
    k = _push_point(geometry[first], geometry[second])
    if k is not None:
        geometry[first] = _pushed(geometry[first], geometry[second], k)
    return gpd.GeoSeries(geometry, index=shapes.index, crs=shapes.crs)
