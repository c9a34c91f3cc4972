"""A tiny world drawn by hand: two levels, letters for codes, another coordinate system.

Nine square parishes, 1 km each, in EPSG:32633, under one land `N`::

    NG NH NI      庚 辛 壬
    ND NE NF      丁 戊 己
    NA NB NC      甲 乙 丙

What is true of it (round `second`, 2021-Q1 to 2021-Q4):

- targets, the three lowest mean harvests of 2019 and 2020: NA (10), NB (20), NC (30);
- people: NA 100, NB 200, ... NI 900;
- quarterly `harvest` of all nine: ten times the letter's number, plus the quarter's number;
  NI reports nothing in 2021-Q4, so the land is partial there; NA's 2021-Q1 is verified;
- `well`: NA from Q1, NB from Q3, NC never; `road`: NA and NB always, NC never;
- crew c1 (4 people) works in NA and NB, crew c2 (3 people) in NC since 2021-Q2;
  the firms f1 and f2 join c1, f2 also c2;
- round `first` is known by its totals only.

`bangfu check` finds nothing in it but notes.
"""

from __future__ import annotations

import json
from pathlib import Path

CRS = "EPSG:32633"
LETTERS = "ABCDEFGHI"
NAMES = dict(zip(LETTERS, "甲乙丙丁戊己庚辛壬", strict=True))
CODES = tuple("N" + letter for letter in LETTERS)
SIDE = 1000.0
WEST, SOUTH = 500_000.0, 5_400_000.0
QUARTERS = ("2021-Q1", "2021-Q2", "2021-Q3", "2021-Q4")
TARGETS = ("NA", "NB", "NC")

ATLAS = """\
default_measure = "chosen_share"

[atlas]
title = "北境一张图"
programme = "九村试点"
source = "手工绘制"

[codes]
pattern = "[A-Z]{2}"

[geometry]
work_crs = "EPSG:32633"
repair_tolerance = 2.0
expected_bounds = [14.9, 48.7, 15.1, 48.8]

[[levels]]
id = "land"
label = "境"
all_label = "全境"
code_length = 1

[[levels]]
id = "parish"
label = "村"
code_length = 2

[[rounds]]
id = "first"
label = "第一轮"
years = "2019"

[[rounds.figures]]
label = "帮扶村"
unit = "个"
value = 2

[[rounds]]
id = "second"
label = "第二轮"
years = "2021"
step = "quarter"
from = "2021-Q1"
to = "2021-Q4"
target = "chosen"
items = ["well", "road"]
selection = { indicator = "harvest", periods = ["2019", "2020"], lowest = 3 }

[[rounds.figures]]
label = "帮扶村"
unit = "个"
leaves = "targets"
published = 3

[[rounds.figures]]
label = "队伍"
unit = "支"
count = "crew"
published = 2

[[rounds.figures]]
label = "队员"
unit = "人"
sum = "crew.people"
published = 7

[[rounds.figures]]
label = "单位"
unit = "个"
count = "firm"
published = 2

[[references]]
id = "average"
label = "平均收成"
unit = "吨"
source = "手工绘制"
values = { "2019" = 40.0, "2020" = 44.0, "2021-Q1" = 45.0, "2021-Q4" = 48.0 }

[[indicators]]
id = "chosen"
label = "是否帮扶村"
type = "flag"

[[indicators]]
id = "people"
label = "人口"
type = "count"
unit = "人"

[[indicators]]
id = "harvest"
label = "收成"
type = "number"
unit = "吨"
min = 0.0
max = 1000.0

[[indicators]]
id = "well"
label = "水井"
type = "flag"
cumulative = true

[[indicators]]
id = "road"
label = "道路"
type = "flag"
cumulative = true

[[indicators]]
id = "gaps"
label = "缺项数"
type = "count"
unit = "项"
derive = { kind = "missing_items" }

[[indicators]]
id = "crews"
label = "驻村队伍数"
type = "count"
derive = { kind = "linked", of = "crew" }

[[indicators]]
id = "firms"
label = "帮扶单位数"
type = "count"
derive = { kind = "linked", of = "firm" }

[[indicators]]
id = "below_average"
label = "低于平均"
type = "flag"
derive = { kind = "below", of = "harvest", reference = "average" }

[[measures]]
id = "chosen_share"
theme = "coverage"
label = "帮扶村占比"
unit = "%"
rule = "share_of_villages"
where = { indicator = "chosen", equals = true }
rounds = ["second"]

[[measures]]
id = "crew_share"
theme = "coverage"
label = "有队伍的村"
unit = "%"
rule = "share_of_targets"
where = { indicator = "crews", at_least = 1 }
rounds = ["second"]

[[measures]]
id = "well_share"
theme = "progress"
label = "有水井的村"
unit = "%"
direction = "more"
rule = "share_of_targets"
where = { indicator = "well", equals = true }
rounds = ["second"]
plan = [{ round = "second", period = "2021-Q4", value = 100.0, label = "村村有井" }]

[[measures]]
id = "gap_items"
theme = "gaps"
label = "缺项"
unit = "项"
direction = "less"
rule = "mean"
base = "targets"
value = "gaps"
rounds = ["second"]
zero_class = true
breaks = [1, 2]

[[measures]]
id = "harvest_total"
theme = "progress"
label = "总收成"
unit = "吨"
direction = "more"
rule = "sum"
value = "harvest"
rounds = ["second"]

[[measures]]
id = "harvest_mean"
theme = "progress"
label = "村均收成"
unit = "吨"
digits = 2
direction = "more"
rule = "mean"
base = "targets"
value = "harvest"
rounds = ["second"]
breaks = [0, 15, 25]

[[measures]]
id = "harvest_weighted"
theme = "progress"
label = "人口加权收成"
unit = "吨"
direction = "more"
rule = "weighted_mean"
value = "harvest"
weight = "people"
rounds = ["second"]

[[measures]]
id = "below_share"
theme = "gaps"
label = "低于平均的村"
unit = "%"
direction = "less"
rule = "share_of_villages"
where = { indicator = "below_average", equals = true }
rounds = ["second"]

[[sources]]
id = "borders"
label = "村界"
kind = "boundaries"
files = ["parishes.geojson"]
crs = "EPSG:32633"
columns = { code = "code", name = "name" }

[[sources]]
id = "names"
label = "上级名称"
kind = "regions"
files = ["lands.csv"]
columns = { code = "代码", name = "名称", level = "层级" }

[[sources]]
id = "targets"
label = "帮扶村名单"
kind = "table"
files = ["targets.csv"]
round = "second"
period = "all"
status = "verified"
presence = "chosen"
columns = { code = "代码", name = "村名" }

[[sources]]
id = "census"
label = "户口"
kind = "table"
files = ["census.csv"]
columns = { code = "代码" }
values = [
    { column = "人口", indicator = "people", period = "all" },
    { column = "2019年收成", indicator = "harvest", period = "2019" },
    { column = "2020年收成", indicator = "harvest", period = "2020" },
]

[[sources]]
id = "reports"
label = "季报"
kind = "table"
files = ["reports/*.csv"]
round = "second"
columns = { code = "代码", name = "村名", period = "季度", status = "核实" }
status_words = { "已核实" = "verified", "自报" = "self_reported" }
values = [
    { column = "收成", indicator = "harvest" },
    { column = "水井", indicator = "well" },
    { column = "道路", indicator = "road" },
]

[[sources]]
id = "crews"
label = "队伍"
kind = "entities"
entity = "crew"
files = ["crews.csv"]
round = "second"
columns = { code = "队号", name = "队名" }
attributes = { people = "人数" }
links = [{ columns = ["村一", "村二"], to = "region", since = "进驻" }]

[[sources]]
id = "firms"
label = "单位"
kind = "entities"
entity = "firm"
files = ["firms.csv"]
round = "second"
columns = { code = "编号", name = "名称" }
attributes = { kind = "类别" }
links = [{ columns = ["参加队一", "参加队二"], to = "crew" }]
"""


def square(column: int, row: int, side: float = SIDE) -> list[list[list[float]]]:
    """The ring of one square of the grid, anticlockwise, in metres."""
    west, south = WEST + column * side, SOUTH + row * side
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def features() -> list[dict[str, object]]:
    """The nine parishes as GeoJSON features in `CRS`."""
    return [
        {
            "type": "Feature",
            "properties": {"code": "N" + letter, "name": NAMES[letter] + "村"},
            "geometry": {"type": "Polygon", "coordinates": square(n % 3, n // 3)},
        }
        for n, letter in enumerate(LETTERS)
    ]


def write_borders(path: Path, drawn: list[dict[str, object]]) -> Path:
    """Write features as GeoJSON that names `CRS`."""
    urn = "urn:ogc:def:crs:EPSG::" + CRS.partition(":")[2]
    collection = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": urn}},
        "features": drawn,
    }
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1), "utf-8")
    return path


def write_table(path: Path, rows: list[list[object]]) -> Path:
    """Write rows as CSV in UTF-8, without quoting: the cells hold no commas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)
    path.write_text(text, "utf-8")
    return path


def _reports(quarter: str) -> list[list[object]]:
    number = int(quarter[-1])
    headings = ["代码", "村名", "季度", "核实", "收成", "水井", "道路"]
    rows: list[list[object]] = [["九村季报"], headings]
    for n, letter in enumerate(LETTERS, start=1):
        if letter == "I" and quarter == "2021-Q4":
            continue
        well = road = ""
        if letter in "ABC":
            well = "有" if letter == "A" or (letter == "B" and number >= 3) else "无"
            road = "无" if letter == "C" else "有"
        status = "已核实" if letter == "A" and number == 1 else "自报"
        name = NAMES[letter] + "村"
        rows.append(["N" + letter, name, quarter, status, 10 * n + number, well, road])
    return rows


def write_tiny(folder: Path) -> Path:
    """Write the tiny workspace into `folder` (made if it is not there) and return it.

    The same bytes every time.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "atlas.toml").write_text(ATLAS, "utf-8")
    write_borders(folder / "parishes.geojson", features())
    write_table(folder / "lands.csv", [["代码", "名称", "层级"], ["N", "北境", "land"]])
    write_table(
        folder / "targets.csv",
        [["代码", "村名"], *([code, NAMES[code[1]] + "村"] for code in TARGETS)],
    )
    write_table(
        folder / "census.csv",
        [
            ["代码", "人口", "2019年收成", "2020年收成"],
            *(["N" + x, 100 * n, 10 * n - 1, 10 * n + 1] for n, x in enumerate(LETTERS, start=1)),
        ],
    )
    for quarter in QUARTERS:
        write_table(folder / "reports" / f"{quarter}.csv", _reports(quarter))
    write_table(
        folder / "crews.csv",
        [
            ["队号", "队名", "人数", "村一", "村二", "进驻"],
            ["c1", "第一队", 4, "NA", "NB", "2021-Q1"],
            ["c2", "第二队", 3, "NC", "", "2021-Q2"],
        ],
    )
    write_table(
        folder / "firms.csv",
        [
            ["编号", "名称", "类别", "参加队一", "参加队二"],
            ["f1", "甲公司", "企业", "c1", ""],
            ["f2", "乙机关", "机关", "c1", "c2"],
        ],
    )
    return folder
