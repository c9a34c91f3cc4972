"""Path data says what the polygons say: a reader gets the same areas back."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from layers.paths import paths


def read(data: str) -> list[list[tuple[int, int]]]:
    """The rings of path data, in whole coordinates."""
    rings = []
    for text in data.split("z")[:-1]:
        start, _, steps = text.removeprefix("M").partition("l")
        x, y = (int(part) for part in start.split(","))
        ring = [(x, y)]
        numbers = [int(part) for part in re.findall(r"-?\d+", steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            ring.append((x, y))
        rings.append(ring)
    return rings


def draw(*shapes: object) -> list[str]:
    return paths(np.array(shapes, dtype=object))


def test_a_square_is_a_start_and_three_steps():
    assert draw(box(0, 0, 10, 20)) in (
        [f"M{x},{y}l{steps}z"]
        for x, y, steps in ((10, 0, "0 20-10 0 0-20"), (0, 0, "0 20 10 0 0-20"))
    )


def test_holes_and_parts_are_rings_of_one_path():
    holed = Polygon(box(0, 0, 100, 100).exterior, [box(20, 20, 40, 40).exterior])
    two = MultiPolygon([box(0, 0, 5, 5), box(10, 10, 15, 15)])
    first, second = draw(holed, two)
    assert [len(ring) for ring in read(first)] == [4, 4]
    assert len(read(second)) == 2


@pytest.mark.parametrize(
    "nothing", [Polygon(), box(0, 0, 0.2, 0.2), box(0, 0, 30, 0.2), Point(1, 1)]
)
def test_what_has_nothing_to_fill_is_empty(nothing):
    before, empty, after = draw(box(0, 0, 4, 4), nothing, box(8, 8, 9, 9))
    assert empty == ""
    assert before
    assert after


def test_no_shape_at_all_is_no_path():
    assert draw() == []


corners = st.tuples(st.integers(-300, 300), st.integers(-300, 300))


@given(st.lists(st.lists(corners, min_size=3, max_size=9), min_size=1, max_size=6))
def test_reading_it_back_gives_the_same_areas(clouds):
    shapes = [shapely.convex_hull(shapely.multipoints(points)) for points in clouds]
    for shape, data in zip(shapes, draw(*shapes), strict=True):
        area = sum(Polygon(ring).area for ring in read(data))
        assert area == (shape.area if isinstance(shape, Polygon) else 0)
