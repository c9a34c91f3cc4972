"""Shapes are put where they belong and made to fit, within a tolerance."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from geodata import shapes
from geodata.errors import ShapeError, WorkspaceError

TOLERANCE = 2.0
UTM = np.array([500_000, 5_400_000])
ZONE = np.array([39_500_000, 4_340_000])


def grid(side: float = 100.0) -> np.ndarray:
    """Nine squares, row by row from the south-west."""
    corners = [(x * side, y * side) for y in range(3) for x in range(3)]
    return np.array([box(x, y, x + side, y + side) for x, y in corners], dtype=object)


def put(squares: np.ndarray, row: int, shape: Polygon) -> np.ndarray:
    changed = squares.copy()
    changed[row] = shape
    return changed


def kinds(defects: tuple[shapes.Defect, ...]) -> list[tuple[str, tuple[int, ...], bool]]:
    return [(defect.kind, defect.rows, defect.mended) for defect in defects]


def test_a_clean_coverage_is_left_alone() -> None:
    squares = grid()
    result, defects = shapes.mend(squares, TOLERANCE)
    assert shapely.equals_identical(result, squares).all()
    assert not defects


def test_a_narrow_overlap_goes_to_the_first_polygon() -> None:
    result, defects = shapes.mend(put(grid(), 0, box(0, 0, 101.5, 100)), TOLERANCE)
    assert kinds(defects) == [("overlap", (0, 1), True)]
    assert defects[0].width == pytest.approx(1.5, rel=0.02)
    assert defects[0].area == pytest.approx(150)
    assert shapely.area(result[:2]).tolist() == pytest.approx([10150, 9850])
    assert shapely.coverage_is_valid(result)
    others = [2, 5, 6, 7, 8]
    same = shapely.equals_identical(shapely.normalize(result), shapely.normalize(grid()))
    assert same[others].all()


def test_a_wide_overlap_is_an_error_and_nothing_is_changed() -> None:
    squares = put(grid(), 0, box(0, 0, 105, 100))
    result, defects = shapes.mend(squares, TOLERANCE)
    assert kinds(defects) == [("overlap", (0, 1), False)]
    assert result is squares


def test_an_enclosed_gap_goes_to_the_neighbour_with_the_longest_border() -> None:
    notched = grid()
    notched[4] = shapely.difference(notched[4], box(100, 120, 101.5, 160))
    result, defects = shapes.mend(notched, TOLERANCE)
    assert kinds(defects) == [("gap", (3, 4), True)]
    assert shapely.area(result).sum() == pytest.approx(90_000)
    assert shapely.area(result[4]) == pytest.approx(10_000)
    assert shapely.coverage_is_valid(result)


def test_a_wide_gap_is_told_and_kept() -> None:
    result, defects = shapes.mend(put(grid(), 4, box(100, 100, 190, 200)), TOLERANCE)
    assert kinds(defects) == [("gap", (1, 4, 5, 7), False)]
    assert shapely.area(result).sum() == pytest.approx(89_000)


def test_a_missing_vertex_is_added_without_moving_anything() -> None:
    bent = Polygon([(0, 0), (100, 0), (100, 50), (100, 100), (0, 100)])
    result, defects = shapes.mend(put(grid(), 0, bent), TOLERANCE)
    assert [defect.kind for defect in defects] == ["noding"]
    assert shapely.area(result).tolist() == pytest.approx([10_000] * 9)
    assert shapely.coverage_is_valid(result)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 8),
    st.floats(-1.9, 1.9, allow_nan=False).filter(lambda x: abs(x) > 0.01),
    st.sampled_from(["east", "north"]),
)
def test_any_border_moved_within_tolerance_is_mended(row: int, by: float, side: str) -> None:
    west, south, east, north = shapely.bounds(grid()[row])
    moved = box(west, south, east + by * (side == "east"), north + by * (side == "north"))
    before = put(grid(), row, moved)
    result, defects = shapes.mend(before, TOLERANCE)
    assert all(defect.mended or defect.kind == "slit" for defect in defects)
    assert shapely.coverage_is_valid(result)
    assert len(result) == 9
    for old, new in zip(grid(), result, strict=True):
        assert shapely.area(shapely.symmetric_difference(old, new)) <= 100 * 1.9 * 2 + 4
    again, nothing = shapes.mend(result, TOLERANCE)
    assert [defect for defect in nothing if defect.kind != "slit"] == []
    assert shapely.equals_exact(again, result).all()


def test_a_bow_tie_is_repaired_and_listed() -> None:
    tie = Polygon([(0, 0), (10, 0), (10, 10), (9, 11), (11, 11), (10, 10), (0, 10)])
    crossed = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    result, defects = shapes.repair(np.array([tie, crossed], dtype=object), TOLERANCE)
    assert shapely.is_valid(result).all()
    assert [defect.mended for defect in defects] == [True] * len(defects)
    assert {defect.rows for defect in defects} == {
        (n,) for n in range(2) if not shapely.is_valid([tie, crossed][n])
    }


def test_a_shape_that_can_be_read_two_ways_is_not_mended() -> None:
    # The border crosses itself; the square that it encloses there may be inside or outside.
    for side, fits in ((1.5, True), (20.0, False)):
        low, high = 50 - side / 2, 50 + side / 2
        crossed = Polygon(
            [(0, 0), (100, 0), (100, high), (low, high), (low, low), (high, low), (high, 100),
             (0, 100)]
        )  # fmt: skip
        result, defects = shapes.repair(np.array([crossed], dtype=object), TOLERANCE)
        assert shapely.is_valid(result).all()
        assert [(defect.kind, defect.mended) for defect in defects] == [("invalid", fits)]
        assert defects[0].width == pytest.approx(side, rel=0.02)


def test_a_shape_of_no_area_cannot_be_repaired() -> None:
    line = Polygon([(0, 0), (10, 0), (5, 0)])
    _, defects = shapes.repair(np.array([line], dtype=object), TOLERANCE)
    assert [defect.mended for defect in defects] == [False]


def test_dissolving_keeps_area_and_order() -> None:
    result, clean = shapes.dissolve(grid(), np.array([2, 2, 2, 0, 0, 0, 1, 1, 1]), 3)
    assert clean
    assert shapely.area(result).tolist() == pytest.approx([30_000] * 3)
    assert [tuple(b) for b in shapely.bounds(result)] == [
        (0, 100, 300, 200), (0, 200, 300, 300), (0, 0, 300, 100),
    ]  # fmt: skip


def test_dissolving_what_is_no_coverage_falls_back_and_says_so() -> None:
    overlapping = put(grid(), 0, box(0, 0, 150, 100))
    result, clean = shapes.dissolve(overlapping, np.zeros(9, dtype=int), 1)
    assert shapely.area(result[0]) == pytest.approx(90_000)
    assert not clean


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(ShapeError, match="丢失"):
        shapes.dissolve(grid(), np.zeros(9, dtype=int), 2)


def test_shared_vertices_stay_shared_when_reprojected() -> None:
    source, target = pyproj.CRS("EPSG:32633"), pyproj.CRS("EPSG:3035")
    squares = shapely.transform(grid(), lambda xy: xy + UTM)
    assert shapes.reproject(squares, source, source) is squares
    assert shapely.coverage_is_valid(shapes.reproject(squares, source, target))


def test_the_same_system_under_other_names_is_the_same_place() -> None:
    squares = shapely.transform(grid(), lambda xy: xy + ZONE)
    zone = pyproj.CRS("EPSG:4527")
    assert shapes.same_place(zone, pyproj.CRS(zone.to_wkt("WKT1_ESRI")), squares)
    assert not shapes.same_place(zone, pyproj.CRS("EPSG:4528"), squares)


def test_improbable_places_are_found_in_degrees() -> None:
    squares = shapely.transform(grid(), lambda xy: xy + UTM)
    crs = pyproj.CRS("EPSG:32633")
    away, centre = shapes.outside(squares, crs, (14.9, 48.7, 15.1, 48.8))
    assert not away.any()
    assert centre[0] == pytest.approx([15.0007, 48.7535], abs=1e-3)
    assert shapes.outside(squares, crs, (100, 20, 120, 40))[0].all()
    assert shapes.outside(squares, pyproj.CRS("EPSG:4326"), None)[0].all()


@pytest.mark.parametrize("name", ["EPSG:4490", "EPSG:2263", "EPSG:1", "local"])
def test_a_work_crs_must_be_known_and_in_metres(name: str) -> None:
    with pytest.raises(WorkspaceError, match=r"geometry\.work_crs.*EPSG:4527"):
        shapes.work_crs(name)


def test_a_label_point_lies_inside_even_a_crescent() -> None:
    crescent = shapely.difference(shapely.Point(0, 0).buffer(10), shapely.Point(4, 0).buffer(9))
    squares = np.append(grid(), crescent)
    assert shapely.contains_properly(squares, shapes.label_points(squares)).all()
