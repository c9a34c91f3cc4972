"""Everything read, checked and joined; every defect named, every row accounted for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from geodata import check
from geodata.errors import AtlasError
from geodata.findings import Finding
from geodata.vocabulary import Severity, Status
from geodata.world import World
from tests import tiny

Change = Callable[[Path], None]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "w"))


def swap(name: str, old: str, new: str) -> Change:
    """A change of the workspace: one text for another, which must be there."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


def add(name: str, line: str) -> Change:
    def change(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    return change


def redraw(edit: Callable[[list[dict[str, Any]]], None]) -> Change:
    """A change of the boundary file's features."""

    def change(folder: Path) -> None:
        drawn: list[dict[str, Any]] = tiny.features()
        edit(drawn)
        tiny.write_borders(folder / "parishes.geojson", drawn)

    return change


def shape(row: int, coordinates: Any, kind: str = "Polygon") -> Change:
    return redraw(
        lambda drawn: drawn[row].update(geometry={"type": kind, "coordinates": coordinates})
    )


def square(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    """A square in metres from the corner of the grid."""
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [[[tiny.WEST + x, tiny.SOUTH + y] for x, y in ring]]


def label(row: int, **properties: Any) -> Change:
    return redraw(lambda drawn: drawn[row]["properties"].update(properties))


def told(world: World) -> list[Finding]:
    """What a clerk must look at."""
    return [found for found in world.findings if found.severity is not Severity.NOTE]


def accounted(world: World) -> None:
    """Rows in = rows used + rows reported, and the findings add up to the reported ones."""
    for entry in world.inputs:
        assert entry.rows == entry.used + entry.reported
        rows = sum(found.rows for found in world.findings if found.file == entry.file)
        assert rows == entry.reported


def test_the_tiny_world_is_clean_and_complete(pristine: Path) -> None:
    world = check.read(pristine)
    assert told(world) == []
    accounted(world)
    parishes, lands = world.regions["parish"], world.regions["land"]
    assert parishes["code"].tolist() == list(tiny.CODES)
    assert parishes["parent"].tolist() == ["N"] * 9
    assert parishes.crs == tiny.CRS
    assert lands["name"].tolist() == ["北境"]
    assert lands.geometry.area.tolist() == pytest.approx([9e6])
    assert list(world.facts.columns) == [
        "code", "round", "indicator", "period", "value", "status", "batch", "file", "row",
    ]  # fmt: skip
    assert (world.facts["row"].dtype, world.facts["status"].dtype) == ("int32", "int8")


def facts(world: World, code: str, indicator: str) -> dict[str, float]:
    own = world.facts[(world.facts["code"] == code) & (world.facts["indicator"] == indicator)]
    return dict(zip(own["period"].astype(str), own["value"], strict=True))


def test_facts_are_unique_sorted_and_know_where_they_come_from(pristine: Path) -> None:
    world = check.read(pristine)
    keys = world.facts[["code", "round", "indicator", "period"]].astype("str")
    assert not keys.duplicated().any()
    assert keys.equals(keys.sort_values(list(keys.columns), ignore_index=True))
    row = world.facts[
        (world.facts["code"] == "NA") & (world.facts["period"] == "2021-Q1")
        & (world.facts["indicator"] == "harvest")
    ].iloc[0]  # fmt: skip
    assert (row["file"], row["row"], row["batch"]) == ("reports/2021-Q1.csv", 3, "2021-Q1")
    assert row["status"] == Status.VERIFIED
    assert facts(world, "NA", "harvest")["2019"] == 9


def test_a_list_is_true_for_those_on_it_and_false_for_all_others(pristine: Path) -> None:
    chosen = check.read(pristine).facts.query("indicator == 'chosen'")
    assert chosen["value"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert chosen["row"].tolist() == [2, 3, 4, 0, 0, 0, 0, 0, 0]
    assert set(chosen["status"]) == {Status.VERIFIED}


def test_units_reach_villages_through_their_teams(pristine: Path) -> None:
    world = check.read(pristine)
    rows = [tuple(row) for row in world.links.itertuples(index=False)]
    assert rows == [
        ("crew", "second", "c1", "NA", "2021-Q1", ""),
        ("crew", "second", "c1", "NB", "2021-Q1", ""),
        ("crew", "second", "c2", "NC", "2021-Q2", ""),
        ("firm", "second", "f1", "NA", "2021-Q1", "c1"),
        ("firm", "second", "f1", "NB", "2021-Q1", "c1"),
        ("firm", "second", "f2", "NA", "2021-Q1", "c1"),
        ("firm", "second", "f2", "NB", "2021-Q1", "c1"),
        ("firm", "second", "f2", "NC", "2021-Q2", "c2"),
    ]
    assert world.entities["attributes"].tolist()[0] == {"people": "4"}


Q1, Q2 = "reports/2021-Q1.csv", "reports/2021-Q2.csv"

WARNINGS: list[tuple[str, Change, str, str, str, str, int]] = [
    # what it is, the change, code, file, place, value, rows that go unused
    ("a row twice", add("census.csv", "NB,200,19,21"), "duplicate_row", "census.csv",
     "第 11 行", "NB", 1),
    ("a row that contradicts", add("census.csv", "NB,201,19,21"), "conflict", "census.csv",
     "第 3 行", "200", 1),
    ("a code with spaces", swap("census.csv", "NB,", " N B,"), "code_cleaned", "census.csv",
     "第 3 行「代码」列", " N B", 0),
    ("a full-width code", swap("census.csv", "NB,", "ＮＢ,"), "code_cleaned", "census.csv",
     "第 3 行「代码」列", "ＮＢ", 0),
    ("a name without a code", swap(Q1, "NB,乙村", ",乙村"), "matched_by_name", Q1,
     "第 4 行", "乙村", 0),
    ("a dash for a code", swap(Q1, "NB,乙村", "—,乙村"), "matched_by_name", Q1,
     "第 4 行", "乙村", 0),
    ("neither code nor name", swap(Q1, "NB,乙村", ","), "no_key", Q1, "第 4 行", "", 1),
    ("a name nobody bears", swap(Q1, "NB,乙村", ",癸村"), "unmatched_name", Q1,
     "第 4 行", "癸村", 1),
    ("a total at the foot", add(Q1, ",合计,,,450,,"), "unmatched_name", Q1, "第 12 行", "合计", 1),
    ("a total under the upper code", add(Q1, "N,北境,2021-Q1,自报,450,,"), "upper_row", Q1,
     "第 12 行", "N", 1),
    ("a code no border has", swap(Q1, "NB,乙村", "NX,乙村"), "unmatched_code", Q1,
     "第 4 行", "NX", 1),
    ("a code of another shape", swap(Q1, "NB,乙村", "7,乙村"), "code_shape", Q1,
     "第 4 行", "7", 1),
    ("another village's name", swap(Q1, "NB,乙村", "NB,丙村"), "code_name_disagree", Q1,
     "第 4 行", "丙村", 0),
    ("a word for a number", swap(Q1, ",21,", ",很多,"), "bad_number", Q1,
     "第 4 行「收成」列", "很多", 1),
    ("half a person", swap("census.csv", "NB,200", "NB,200.5"), "bad_count", "census.csv",
     "第 3 行「人口」列", "200.5", 1),
    ("an unknown flag", swap(Q1, "11,有,有", "11,大概,有"), "bad_flag", Q1,
     "第 3 行「水井」列", "大概", 1),
    ("a value out of range", swap(Q1, ",21,", ",1001,"), "out_of_range", Q1,
     "第 4 行「收成」列", "1001", 1),
    ("a period nobody can read", swap(Q1, "2021-Q1,自报,21", "春季,自报,21"), "bad_period", Q1,
     "第 4 行「季度」列", "春季", 1),
    ("no period", swap(Q1, "2021-Q1,自报,21", ",自报,21"), "no_period", Q1,
     "第 4 行「季度」列", "", 1),
    ("the headings once more", add(Q1, "代码,村名,季度,核实,收成,水井,道路"), "header_again", Q1,
     "第 12 行", "代码", 1),
    ("a code that lost its digits", swap(Q1, "NB,乙村", "1.20119E+11,乙村"), "code_shape", Q1,
     "第 4 行", "1.20119E+11", 1),
    ("a formula's error", swap(Q1, ",21,", ",#N/A,"), "bad_number", Q1,
     "第 4 行「收成」列", "#N/A", 1),
    ("percent for tonnes", swap(Q1, ",21,", ",21%,"), "bad_number", Q1,
     "第 4 行「收成」列", "21%", 1),
    ("a note with a wide colon", add(Q1, "填表人：张三,,,,,,"), "code_shape", Q1,
     "第 12 行", "填表人:张三", 1),
    ("a period of another round", swap(Q1, "2021-Q1,自报,21", "2031-Q1,自报,21"),
     "period_outside", Q1, "第 4 行「季度」列", "2031-Q1", 1),
    ("an unknown status", swap(Q1, "自报,21", "听说,21"), "bad_status", Q1,
     "第 4 行「核实」列", "听说", 0),
    ("more cells than headings", swap(Q1, ",21,无,有", ",21,无,有,多"), "too_many_cells", Q1,
     "第 4 行", "多", 1),
    ("a well that is gone", swap(Q2, "12,有,有", "12,无,有"), "falls", Q2, "第 3 行", "0", 0),
    ("an entity twice", add("crews.csv", "c2,第二队,3,NC,,2021-Q2"), "duplicate_entity",
     "crews.csv", "第 4 行", "c2", 1),
    ("an entity in two ways", add("crews.csv", "c2,第三队,5,,,"), "conflicting_entity",
     "crews.csv", "第 4 行", "c2", 1),
    ("an entity without id", add("crews.csv", ",第三队,5,,,"), "no_id", "crews.csv",
     "第 4 行", "第三队", 1),
    ("a link to nowhere", swap("crews.csv", "3,NC,,", "3,NC,NX,"), "link_to_nowhere", "crews.csv",
     "第 3 行「村二」列", "NX", 1),
    ("an unknown go-between", swap("firms.csv", "c1,c2", "c1,c9"), "unknown_entity", "firms.csv",
     "第 3 行", "c9", 1),
    ("an arrival nobody can read", swap("crews.csv", "2021-Q2", "春天"), "bad_since", "crews.csv",
     "第 3 行「进驻」列", "春天", 1),
    ("a land without parishes", add("lands.csv", "S,南境,land"), "childless", "lands.csv",
     "第 3 行 S", "南境", 1),
    ("a level nobody declared", add("lands.csv", "S,南境,county"), "bad_level", "lands.csv",
     "第 3 行", "county", 1),
    ("a land twice", add("lands.csv", "N,北境,land"), "duplicate_region", "lands.csv",
     "第 3 行", "N", 1),
    ("a land with two names", add("lands.csv", "N,南境,land"), "conflict_region", "lands.csv",
     "第 3 行", "N", 1),
    ("a narrow overlap", shape(0, square(0, 0, 1001.5, 1000)), "overlap", "parishes.geojson",
     "NA 甲村 与 NB 乙村", "1.50 米", 0),
    ("a border drawn twice", redraw(lambda drawn: drawn.append(drawn[0])), "boundary_repeated",
     "parishes.geojson", "第 10 个要素", "NA", 1),
    ("a wrong declared encoding", swap("atlas.toml", 'files = ["census.csv"]',
                                       'files = ["census.csv"]\nencoding = "gbk"'),
     "encoding_differs", "census.csv", "", "gbk", 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "file", "place", "value", "rows"),
    [case[1:] for case in WARNINGS],
    ids=[case[0] for case in WARNINGS],
)
def test_a_defect_is_one_warning_and_the_build_goes_on(
    folder: Path, change: Change, code: str, file: str, place: str, value: str, rows: int
) -> None:
    change(folder)
    world = check.read(folder)
    accounted(world)
    assert [(f.severity, f.code, f.file, f.place, f.value, f.rows) for f in told(world)] == [
        (Severity.WARNING, code, file, place, value, rows)
    ]
    assert all(found.message and found.cure for found in told(world))
    assert len(world.regions["parish"]) == 9


def test_a_village_that_no_file_mentions_is_told(folder: Path) -> None:
    for path in folder.rglob("*.csv"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("NH")), "utf-8")
    found = told(check.read(folder))
    assert [(f.code, f.file, f.place, f.value) for f in found] == [
        ("unmentioned", "parishes.geojson", "第 8 个要素", "辛村")
    ]


def test_targets_that_the_ranking_would_not_choose_are_named(folder: Path) -> None:
    swap("targets.csv", "NC,丙村", "ND,丁村")(folder)
    found = told(check.read(folder))
    assert [(f.code, f.value) for f in found] == [
        ("selection_extra", "ND 丁村"),
        ("selection_lacking", "NC 丙村"),
    ]


def test_a_verified_value_overrules_a_reported_one_without_a_warning(folder: Path) -> None:
    add(Q2, "NA,甲村,2021-Q1,自报,99,有,有")(folder)
    world = check.read(folder)
    accounted(world)
    assert told(world) == []
    assert facts(world, "NA", "harvest")["2021-Q1"] == 11
    assert [(f.severity, f.file, f.rows) for f in world.findings if f.code == "superseded"] == [
        (Severity.NOTE, Q2, 1)
    ]


def test_of_two_reported_values_the_later_counts(folder: Path) -> None:
    add(Q2, "NB,乙村,2021-Q1,自报,99,无,有")(folder)
    world = check.read(folder)
    accounted(world)
    assert facts(world, "NB", "harvest")["2021-Q1"] == 99
    assert [(f.code, f.file, f.place, f.value) for f in told(world)] == [
        ("conflict", Q1, "第 4 行", "21"),
    ]


def test_codes_stored_as_numbers_are_told_and_used(folder: Path) -> None:
    text = (folder / "atlas.toml").read_text("utf-8")
    text = text.replace('pattern = "[A-Z]{2}"', r'pattern = "\\d{4}"')
    text = text.replace("code_length = 1", "code_length = 2").replace(
        "code_length = 2\n\n[[rounds]]", "code_length = 4\n\n[[rounds]]"
    )
    text = text.replace('files = ["census.csv"]', 'files = ["census.xlsx"]')
    (folder / "atlas.toml").write_text(text, "utf-8")
    for path in [*folder.rglob("*.csv"), folder / "parishes.geojson"]:
        text = path.read_text("utf-8")
        for n, code in enumerate(tiny.CODES, start=1):
            text = text.replace(code, f"01{n:02d}")
        path.write_text(text.replace("N,北境", "01,北境"), "utf-8")
    book = openpyxl.Workbook()
    lines = (folder / "census.csv").read_text("utf-8").splitlines()
    for n, line in enumerate(lines):
        code, *cells = line.split(",")
        book.active.append([int(code) if n == 2 else code, *cells])
    book.save(folder / "census.xlsx")
    world = check.read(folder)
    accounted(world)
    assert [(f.code, f.file, f.place, f.value, f.rows) for f in told(world)] == [
        ("code_as_number", "census.xlsx", "第 3 行「代码」列", "102", 0)
    ]
    assert facts(world, "0102", "people") == {"all": 200.0}


def test_many_rows_with_one_defect_share_a_finding(folder: Path) -> None:
    lines = "\n".join(f"NX,某村,2021-Q1,自报,{n},," for n in range(500))
    add(Q1, lines)(folder)
    world = check.read(folder)
    accounted(world)
    found = [f for f in told(world) if f.code == "unmatched_code"]
    assert len(found) == 31
    assert found[-1].rows == 470
    assert found[-1].place == "第 42-511 行"
    assert "另有 470 行" in found[-1].message


def test_old_codes_are_replaced_as_declared(folder: Path) -> None:
    swap("census.csv", "NB,", "OB,")(folder)
    swap("atlas.toml", "[codes]", '[codes]\nchanged = { O = "N" }')(folder)
    world = check.read(folder)
    assert told(world) == []
    assert facts(world, "NB", "people") == {"all": 200.0}
    assert [(f.code, f.place) for f in world.findings if f.code == "code_replaced"] == [
        ("code_replaced", "第 3 行「代码」列")
    ]


def test_a_lake_is_kept_where_holes_are_meant(folder: Path) -> None:
    swap("atlas.toml", "repair_tolerance", 'holes = "keep"\nrepair_tolerance')(folder)
    shape(4, square(1000, 1000, 1900, 2000))(folder)
    world = check.read(folder)
    assert told(world) == []
    assert [f.value for f in world.findings if f.code == "hole"] == ["100.00 米"]
    assert world.regions["land"].geometry.area.tolist() == pytest.approx([8.9e6])


def test_upper_shapes_may_come_from_a_file(folder: Path) -> None:
    land = gpd.GeoDataFrame(
        {"code": ["N"], "name": ["北境"]},
        geometry=[shapely.box(tiny.WEST - 50, tiny.SOUTH, tiny.WEST + 3000, tiny.SOUTH + 2000)],
        crs=tiny.CRS,
    )
    land.to_parquet(folder / "land.parquet")
    source = '[[sources]]\nid = "land"\nkind = "boundaries"\nlevel = "land"\n'
    source += 'files = ["land.parquet"]\ncolumns = { code = "code", name = "name" }\n'
    add("atlas.toml", source)(folder)
    world = check.read(folder)
    accounted(world)
    assert world.regions["land"].geometry.area.tolist() == pytest.approx([3050 * 2000])
    assert [(f.code, f.place.strip()) for f in told(world)] == [
        ("leaf_outside", code) for code in ("NG", "NH", "NI")
    ]


def test_boundaries_in_other_systems_are_put_into_the_work_crs(folder: Path) -> None:
    whole = gpd.read_file(folder / "parishes.geojson")
    whole.iloc[:4].to_crs("EPSG:4326").to_file(folder / "one.gpkg", layer="a")
    whole.iloc[4:].to_crs("EPSG:32634").to_parquet(folder / "two.parquet")
    (folder / "parishes.geojson").unlink()
    swap("atlas.toml", 'files = ["parishes.geojson"]\ncrs = "EPSG:32633"',
         'files = ["one.gpkg", "two.parquet"]')(folder)  # fmt: skip
    world = check.read(folder)
    accounted(world)
    assert not world.errors
    area = world.regions["parish"].geometry.area.to_numpy()
    assert area == pytest.approx(np.full(9, 1e6), rel=1e-4)


def column_tree(rows: str) -> Change:
    """The tiny world with a tree from a column of parents."""

    def change(folder: Path) -> None:
        swap("atlas.toml", "[codes]", '[codes]\nparents = "column"')(folder)
        swap("atlas.toml", 'level = "层级"', 'parent = "上级"')(folder)
        parishes = "".join(f"{code},,N\n" for code in tiny.CODES)
        (folder / "lands.csv").write_text(f"代码,名称,上级\nN,北境,\n{parishes}{rows}", "utf-8")

    return change


def test_a_tree_may_come_from_a_column_of_parents(folder: Path) -> None:
    column_tree("")(folder)
    world = check.read(folder)
    accounted(world)
    assert told(world) == []
    assert world.regions["land"]["name"].tolist() == ["北境"]


def broken_tree(old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        column_tree("")(folder)
        swap("lands.csv", old, new)(folder)

    return change


def _without_crs(folder: Path) -> None:
    frame = gpd.read_file(folder / "parishes.geojson")
    frame.to_file(folder / "v.shp")
    (folder / "v.prj").unlink()
    swap("atlas.toml", 'files = ["parishes.geojson"]\ncrs = "EPSG:32633"', 'files = ["v.shp"]')(
        folder
    )


ERRORS: list[tuple[str, Change, str, str]] = [
    # what it is, the change, code, words of the message with file and value
    ("a missing file", lambda folder: (folder / "census.csv").unlink(), "missing_file",
     "census.csv.*没有找到「户口」"),
    ("an unknown column", swap("census.csv", "人口", "人囗数"), "unreadable_file",
     "census.csv.*缺少列.*人口.*是不是「人囗数」"),
    ("a table with no row that matches", swap("atlas.toml", 'columns = { code = "代码" }',
                                              'columns = { code = "人口" }'),
     "no_row_matches", "census.csv.*9 行里没有一行对得上"),
    ("an orphan", swap("lands.csv", "N,北境", "S,南境"), "orphan", "parishes.geojson.*NA.*「N」"),
    ("an orphan in a column", broken_tree("NB,,N", "NB,,Z"), "orphan", "lands.csv.*NB.*「Z」"),
    ("a loop", broken_tree("NB,,N", "NB,,P\nP,,Q\nQ,,P"), "loop", "lands.csv.*P.*P → Q → P"),
    ("a leaf at another depth", broken_tree("NB,,N", "NB,,P\nP,,N"), "depth", "NB.*「3」"),
    ("two roots", broken_tree("NB,,N", "NB,,P\nP,,"), "roots", "2 个"),
    ("a wide overlap", shape(0, square(0, 0, 1040, 1000)), "overlap_wide",
     "NA 甲村 与 NB 乙村.*超过容差.*「40.00 米」"),
    ("a wide gap", shape(4, square(1000, 1000, 1900, 2000)), "gap_wide", "空白.*「100.00 米」"),
    ("no shape at all", redraw(lambda drawn: drawn[0].update(geometry=None)), "no_geometry",
     "parishes.geojson.*第 1 个要素"),
    ("a point for a village", shape(0, [tiny.WEST, tiny.SOUTH], "Point"), "not_polygon",
     "第 1 个要素.*「Point」"),
    ("a village on another continent", shape(0, square(-9e5, 0, -8e5, 1000)), "shape_outside",
     "第 1 个要素"),
    ("a declared CRS that is not the file's", swap("atlas.toml", 'crs = "EPSG:32633"\ncolumns',
                                                   'crs = "EPSG:32634"\ncolumns'),
     "crs_differs", "UTM zone 33N.*UTM zone 34N"),
    ("no CRS", _without_crs, "crs_absent", "v.shp.*没有说明坐标系"),
    ("one code, two shapes", label(1, code="NA"), "boundary_conflict", "第 2 个要素.*「NA」"),
    ("a border without code", label(1, code=""), "boundary_no_code", "第 2 个要素"),
    ("a border with another code", label(1, code="N-1"), "boundary_code_shape",
     "第 2 个要素.*「N-1」"),
    ("a table of an upper level", swap("atlas.toml", 'files = ["census.csv"]',
                                       'files = ["census.csv"]\nlevel = "land"'),
     "table_level", "census.csv.*land"),
    ("a bent village", shape(0, [[[tiny.WEST + x, tiny.SOUTH + y] for x, y in (
        (0, 0), (1000, 0), (1000, 600), (400, 600), (400, 400), (600, 400), (600, 1000),
        (0, 1000), (0, 0))]]), "geometry_invalid", "第 1 个要素.*自相交"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [case[1:] for case in ERRORS],
    ids=[case[0] for case in ERRORS],
)
def test_what_would_make_a_wrong_map_is_an_error(
    folder: Path, change: Change, code: str, words: str
) -> None:
    change(folder)
    try:
        world = check.read(folder)
    except AtlasError as error:
        # No leaf is left: then the sentence is raised.
        assert code == "crs_absent"
        assert _matches(str(error), words)
        assert error.cure
        return
    accounted(world)
    found = [f for f in world.errors if f.code == code]
    assert found, [f.code for f in world.errors]
    one = found[0]
    said = " ".join([one.file, one.place, one.message, f"「{one.value}」", one.cure])
    assert _matches(said, words), said
    assert found[0].cure


def _matches(text: str, words: str) -> bool:
    return re.search(words, text, re.DOTALL) is not None


def test_degrees_declared_as_metres_are_improbable(folder: Path) -> None:
    frame = gpd.read_file(folder / "parishes.geojson").to_crs("EPSG:4326")
    frame.set_crs(tiny.CRS, allow_override=True).to_parquet(folder / "v.parquet")
    swap("atlas.toml", '"parishes.geojson"', '"v.parquet"')(folder)
    world = check.read(folder)
    found = [f for f in world.errors if f.code == "crs_improbable"]
    assert [(f.file, f.place) for f in found] == [("v.parquet", "sources.borders.crs")]
    assert "9 个图形里有 9 个" in found[0].message


def test_all_files_are_looked_at_before_giving_up(folder: Path) -> None:
    (folder / "census.csv").unlink()
    (folder / "targets.csv").write_bytes(b"")
    swap("crews.csv", "队号", "号")(folder)
    world = check.read(folder)
    assert {(f.code, f.file) for f in world.errors} == {
        ("missing_file", "census.csv"),
        ("unreadable_file", "targets.csv"),
        ("unreadable_file", "crews.csv"),
    }


@pytest.mark.parametrize("name", ["parishes.geojson", "atlas.toml"])
def test_without_borders_or_atlas_nothing_can_go_on(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(AtlasError, match=name) as caught:
        check.read(folder)
    assert caught.value.cure


def test_the_order_of_files_and_rows_does_not_matter_to_the_regions(folder: Path) -> None:
    first = check.read(folder)
    redraw(lambda drawn: drawn.reverse())(folder)
    second = check.read(folder)
    pd.testing.assert_frame_equal(
        pd.DataFrame(first.regions["parish"]), pd.DataFrame(second.regions["parish"])
    )
    pd.testing.assert_frame_equal(first.facts, second.facts)
