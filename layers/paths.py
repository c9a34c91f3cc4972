"""Polygons as the path data of an SVG: whole numbers, relative steps, every shape in one pass."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray


def paths(shapes: NDArray[np.object_]) -> list[str]:
    """Path data of each shape, all its rings in one; "" where nothing is left to fill.

    Parameters
    ----------
    shapes : [n] polygons (others are passed over) in units of the drawing, which are rounded to
        whole numbers: scale them before for finer steps.
    """
    found = [""] * len(shapes)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part = shapely.get_rings(parts[areal], return_index=True)
    owner = owner[areal][part]
    points, ring = shapely.get_coordinates(rings, return_index=True)
    places = np.rint(points).astype(np.int64)
    if not len(places):
        return found
    # What rounds to the point before says nothing; a ring's last point is its first.
    moved = np.ones(len(places), np.bool_)
    moved[1:] = (places[1:] != places[:-1]).any(axis=1) | (ring[1:] != ring[:-1])
    places, ring = places[moved], ring[moved]
    steps = np.diff(places, axis=0, prepend=places[:1])
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    ends = np.append(starts[1:], len(ring))
    # A minus sign separates by itself.
    told = [f"{'' if x < 0 else ' '}{x}{'' if y < 0 else ' '}{y}" for x, y in steps.tolist()]
    # A ring that shrank to a point or a line has nothing to fill.
    whole = ends - starts > 3
    joined: dict[int, list[str]] = {}
    for start, end in zip(starts[whole].tolist(), ends[whole].tolist(), strict=True):
        x, y = places[start].tolist()
        # Without the last step: `z` goes there.
        text = f"M{x},{y}l{''.join(told[start + 1 : end - 1]).lstrip(' ')}z"
        joined.setdefault(int(owner[ring[start]]), []).append(text)
    for place, texts in joined.items():
        found[place] = "".join(texts)
    return found
