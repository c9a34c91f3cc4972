"""Vector tiles: every region at every zoom, neighbours and levels sharing their borders."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles

from geodata.errors import ShapeError
from geodata.nesting import Nesting
from geodata.shapes import unite
from geodata.tiles import Zooms, simplify, write_tiles, zooms
from geodata.workspace import Workspace
from geodata.world import World
from tests.worlds import small_space, small_world

LEVELS = ("city", "district", "town", "village")
WORLD_SIZE = 2 * np.pi * 6_378_137


def cut(world: World, folder: Path) -> dict[str, Zooms]:
    return write_tiles(world.space, world.regions, Nesting.of(world.regions), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tiles")
    cut(small_world(), home)
    return home


def read(folder: Path, level: str) -> dict[tuple[int, int, int], dict[str, Any]]:
    """Tile -> its features: fields by name, and `geometry` in tile units."""
    found = {}
    with (folder / f"{level}.pmtiles").open("rb") as stream:
        for place, data in all_tiles(MmapSource(stream)):
            path = folder / "one.pbf"
            path.write_bytes(gzip.decompress(data))
            layers = pyogrio.list_layers(path)[:, 0].tolist()
            assert layers == [level]
            meta, _, shapes, fields = pyogrio.raw.read(path)
            columns = dict(zip(meta["fields"], fields, strict=True))
            found[place] = {**columns, "geometry": shapely.from_wkb(shapes)}
            path.unlink()
    return found


@pytest.mark.parametrize("level", LEVELS)
def test_every_region_is_there_at_every_zoom_with_its_ancestors(folder: Path, level: str) -> None:
    world = small_world()
    nesting = Nesting.of(world.regions)
    tiles = read(folder, level)
    for zoom in {place[0] for place in tiles}:
        seen: set[int] = set()
        for place, columns in tiles.items():
            if place[0] != zoom:
                continue
            frame = world.regions[level].iloc[columns["i"]]
            assert columns["i"].dtype.kind == "i"
            assert columns["code"].tolist() == frame["code"].tolist()
            assert columns["name"].tolist() == frame["name"].tolist()
            for upper in LEVELS[: LEVELS.index(level)]:
                above = nesting.above(level, upper)[columns["i"]]
                assert columns[f"a_{upper}"].tolist() == above.tolist()
            seen.update(columns["i"].tolist())
        assert seen == set(range(len(world.regions[level])))


def test_the_borders_of_upper_levels_are_borders_of_the_leaves_at_every_zoom(folder: Path) -> None:
    leaves = read(folder, "village")
    for level in LEVELS[:-1]:
        for place, columns in read(folder, level).items():
            lower = shapely.union_all(shapely.boundary(leaves[place]["geometry"]))
            for shape in columns["geometry"]:
                # Where a tile ends, shapes are cut: those edges are no borders.
                inner = shapely.box(*shapely.total_bounds(columns["geometry"])).buffer(-1)
                border = shapely.intersection(shapely.boundary(shape), inner)
                assert shapely.length(shapely.difference(border, lower.buffer(0.01))) < 0.01


def test_neighbours_leave_no_gap_and_do_not_overlap(folder: Path) -> None:
    for columns in read(folder, "village").values():
        shapes = columns["geometry"]
        whole = shapely.union_all(shapely.make_valid(shapes))
        assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-3)


def test_the_archive_says_where_it_is_and_nothing_of_who_made_it(folder: Path) -> None:
    with (folder / "village.pmtiles").open("rb") as stream:
        reader = Reader(MmapSource(stream))
        header, metadata = reader.header(), reader.metadata()
    assert metadata == {"vector_layers": [{"id": "village", "fields": {}}]}
    assert header["clustered"]
    assert header["min_lon_e7"] == pytest.approx(117.17e7, abs=1e5)
    assert header["max_lat_e7"] == pytest.approx(39.30e7, abs=1e5)


def test_cutting_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    cut(small_world(), tmp_path)
    for level in LEVELS:
        name = f"{level}.pmtiles"
        first, second = (
            hashlib.sha256((home / name).read_bytes()).hexdigest() for home in (folder, tmp_path)
        )
        assert first == second


def test_the_first_zoom_shows_the_whole_and_the_last_its_detail() -> None:
    # A square of the size and place of Tianjin.
    side = 220_000.0
    x, y = 13_050_000.0, 4_700_000.0
    found = zooms(small_space(), (x, y, x + side, y + side))
    assert set(found.values()) == {Zooms(4, 12)}, "all levels share them"
    whole = zooms(small_space(), (-WORLD_SIZE / 2, -WORLD_SIZE / 2, WORLD_SIZE / 2, WORLD_SIZE / 2))
    assert whole["city"].min == 0


def test_declared_zooms_are_kept() -> None:
    raw = small_space().model_dump(mode="json", by_alias=True)
    raw["levels"][1] |= {"min_zoom": 3, "max_zoom": 7}
    found = zooms(Workspace.model_validate(raw), (0.0, 0.0, 20_000.0, 20_000.0))
    assert found["district"] == Zooms(3, 7)


def test_simplifying_keeps_neighbours_together() -> None:
    shapes = np.asarray(small_world().regions["village"].geometry.array, dtype=object)
    simple = simplify(shapes, 400.0)
    assert shapely.get_num_coordinates(simple).sum() < shapely.get_num_coordinates(shapes).sum()
    assert shapely.coverage_is_valid(simple)
    assert simplify(shapes, 0.0) is shapes


def test_a_shape_that_would_vanish_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], dtype=object)
    empty = np.array([shapes[0], shapely.Polygon()], dtype=object)
    monkeypatch.setattr(shapely, "coverage_simplify", lambda *_: empty)
    with pytest.raises(ShapeError, match="图形消失"):
        simplify(shapes, 0.1)


def test_area_that_would_be_invented_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1)], dtype=object)
    larger = np.array([shapely.box(0, 0, 2, 2)], dtype=object)
    monkeypatch.setattr(shapely, "coverage_simplify", lambda *_: larger)
    with pytest.raises(ShapeError, match="总面积变化过大"):
        simplify(shapes, 0.001)


def test_bad_noding_is_merged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise shapely.errors.GEOSException("incorrectly noded")

    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], dtype=object)
    monkeypatch.setattr(shapely, "coverage_union_all", refuse)
    merged, _ = unite(shapes, np.array([0, 0], np.int32), 2)
    assert merged[0].area == 2.0
    assert merged[1] is None
