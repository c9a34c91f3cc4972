"""The demo's files: what an office receives, readable as declared, the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from geodata import demo, workspace
from geodata.demo import defects as planted
from geodata.demo.story import AVERAGE, ITEMS2, ITEMS3, YEARS, month
from geodata.errors import AtlasError
from tests import demo_worlds


@pytest.fixture(scope="module")
def folder() -> Path:
    return demo_worlds.workspace()


def book(path: Path, header: int = 1) -> pd.DataFrame:
    return pd.read_excel(path, header=header, dtype=object, engine="openpyxl")


def reports(folder: Path, pattern: str) -> pd.DataFrame:
    files = sorted((folder / "raw").glob(pattern))
    return pd.concat([pd.read_csv(path, encoding="gbk", dtype=str) for path in files])


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "editions" not in path.parts and path.suffix != ".sqlite"
    }


def test_the_catalogue_is_valid_and_holds_the_demo_measures(folder: Path) -> None:
    space = workspace.load(folder)
    names = {measure.id for measure in space.measures}
    assert {
        "target_share",
        "target_count",
        "team_share",
        "unit_share",
        "gap_items",
        "unsafe_houses",
        "collective_income",
        "income_met",
        "income_zero",
        "six_six_met",
        "civilised_share",
        "safe_share",
        "projects_started",
        "projects_done",
        "income_growth",
        "disposable_below_average",
    } <= names
    assert {f"lacks_{item}" for item in (*ITEMS2, *ITEMS3)} <= names
    assert {name for name in names if name.startswith("entry_")} == {
        f"entry_{reason}"
        for reason in ("branch", "economy", "income", "infrastructure", "conflict")
    }
    assert space.round("r2").items == ITEMS2
    assert space.round("r3").items == ITEMS3
    assert space.measure("target_share").rounds == ("r3",), "never over 3520 for rounds 1 and 2"
    assert dict(space.references[0].values) == {str(y): float(v) for y, v in AVERAGE.items()}
    for measure in space.measures:
        assert measure.definition and measure.unit and measure.numerator_label


def test_lists_carry_the_published_counts(folder: Path) -> None:
    two = book(folder / "raw/第二轮/困难村名单.xlsx")
    three = book(folder / "raw/第三轮/经济薄弱村名单.xlsx")
    income = two["2016年村集体经营性收入（元）"]
    assert len(two) == 1000 and len(three) == 800
    assert [(income < limit).sum() for limit in (1, 50_000, 100_000, 200_000)] == [
        312,
        548,
        710,
        952,
    ]
    counts = {
        "党组织软弱涣散": 55,
        "村集体经济薄弱": 952,
        "农民收入偏低": 841,
        "基础设施落后": 508,
        "矛盾和治安问题突出": 22,
    }
    assert {name: (two[name] == "是").sum() for name in counts} == counts


def test_rosters_carry_the_published_counts(folder: Path) -> None:
    for name, teams, people, units, lists in (
        ("第二轮", 684, 2062, 790, "困难村名单"),
        ("第三轮", 450, 1364, 554, "经济薄弱村名单"),
    ):
        team = book(folder / f"raw/{name}/工作队花名册.xlsx")
        unit = book(folder / f"raw/{name}/帮扶单位名册.xlsx")
        listed = book(folder / f"raw/{name}/{lists}.xlsx")["村代码"].astype(str)
        assert (len(team), team["人数"].sum(), len(unit)) == (teams, people, units)
        lived = pd.concat([team["驻村一代码"], team["驻村二代码"]]).dropna()
        assert sorted(lived) == sorted(listed), "every target has one team"
        joined = pd.concat([unit["参加工作队一"], unit["参加工作队二"]]).dropna()
        assert set(joined) == set(team["队号"]), "every team has a unit"
        assert (unit["参加工作队一"] != unit["参加工作队二"]).all()
        # Units exceed teams, so some teams must be joint.
        assert (joined.value_counts() > 1).sum() >= min(units - teams, 1)
        assert unit["单位名称"].is_unique and team["工作队"].is_unique
    kinds = book(folder / "raw/第二轮/帮扶单位名册.xlsx")["类别"].value_counts().to_dict()
    assert kinds == {"市级": 220, "区级": 460, "驻津": 89, "民营": 21}
    sizes = book(folder / "raw/第三轮/工作队花名册.xlsx")["驻村数"].value_counts().to_dict()
    assert sizes == {2: 350, 1: 100}


def test_borders_are_a_zipped_shapefile_in_gbk_that_does_not_say_so(folder: Path) -> None:
    path = folder / "raw/边界/村界.zip"
    with zipfile.ZipFile(path) as archive:
        assert sorted(Path(name).suffix for name in archive.namelist()) == [
            ".dbf",
            ".prj",
            ".shp",
            ".shx",
        ]
        table = archive.read("村界.dbf")
    assert table[29] == 0
    assert demo_worlds.story().villages["name"].iloc[0].encode("gbk") in table
    frame = gpd.read_file(path, encoding="gbk")
    assert frame.crs.to_epsg() == 4527
    assert frame["XZQDM"].is_unique and len(frame) == 3520
    assert (frame["XZQDM"].str[:6].nunique()) == 9


def test_each_district_has_a_workbook_with_a_merged_title_above_the_headings(folder: Path) -> None:
    paths = sorted((folder / "raw/年报").glob("*.xlsx"))
    assert len(paths) == 9
    rows = 0
    for path in paths:
        sheet = openpyxl.load_workbook(path).active
        assert len(sheet.merged_cells.ranges) == 1
        assert path.stem in sheet["A1"].value and sheet["C2"].value == "村代码"
        rows += sheet.max_row - 2
    assert rows == 3520 - 1, "one village is in no file"


def test_years_in_workbooks_are_the_december_months_in_reports(folder: Path) -> None:
    years = pd.concat([book(path) for path in sorted((folder / "raw/年报").glob("*.xlsx"))])
    years = years.dropna(subset="村代码").set_index("村代码")
    months = reports(folder, "第三轮/月报/*.csv")
    for year in (2021, 2022, 2023, 2024):
        december = months[months["月份"] == f"{year}年12月"].set_index("村代码")
        told = december["近12个月经营性收入（万元）"].astype(float) * 10_000
        assert len(told) > 700
        yearly = years.loc[told.index, f"{year}年经营性收入（元）"].astype(float)
        np.testing.assert_allclose(told, yearly, atol=0.01)
    quarters = reports(folder, "第二轮/季报/*.csv")
    last = quarters[quarters["季度"] == "2020年第4季度"].set_index("村代码")
    told = last["近12个月经营性收入（万元）"].astype(float) * 10_000
    yearly = years.loc[told.index, "2020年经营性收入（元）"].astype(float)
    np.testing.assert_allclose(told, yearly, atol=0.01)


@pytest.mark.parametrize(
    ("pattern", "period", "items"),
    [("第三轮/月报/*.csv", "月份", 7), ("第二轮/季报/*.csv", "季度", 12)],
)
def test_reported_items_once_built_stay_built(
    folder: Path, pattern: str, period: str, items: int
) -> None:
    told = reports(folder, pattern)
    # 2021年7月 before 2021年10月: sort by number, not by text.
    number = told[period].str.extract(r"(\d+)\D+(\d+)").astype(int)
    told = told.assign(order=number[0] * 100 + number[1]).sort_values(["村代码", "order"])
    flags = [*told.columns[7 : 7 + items], "产业项目开工", "产业项目完工", "文明村"]
    for column in flags:
        value = (told[column] == "是").astype(int)
        assert (value.groupby(told["村代码"]).diff().dropna() >= 0).all(), column


def test_late_and_missing_reports_are_there(folder: Path) -> None:
    months = reports(folder, "第三轮/月报/*.csv")
    by_month = months.drop_duplicates(["村代码", "月份"]).groupby("月份").size()
    assert by_month["2024年12月"] < 0.95 * 800 < by_month["2024年11月"]
    late = months[months["批次"].str.endswith("补报")]
    assert set(late["月份"]) >= {"2021年12月", "2023年6月"}
    assert (months["填报方式"] == "核查").mean() > 0.01
    checked = months.loc[months["填报方式"] == "核查", "月份"].unique()
    assert all(text.endswith(("年6月", "年12月")) for text in checked)
    quiet = months[months["月份"] == "2023年4月"]["乡镇"].unique()
    assert set(months["乡镇"]) - set(quiet), "a town is silent for a quarter"


def test_exactly_the_documented_defects_are_planted(folder: Path) -> None:
    story = demo_worlds.story()
    villages = story.villages
    defects = planted.choose(story, demo_worlds.geography().villages.geometry)
    code = villages["code"]
    months = reports(folder, "第三轮/月报/*.csv")
    twice = months[months.duplicated(["村代码", "月份"])]
    assert twice["村代码"].tolist() == [code[defects.repeated]]
    assert months.duplicated().sum() == 1

    three = book(folder / "raw/第三轮/经济薄弱村名单.xlsx")
    assert [value for value in three["村代码"] if isinstance(value, int)] == [
        int(code[defects.numeric])
    ]
    annual = pd.concat([book(path) for path in sorted((folder / "raw/年报").glob("*.xlsx"))])
    assert annual.loc[annual["村代码"].isna(), "村名"].tolist() == [
        villages["name"][defects.without_code]
    ]
    assert set(code) - set(annual["村代码"]) == {
        code[defects.unmentioned],
        code[defects.without_code],
    }
    text = (folder / demo.README).read_text("utf-8")
    for row in (
        defects.unmentioned,
        defects.without_code,
        defects.numeric,
        defects.repeated,
        *defects.overlap,
    ):
        assert code[row] in text


def test_only_the_planted_pair_overlaps_and_by_less_than_the_tolerance(folder: Path) -> None:
    frame = gpd.read_file(folder / "raw/边界/村界.zip", encoding="gbk")
    geometry = frame.geometry.to_numpy()
    first, second = planted.choose(
        demo_worlds.story(), demo_worlds.geography().villages.geometry
    ).overlap
    assert shapely.is_valid(geometry).all()
    common = shapely.intersection(geometry[first], geometry[second])
    parts = [part for part in shapely.get_parts(common) if part.area > 0]
    assert 1 < sum(part.area for part in parts) < 200
    assert all(shapely.maximum_inscribed_circle(part).length < 5 for part in parts)
    others = np.delete(np.arange(len(geometry)), first)
    assert shapely.coverage_is_valid(geometry[others])


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    size = demo_worlds.SMALL
    one = hashes(demo_worlds.workspace(size))
    two = hashes(demo.write(tmp_path / "again", size, demo_worlds.SEED))
    assert one == two
    other = hashes(demo.write(tmp_path / "other", size, 7))
    assert other["raw/边界/村界.zip"] != one["raw/边界/村界.zip"]


def test_neither_the_time_zone_nor_the_hash_seed_shows_in_the_bytes(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from geodata import demo\n"
    script += "demo.write(Path(sys.argv[1]), 60, 5)"
    written = []
    for number, zone in enumerate(("Asia/Shanghai", "America/New_York")):
        place = tmp_path / str(number)
        subprocess.run(
            [sys.executable, "-c", script, str(place)],
            check=True,
            cwd=Path(demo.__file__).parents[2],
            env={**os.environ, "TZ": zone, "PYTHONHASHSEED": str(number)},
        )
        written.append(hashes(place))
    assert written[0] == written[1]


def test_workbooks_and_archives_hold_no_clock(folder: Path) -> None:
    for path in [*folder.rglob("*.xlsx"), *folder.rglob("*.zip")]:
        with zipfile.ZipFile(path) as archive:
            assert {info.date_time for info in archive.infolist()} == {(2025, 1, 15, 9, 0, 0)}
            for name in archive.namelist():
                if name.endswith("core.xml"):
                    assert archive.read(name).count(b"2025-01-15T09:00:00Z") == 2
                if name.endswith(".dbf"):
                    assert archive.read(name)[1:4] == bytes((125, 1, 15))


@pytest.mark.parametrize("villages", [60, 97])
def test_small_worlds_work_too(villages: int, tmp_path: Path) -> None:
    folder = demo.write(tmp_path / "world", villages, 3)
    space = workspace.load(folder)
    listed = book(folder / "raw/第三轮/经济薄弱村名单.xlsx")
    assert space.round("r3").selection is not None
    assert space.round("r3").selection.lowest == len(listed)


def test_a_workspace_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "atlas.toml").write_text("# mine", "utf-8")
    with pytest.raises(AtlasError, match="已经有一个工作区"):
        demo.write(tmp_path, 60)
    assert (tmp_path / "atlas.toml").read_text("utf-8") == "# mine"


@pytest.mark.parametrize("villages", [0, 59, 1_000_000])
def test_a_world_too_small_or_too_large_is_refused(villages: int, tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=f"「{villages}」"):
        demo.write(tmp_path / "world", villages)
    assert not (tmp_path / "world").exists()


def test_a_briefing_comes_with_it_and_is_explained(folder: Path) -> None:
    told = tomllib.loads((folder / demo.BRIEFING).read_text("utf-8"))
    space = workspace.load(folder)
    for scene in told["scenes"]:
        if scene["kind"] == "contact":
            continue  # it is about the ledger, and names neither
        assert space.round(scene["round"]).id in space.measure(scene["measure"]).rounds
        assert scene["notes"].strip()
    assert demo.BRIEFING in (folder / demo.README).read_text("utf-8")


def test_names_fit_the_encoding_of_the_files() -> None:
    story = demo_worlds.story()
    assert "".join(story.villages["name"]).encode("gbk")
    assert tomllib.loads(demo.catalogue())["atlas"]["demo"] is True
    assert len(YEARS) == 9 and month(2016, 1) == 0
