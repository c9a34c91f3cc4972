"""An edition, read: everything that screens and the API ask of it."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from geodata import arrays
from geodata.edition import EDITIONS, Edition, Region, edition_ids, snap
from geodata.errors import BadRequest, EditionError, UnknownName
from geodata.measures import Values
from geodata.periods import ALWAYS
from geodata.vocabulary import Status
from tests.worlds import TARGETS, build_small, small_world

CITY, DISTRICT, TOWN = "990000000000", "990001000000", "990001901000"
VILLAGE = "990001901001"
LEVELS = ("city", "district", "town", "village")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("edition")
    build_small(home)
    return home


@pytest.fixture(scope="module")
def edition(folder: Path) -> Edition:
    return Edition.open(folder)


def codes(regions: tuple[Region, ...]) -> list[str]:
    return [region.code for region in regions]


def test_what_was_declared_comes_back(edition: Edition) -> None:
    assert edition.space == small_world().space
    assert [level.id for level in edition.levels] == list(LEVELS)
    assert [item.id for item in edition.rounds] == ["r1", "r2", "r3"]
    assert edition.inputs() == small_world().inputs
    assert edition.findings()[0] == small_world().findings[0]
    assert edition.built_at.endswith("+00:00")
    assert edition.notices() == {
        "title": "云泽市帮扶一张图",
        "programme": "结对帮扶",
        "demo": True,
        "source": "演示数据",
        "cutoff": "2021年12月",
        "approval_number": "",
        "licence": "",
    }


def test_regions_stand_in_code_order_with_their_place(edition: Edition) -> None:
    for level, count in zip(LEVELS, (1, 3, 6, 36), strict=True):
        frame = edition.regions(level)
        assert len(frame) == edition.count(level) == count
        assert frame["code"].is_monotonic_increasing
        assert "geometry" not in frame
        shapes = edition.geometry(level)
        assert shapes.crs == "EPSG:4326"
        points = gpd.points_from_xy(frame["lon"], frame["lat"])
        assert shapely.contains(shapes.geometry.to_numpy(), np.asarray(points)).all()
        bounds = shapes.bounds.to_numpy()
        np.testing.assert_allclose(frame[["west", "south", "east", "north"]], bounds)
    assert edition.regions("district")["leaves"].tolist() == [12, 12, 12]
    areas = [edition.regions(level)["area_km2"].sum() for level in LEVELS]
    assert areas == pytest.approx([areas[0]] * 4, rel=1e-6)


def test_a_caller_cannot_change_the_edition(edition: Edition) -> None:
    mine = edition.regions("town")
    mine.loc[0, "name"] = "别处"
    assert edition.regions("town").loc[0, "name"] == "青禾镇"
    with pytest.raises(ValueError, match="read-only"):
        edition.values("income_met", "r3", "city").value[0, 0] = 1.0


@pytest.mark.parametrize("code", [TOWN, "990001901"])
def test_a_region_is_known_by_its_full_code_and_its_prefix(edition: Edition, code: str) -> None:
    region = edition.region(code)
    assert (region.code, region.name, region.level) == (TOWN, "青禾镇", "town")
    assert (region.parent, region.position, region.leaves) == (DISTRICT, 0, 6)
    assert edition.at("town", 0) is region


@pytest.mark.parametrize("code", ["", "9", "990009", "x", "990001901001 ", "1" * 500])
def test_an_unknown_region_is_unknown(edition: Edition, code: str) -> None:
    with pytest.raises(UnknownName, match="没有这个地区"):
        edition.region(code)


def test_the_tree_goes_up_and_down(edition: Edition) -> None:
    assert edition.root.code == CITY
    assert codes(edition.ancestors(VILLAGE)) == [CITY, DISTRICT, TOWN]
    assert edition.ancestors(CITY) == ()
    assert codes(edition.children(CITY)) == [DISTRICT, "990002000000", "990003000000"]
    assert edition.children(VILLAGE) == ()
    assert edition.descendants("990002", "village").tolist() == list(range(12, 24))
    assert edition.descendants("990002", "district").tolist() == [1]
    assert edition.descendants("990002", "city").tolist() == []


def test_shapes_are_simplified_as_a_coverage(edition: Edition) -> None:
    whole, simple = edition.geometry("village"), edition.geometry("village", 400)
    assert simple["code"].tolist() == whole["code"].tolist()
    assert simple.crs == whole.crs
    assert (
        shapely.get_num_coordinates(simple.geometry.to_numpy()).sum()
        < shapely.get_num_coordinates(whole.geometry.to_numpy()).sum()
    )
    # Degrees again after metres: the last bits differ, neighbours still share every vertex.
    assert shapely.coverage_is_valid(simple.geometry.to_numpy())


def test_values_are_what_the_files_for_the_browser_say(edition: Edition) -> None:
    for item in edition.rounds:
        for measure in edition.measures:
            if not edition.has(measure.id, item.id):
                continue
            for level in LEVELS:
                found = edition.values(measure.id, item.id, level)
                path = edition.array_path(measure.id, item.id, level)
                data = path.read_bytes()
                told = arrays.decode(data)
                assert told.periods == found.periods == edition.periods(measure.id, item.id)
                np.testing.assert_allclose(told.value, found.value, rtol=1e-12)
                np.testing.assert_array_equal(told.status, found.status)
                assert gzip.decompress(path.with_suffix(".bin.gz").read_bytes()) == data
                assert found.value.shape == (len(found.periods), edition.count(level))


def test_known_values(edition: Edition) -> None:
    share = edition.values("target_share", "r3", "district")
    assert share.periods == (ALWAYS,)
    assert share.value.tolist() == [[25.0, 25.0, 25.0]]
    assert (share.numerator[0, 0], share.denominator[0, 0]) == (3.0, 12.0)
    leaves = edition.values("target_share", "r3", "village")
    assert np.flatnonzero(leaves.value[0] == 100).tolist() == list(TARGETS["r3"])
    team = edition.values("team_share", "r3", "city")
    assert team.value[:, 0].tolist() == [44.4, 44.4, 88.9, 88.9, 88.9, 88.9]


def test_status_says_how_much_is_known(edition: Edition) -> None:
    income = edition.values("collective_income", "r3", "village")
    assert income.status[0, 0] == Status.SELF_REPORTED
    assert income.status[0, 1] == Status.OUT_OF_SCOPE, "no target"
    assert (income.status[:, 12] == Status.MISSING).all(), "the silent village"
    assert income.status[0, 16] == Status.VERIFIED
    district = edition.values("collective_income", "r3", "district")
    assert district.status[0].tolist() == [
        Status.SELF_REPORTED,
        Status.PARTIAL,
        Status.SELF_REPORTED,
    ]
    assert (district.reported[0, 1], district.expected[0, 1]) == (2, 3)


def test_measures_that_a_round_does_not_have(edition: Edition) -> None:
    assert not edition.has("projects_started", "r2")
    assert not edition.has("nothing", "r2") and not edition.has("income_met", "nothing")
    assert edition.periods("income_met", "r1") == ()
    with pytest.raises(UnknownName, match="可用的有：target_share"):
        edition.values("projects_started", "r2", "city")


@pytest.mark.parametrize(
    ("measure", "round_id", "level", "what"),
    [
        ("x", "r2", "city", "指标"),
        ("income_met", "x", "city", "轮次"),
        ("income_met", "r2", "x", "层级"),
        ("../income_met", "r2", "city", "指标"),
    ],
)
def test_unknown_names_are_named(
    edition: Edition, measure: str, round_id: str, level: str, what: str
) -> None:
    with pytest.raises(UnknownName, match=f"没有这个{what}"):
        edition.values(measure, round_id, level)
    with pytest.raises(UnknownName, match=f"没有这个{what}"):
        edition.array_path(measure, round_id, level)


def test_headline_figures_count_what_is_within_the_region(edition: Edition) -> None:
    def told(code: str, period: str | None = None) -> dict[str, float | None]:
        return {one.label: one.value for one in edition.figures("r3", code, period)}

    assert told(CITY) == {
        "村": 36,
        "薄弱村": 9,
        "工作队": 6,
        "队员": 21,
        "市级单位": 3,
        "集体收入": edition.values("collective_income", "r3", "city").value[-1, 0],
    }
    inside = told(DISTRICT)
    assert (inside["村"], inside["薄弱村"], inside["工作队"]) == (12, 3, 3)
    sums = [told(one.code)["工作队"] for one in edition.children(CITY)]
    assert sum(one or 0 for one in sums) >= 6, "a team of two districts counts in both"
    early = told(CITY, "2021-07")["集体收入"]
    assert early == edition.values("collective_income", "r3", "city").value[0, 0]
    assert told(CITY, "2020-01")["集体收入"] is None


def test_a_published_total_belongs_to_the_root(edition: Edition) -> None:
    assert [(one.value, one.note) for one in edition.figures("r1", CITY)] == [(5.0, "只有总数")]
    assert edition.figures("r1", DISTRICT) == ()
    assert edition.figures("r3", CITY)[0].published == 36
    assert edition.figures("r3", DISTRICT)[0].published is None


def test_a_leaf_tells_what_was_reported_with_file_and_row(edition: Edition) -> None:
    world = small_world()
    for code in (VILLAGE, "990002901001", "990003902006"):
        wanted = world.facts[world.facts["code"] == code].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            edition.facts(code), wanted, check_dtype=False, check_column_type=False
        )
    with pytest.raises(BadRequest, match="最下一级"):
        edition.facts(TOWN)


def test_some_indicators_of_a_leaf(edition: Edition) -> None:
    whole = edition.facts(VILLAGE)
    some = sorted(set(whole["indicator"]))[:2]
    wanted = whole[whole["indicator"].isin(some)].reset_index(drop=True)
    pd.testing.assert_frame_equal(edition.facts(VILLAGE, *some), wanted)
    assert edition.facts(VILLAGE, "dragon").empty


@pytest.fixture
def narrow(folder: Path, tmp_path: Path) -> Edition:
    """The edition with ten facts a group of rows: a village lies in several."""
    home = shutil.copytree(folder, tmp_path / "narrow")
    found = Edition.open(home)
    path = found.folder / "facts.parquet"
    pq.write_table(pq.read_table(path), path, row_group_size=10)
    return found


def test_facts_of_several_groups_are_whole_and_in_order(edition: Edition, narrow: Edition) -> None:
    for code in edition.regions("village")["code"]:
        pd.testing.assert_frame_equal(narrow.facts(code), edition.facts(code))


def test_neighbours_facts_are_read_from_the_disk_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition, opened = Edition.open(folder), []
    whole = pq.ParquetFile

    def counted(*given: Any, **more: Any) -> Any:
        opened.append(given)
        return whole(*given, **more)

    monkeypatch.setattr(pq, "ParquetFile", counted)
    for code in edition.regions("village")["code"]:
        edition.facts(code)
    assert len(opened) == 1, "all villages of this world lie in one group"


def test_facts_are_kept_up_to_a_number_of_bytes(
    narrow: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = narrow._fact_group(0).nbytes
    monkeypatch.setattr(narrow._fact_shelf, "_budget", 4 * size)
    for code in narrow.regions("village")["code"]:
        narrow.facts(code)
    held = narrow._fact_shelf._items.values()
    assert 1 <= len(held) < pq.read_metadata(narrow.folder / "facts.parquet").num_row_groups
    assert sum(one.nbytes for one in held) == narrow._fact_shelf._used <= 4 * size


def test_entities_of_a_leaf_and_of_a_region(edition: Edition) -> None:
    one = edition.entities("team", "r3", VILLAGE)
    assert one["id"].tolist() == ["r3-T01"]
    assert one.loc[0, "attributes"] == {"people": "3"}
    assert one.loc[0, "since"] == "2021-07"
    units = edition.entities("unit", "r3", VILLAGE)
    assert units["via"].tolist() == [("r3-T01",)] * 2
    within = edition.entities("team", "r3", CITY)
    assert within["id"].is_unique and len(within) == 6
    assert within["codes"].explode().nunique() == 8
    assert edition.entities("team", "r1", CITY).empty
    with pytest.raises(UnknownName, match="可用的有：team、unit"):
        edition.entities("dragon", "r3", CITY)


def test_plan_points_of_one_round(edition: Edition) -> None:
    assert [point.value for point in edition.plan("income_met", "r2")] == [30, 100]
    assert edition.plan("income_met", "r3") == ()


def test_search_finds_regions(edition: Edition) -> None:
    assert [one.name for one in edition.search("dlq")] == ["东岭区"]
    assert [one.code for one in edition.search("990001", 2)] == [DISTRICT, TOWN]
    assert edition.search("") == ()


def test_files_are_where_they_are_said_to_be(edition: Edition) -> None:
    assert edition.tiles_path("town").is_file()
    with pytest.raises(UnknownName, match="没有这个层级"):
        edition.tiles_path("../town")


def test_many_threads_read_the_same(folder: Path) -> None:
    edition = Edition.open(folder)
    found: list[tuple[Values, pd.DataFrame, tuple[Region, ...]]] = []

    def read() -> None:
        found.append(
            (
                edition.values("collective_income", "r3", "village"),
                edition.facts(VILLAGE),
                edition.search("zjc"),
            )
        )

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for values, told, regions in found:
        np.testing.assert_array_equal(values.value, found[0][0].value)
        assert told.equals(found[0][1]) and regions == found[0][2]


def test_only_editions_of_the_workspace_are_opened(folder: Path, edition: Edition) -> None:
    assert edition_ids(folder) == (edition.id,)
    assert Edition.open(folder, edition.id).built_at == edition.built_at
    for name in ("0" * 16, "..", "", "../../etc"):
        with pytest.raises(UnknownName, match="没有这个版本"):
            Edition.open(folder, name)


def test_nothing_built_yet_is_said_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(EditionError, match="先运行 bangfu build"):
        Edition.open(tmp_path)


def test_a_damaged_edition_says_which_file(edition: Edition, tmp_path: Path) -> None:
    copy = tmp_path / EDITIONS / edition.id
    shutil.copytree(edition.folder, copy)
    opened = Edition.open(tmp_path, edition.id)
    (copy / "values" / "r3" / "income_met" / "city.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(EditionError, match=r"city\.npz"):
        opened.values("income_met", "r3", "city")
    (copy / "regions-town.parquet").unlink()
    with pytest.raises(EditionError, match=r"regions-town\.parquet"):
        opened.regions("town")
    manifest = copy / "manifest.json"
    later = json.loads(manifest.read_text("utf-8")) | {"format": 99}
    manifest.write_text(json.dumps(later), "utf-8")
    with pytest.raises(EditionError, match="版本的格式是 99"):
        Edition.open(tmp_path, edition.id)
    manifest.write_text("{", "utf-8")
    with pytest.raises(EditionError, match="不完整"):
        Edition.open(tmp_path, edition.id)


def test_a_period_snaps_to_the_latest_not_later() -> None:
    months = ("2021-07", "2021-09")
    assert snap(months, None) == 1
    assert snap(months, "2021-08") == 0
    assert snap(months, "2021") == 1
    assert snap(months, "2021-06") is None
    assert snap((ALWAYS,), "2021-06") == 0
    assert snap((), None) is None
