"""The mesh: every leaf in triangles, with the tiles' own shapes, the same bytes each time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from geodata import arrays, check, mesh
from geodata.errors import EditionError, ShapeError, UnknownName
from geodata.mesh import Cut, Mesh, triangulate
from geodata.nesting import Nesting
from geodata.tiles import SCREENS, WORLD, Shapes, Zooms, overview, write_tiles
from geodata.world import World
from tests.tiny import write_tiny
from tests.worlds import build_small, small_world

Outlines = dict[int, Shapes]
Made = tuple[Outlines, Nesting, Mesh]

ZOOM = 10
METRES = WORLD / 4096 / 2**ZOOM
"""A grid step at `ZOOM`."""
X, Y = 13_050_000.0, 4_700_000.0
ONE_LEVEL = ("land", "parish")


def outlines_of(world: World, folder: Path) -> tuple[Outlines, Nesting]:
    nesting = Nesting.of(world.regions)
    found: Outlines = {}
    folder.mkdir(exist_ok=True)
    write_tiles(world.space, world.regions, nesting, folder, seen=found.__setitem__)
    return found, nesting


@pytest.fixture(scope="module", params=["small", "tiny"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Outlines, nesting and mesh of the two worlds."""
    home = tmp_path_factory.mktemp(request.param)
    world = small_world() if request.param == "small" else check.read(write_tiny(home))
    outlines, nesting = outlines_of(world, home / "tiles")
    return outlines, nesting, triangulate(outlines, nesting)


def area(found: Mesh, cut: Cut) -> NDArray[np.float64]:
    """Area of each leaf's triangles, in square steps."""
    a, b, c = np.moveaxis(found.points(cut), 1, 0)
    one, other = b - a, c - a
    twice = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
    sums: NDArray[np.float64] = np.bincount(cut.leaf(), twice / 2, len(cut.triangles))
    return sums


def in_metres(found: Mesh, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """Points of a mesh in web mercator."""
    world = (points + np.array(found.origin)) * found.step
    return np.stack([(world[..., 0] - 0.5) * WORLD, (0.5 - world[..., 1]) * WORLD], axis=-1)


def single(*shapes: shapely.Geometry) -> Mesh:
    """The mesh of a few leaves under one region."""
    count = len(shapes)
    nesting = Nesting(
        ONE_LEVEL,
        (np.array(["N"], object), np.array([f"N{n}" for n in range(count)], object)),
        (np.zeros(1, np.int32), np.zeros(count, np.int32)),
    )
    return triangulate({ZOOM: np.array(shapes, dtype=object)}, nesting)


def square(column: float, row: float, side: float) -> shapely.Polygon:
    """A square in grid steps."""
    x, y = X + column * METRES, Y + row * METRES
    return shapely.box(x, y, x + side * METRES, y + side * METRES)


def test_every_leaf_has_the_triangles_of_its_tiles_shape(made: Made) -> None:
    outlines, _, found = made
    assert [cut.zoom for cut in found.cuts] == sorted(outlines, reverse=True)
    for cut in found.cuts:
        shapes = outlines[cut.zoom]
        assert len(cut.triangles) == len(shapes)
        assert (cut.triangles > 0).all()
        metres = found.step * WORLD
        allowed = shapely.length(shapes) / metres + 4
        expected = shapely.area(shapes) / metres**2
        assert (np.abs(area(found, cut) - expected) < allowed).all()


def test_a_triangle_lies_in_the_region_that_it_is_coloured_for(made: Made) -> None:
    outlines, _, found = made
    for cut in found.cuts:
        points = in_metres(found, found.points(cut)).mean(axis=1)
        leaf = cut.leaf()
        # What rounding moves a border by, a thin triangle's middle may lie outside.
        away = shapely.distance(outlines[cut.zoom][leaf], shapely.points(points))
        assert away.max() <= found.step * WORLD


def test_neighbours_share_their_corners(made: Made) -> None:
    _, _, found = made
    for cut in found.cuts:
        points = found.points(cut)
        whole = shapely.union_all(shapely.polygons(points.astype(float)))
        inside = sum(shapely.Polygon(ring).area for part in parts(whole) for ring in part.interiors)
        assert inside == 0, "no crack between two leaves"
        assert whole.area == pytest.approx(area(found, cut).sum())


def parts(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return list(shapely.get_parts(shape))


def test_ancestors_are_those_of_the_tree(made: Made) -> None:
    _, nesting, found = made
    assert found.levels == nesting.levels
    for depth, level in enumerate(nesting.levels[:-1]):
        assert found.above[depth].tolist() == nesting.above(nesting.levels[-1], level).tolist()


def test_bytes_say_what_the_mesh_says_and_are_always_the_same(made: Made) -> None:
    outlines, nesting, found = made
    data = mesh.encode(found)
    assert data == mesh.encode(triangulate(outlines, nesting))
    back = mesh.decode(data)
    assert mesh.encode(back) == data
    assert (back.step, back.origin, back.levels) == (found.step, found.origin, found.levels)
    np.testing.assert_array_equal(back.corner, found.corner)
    for ours, theirs in zip(found.cuts, back.cuts, strict=True):
        np.testing.assert_array_equal(ours.index, theirs.index)
        np.testing.assert_array_equal(ours.triangles, theirs.triangles)


def test_holes_and_several_parts_are_kept() -> None:
    ring = square(0, 0, 100).difference(square(20, 20, 30))
    islands = shapely.union_all([square(200, 0, 40), square(300, 0, 25)])
    found = single(ring, square(20, 20, 30), islands)
    assert area(found, found.cuts[0]) == pytest.approx(
        [100**2 - 30**2, 30**2, 40**2 + 25**2], rel=0.08
    )
    holes = shapely.polygons(found.points(found.cuts[0])[found.cuts[0].leaf() == 0].astype(float))
    assert len(shapely.union_all(holes).interiors) == 1


def test_a_leaf_too_small_for_the_grid_becomes_a_dot() -> None:
    found = single(square(0, 0, 100), square(100, 0, 0.2), square(100, 0.2, 0.01))
    assert found.cuts[0].triangles.min() == 1
    assert area(found, found.cuts[0])[1:] == pytest.approx([0.5, 0.5])
    assert np.abs(found.points(found.cuts[0]) - found.points(found.cuts[0])[0]).max() < 110


def test_what_rounding_folds_is_unfolded() -> None:
    # A bay a tenth of a step wide: its shores fall onto each other.
    bay = square(10, 0, 50).difference(
        shapely.box(X + 30 * METRES, Y, X + 30.1 * METRES, Y + 40 * METRES)
    )
    neck = shapely.union_all([square(100, 0, 20), square(130, 0, 20)]).union(
        shapely.box(X + 119 * METRES, Y + 9.9 * METRES, X + 131 * METRES, Y + 10 * METRES)
    )
    found = single(bay, neck)
    assert area(found, found.cuts[0]) == pytest.approx([50 * 50, 2 * 20 * 20], rel=0.08)


def test_a_whole_of_many_screens_is_put_on_a_coarser_grid() -> None:
    found = single(square(0, 0, 200_000), square(200_000, 0, 200_000))
    assert found.step * WORLD > METRES
    assert found.corner.max() <= 65_535
    steps = (200_000 * METRES / (found.step * WORLD)) ** 2
    assert area(found, found.cuts[0]) == pytest.approx([steps, steps], rel=1e-3)


def test_a_lost_leaf_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shapely.constrained_delaunay_triangles

    def lose(shapes: Shapes) -> Shapes:
        found = np.asarray(real(shapes), dtype=object)
        found[-1] = shapely.GeometryCollection()
        return found

    monkeypatch.setattr(shapely, "constrained_delaunay_triangles", lose)
    with pytest.raises(ShapeError, match="图形消失"):
        single(square(0, 0, 10), square(10, 0, 10))


def test_triangles_that_do_not_fill_a_leaf_stop_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shapely.constrained_delaunay_triangles
    monkeypatch.setattr(
        shapely,
        "constrained_delaunay_triangles",
        lambda shapes: real(np.array([square_of(one) for one in shapes], dtype=object)),
    )
    with pytest.raises(ShapeError, match="面积不对"):
        single(square(0, 0, 100), square(100, 0, 100))


def square_of(shape: shapely.Polygon) -> shapely.Polygon:
    """The north-western quarter of a square on the grid."""
    west, north, east, south = shape.bounds
    return shapely.box(west, north, (west + east) / 2, (north + south) / 2)


def test_what_is_no_mesh_is_refused() -> None:
    with pytest.raises(EditionError, match="网格文件损坏"):
        mesh.decode(b"BFA1....")
    with pytest.raises(EditionError, match="网格文件损坏"):
        mesh.decode(mesh.encode(single(square(0, 0, 10)))[:-9])


def test_the_overview_fits_the_largest_screen() -> None:
    span = 160_000.0
    every = {"village": Zooms(4, 12)}
    zoom = overview((X, Y, X + span / 2, Y + span), every)
    tall = span / WORLD * 512 * 2**zoom
    assert tall <= 2160 < 2 * tall
    assert overview((X, Y, X + 4 * span, Y + span), every) == math.floor(
        math.log2(3840 * WORLD / 512 / 4 / span)
    )
    assert overview((X, Y, X + span, Y + span), {"village": Zooms(4, 6)}) == 6
    assert overview((X, Y, X + 100 * span, Y + span), {"village": Zooms(8, 12)}) == 8


def test_an_edition_has_its_mesh_and_an_older_one_says_so(tmp_path: Path) -> None:
    edition = build_small(tmp_path)
    stored = mesh.decode(edition.mesh_path().read_bytes())
    packed = edition.mesh_path().with_name("mesh.bin.gz")
    assert packed.read_bytes() == arrays.compress(edition.mesh_path().read_bytes())
    assert len(stored.corners) == edition.count("village")
    assert edition.mesh_zoom == stored.cuts[0].zoom
    assert len(stored.cuts) <= SCREENS
    del edition.manifest["mesh"]
    assert edition.mesh_zoom is None
    with pytest.raises(UnknownName, match="没有播放用的网格"):
        edition.mesh_path()
