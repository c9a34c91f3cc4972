"""A small invented world in memory, and the edition made of it.

`python -m tests.worlds DIR` builds it into DIR and prints the edition's id.

云泽市 has 3 districts (one row of towns each), 6 towns and 36 villages on a jittered grid of
6 x 6 cells of 2 km. Everything in it is invented. Quarterly round `r2` (2018 to 2019), monthly
round `r3` (2021-07 to 2021-12), and `r1`, known by its totals only.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.build import write
from geodata.edition import Edition
from geodata.findings import Finding
from geodata.vocabulary import Severity, Status
from geodata.workspace import ContactPoints, Workspace
from geodata.world import Input, World

CRS = "EPSG:4527"
CELL = 2_000.0
ORIGIN = (39_515_000.0, 4_340_000.0)
SIDE = 6
DISTRICTS = ("东岭区", "中洲区", "西川区")
TOWNS = ("青禾镇", "石桥镇", "柳湾镇", "红渠镇", "长亭镇", "北坡镇")
FIRST, SECOND = "赵钱孙李周吴", "家各前后新大"
TARGETS = {"r2": tuple(range(0, 36, 3)), "r3": tuple(range(0, 36, 4))}


def small_space() -> Workspace:
    """What the small world declares: every rule, every derivation."""
    true = {"equals": True}
    percent = {"unit": "%", "digits": 1}
    return Workspace.model_validate(
        {
            "atlas": {
                "title": "云泽市帮扶一张图",
                "programme": "结对帮扶",
                "demo": True,
                "source": "演示数据",
            },
            "codes": {"pattern": r"\d{12}", "pad": "0"},
            "geometry": {"work_crs": CRS, "simplification_tolerance": 8.0},
            "levels": [
                {"id": "city", "label": "市", "code_length": 2, "all_label": "全市"},
                {"id": "district", "label": "区", "code_length": 6},
                {"id": "town", "label": "镇", "code_length": 9},
                {"id": "village", "label": "村", "code_length": 12},
            ],
            "references": [
                {
                    "id": "city_average",
                    "label": "全市农民人均可支配收入",
                    "unit": "元",
                    "source": "演示数据",
                    "values": {"2017": 20000, "2018": 21600, "2019": 23000},
                }
            ],
            "rounds": [
                {
                    "id": "r1",
                    "label": "第一轮",
                    "years": "2013—2016",
                    "figures": [
                        {"label": "困难村", "unit": "个", "value": 5, "note": "只有总数"},
                    ],
                },
                {
                    "id": "r2",
                    "label": "第二轮",
                    "years": "2018—2019",
                    "step": "quarter",
                    "from": "2018-Q1",
                    "to": "2019-Q4",
                    "target": "target",
                    "items": ["paved", "lights"],
                    "figures": [
                        {"label": "困难村", "unit": "个", "leaves": "targets", "published": 12},
                        {"label": "工作队", "unit": "支", "count": "team", "published": 8},
                        {"label": "驻村干部", "unit": "人", "sum": "team.people"},
                    ],
                },
                {
                    "id": "r3",
                    "label": "第三轮",
                    "years": "2021.7—2021.12",
                    "step": "month",
                    "from": "2021-07",
                    "to": "2021-12",
                    "target": "target",
                    "items": ["paved", "water"],
                    "figures": [
                        {"label": "村", "unit": "个", "leaves": "villages", "published": 36},
                        {"label": "薄弱村", "unit": "个", "leaves": "targets", "published": 9},
                        {"label": "工作队", "unit": "支", "count": "team", "published": 6},
                        {"label": "队员", "unit": "人", "sum": "team.people", "published": 99},
                        {
                            "label": "市级单位",
                            "unit": "家",
                            "count": "unit",
                            "where": {"rank": "市级"},
                        },
                        {"label": "集体收入", "unit": "万元", "measure": "collective_income"},
                    ],
                },
            ],
            "indicators": [
                {"id": "target", "label": "扶持村", "type": "flag"},
                {"id": "income", "label": "集体经营性收入", "type": "number", "unit": "万元"},
                {"id": "disposable", "label": "人均可支配收入", "type": "number", "unit": "元"},
                {"id": "population", "label": "人口", "type": "count", "unit": "人"},
                {"id": "projects", "label": "开工项目", "type": "count", "unit": "个"},
                {"id": "paved", "label": "道路硬化", "type": "flag", "cumulative": True},
                {"id": "lights", "label": "街道亮化", "type": "flag", "cumulative": True},
                {"id": "water", "label": "饮水安全", "type": "flag", "cumulative": True},
                {
                    "id": "gaps",
                    "label": "缺项",
                    "type": "count",
                    "unit": "项",
                    "derive": {"kind": "missing_items"},
                },
                {
                    "id": "growth",
                    "label": "收入增速差",
                    "type": "number",
                    "derive": {"kind": "growth", "of": "disposable", "reference": "city_average"},
                },
                {
                    "id": "low",
                    "label": "低于平均",
                    "type": "flag",
                    "derive": {"kind": "below", "of": "disposable", "reference": "city_average"},
                },
                {
                    "id": "teams",
                    "label": "工作队",
                    "type": "count",
                    "derive": {"kind": "linked", "of": "team"},
                },
                {
                    "id": "units",
                    "label": "帮扶单位",
                    "type": "count",
                    "derive": {"kind": "linked", "of": "unit"},
                },
            ],
            "measures": [
                {
                    "id": "target_share",
                    "theme": "coverage",
                    "label": "扶持村占比",
                    "definition": "扶持村占全部行政村的比例。",
                    "rule": "share_of_villages",
                    "where": {"indicator": "target"} | true,
                    "rounds": ["r2", "r3"],
                    "numerator_label": "扶持村",
                    "denominator_label": "行政村",
                    "public": True,
                }
                | percent,
                {
                    "id": "team_share",
                    "theme": "coverage",
                    "label": "驻村覆盖",
                    "definition": "有工作队驻村的扶持村占比。",
                    "rule": "share_of_targets",
                    "where": {"indicator": "teams", "at_least": 1},
                    "rounds": ["r2", "r3"],
                    "direction": "more",
                    "palette": "green",
                }
                | percent,
                {
                    "id": "unit_share",
                    "theme": "coverage",
                    "label": "单位覆盖",
                    "rule": "share_of_targets",
                    "where": {"indicator": "units", "at_least": 1},
                    "rounds": ["r2", "r3"],
                    "direction": "more",
                    "palette": "purple",
                }
                | percent,
                {
                    "id": "gap_items",
                    "theme": "gaps",
                    "label": "缺项数",
                    "unit": "项",
                    "digits": 1,
                    "rule": "mean",
                    "base": "targets",
                    "value": "gaps",
                    "rounds": ["r2", "r3"],
                    "direction": "less",
                    "palette": "orange",
                    "zero_class": True,
                    "breaks": [1, 2],
                },
                {
                    "id": "lacks_paved",
                    "theme": "gaps",
                    "family": "缺项明细",
                    "label": "缺道路硬化",
                    "rule": "share_of_targets",
                    "where": {"indicator": "paved", "equals": False},
                    "rounds": ["r2", "r3"],
                    "direction": "less",
                    "palette": "red",
                }
                | percent,
                {
                    "id": "collective_income",
                    "theme": "progress",
                    "label": "集体收入",
                    "definition": "村均集体经营性收入，近十二个月。",
                    "unit": "万元",
                    "digits": 2,
                    "rule": "mean",
                    "base": "targets",
                    "value": "income",
                    "rounds": ["r2", "r3"],
                    "direction": "more",
                    "palette": "green",
                    "breaks": [5, 10, 20],
                    "zero_class": True,
                    "numerator_label": "收入合计（万元）",
                    "denominator_label": "有数的村",
                    "plan": [
                        {"round": "r3", "period": "2021-12", "value": 20, "label": "年底达20万元"}
                    ],
                },
                {
                    "id": "income_met",
                    "theme": "progress",
                    "label": "收入达标",
                    "rule": "share_of_targets",
                    "where": {"indicator": "income", "at_least": 20},
                    "rounds": ["r2", "r3"],
                    "direction": "more",
                    "plan": [
                        {"round": "r2", "period": "2018-Q4", "value": 30, "label": "30%达标"},
                        {"round": "r2", "period": "2019-Q4", "value": 100},
                    ],
                }
                | percent,
                {
                    "id": "projects_started",
                    "theme": "progress",
                    "label": "开工项目",
                    "unit": "个",
                    "digits": 0,
                    "rule": "sum",
                    "base": "targets",
                    "value": "projects",
                    "rounds": ["r3"],
                    "direction": "more",
                    "classes": 4,
                },
                {
                    "id": "mean_disposable",
                    "theme": "progress",
                    "label": "人均可支配收入",
                    "unit": "元",
                    "digits": 0,
                    "rule": "weighted_mean",
                    "value": "disposable",
                    "weight": "population",
                    "rounds": ["r2"],
                    "direction": "more",
                    "palette": "blue",
                },
                {
                    "id": "income_growth",
                    "theme": "progress",
                    "label": "收入增速与全市之差",
                    "unit": "个百分点",
                    "digits": 1,
                    "rule": "mean",
                    "value": "growth",
                    "rounds": ["r2"],
                    "direction": "more",
                    "palette": "diverging",
                    "midpoint": 0,
                    "classes": 6,
                },
                {
                    "id": "disposable_below_average",
                    "theme": "progress",
                    "label": "收入低于全市平均",
                    "rule": "share_of_villages",
                    "where": {"indicator": "low"} | true,
                    "rounds": ["r2"],
                    "direction": "less",
                    "palette": "red",
                }
                | percent,
            ],
            "sources": [
                {"id": "villages", "kind": "boundaries", "files": ["raw/villages.gpkg"]},
                {
                    "id": "list2",
                    "kind": "table",
                    "files": ["raw/r2.csv"],
                    "round": "r2",
                    "presence": "target",
                },
                {
                    "id": "list3",
                    "kind": "table",
                    "files": ["raw/r3.csv"],
                    "round": "r3",
                    "presence": "target",
                },
                {"id": "teams", "kind": "entities", "files": ["raw/teams.csv"], "entity": "team"},
                {"id": "units", "kind": "entities", "files": ["raw/units.csv"], "entity": "unit"},
            ],
            "default_measure": "collective_income",
        }
    )


def small_world() -> World:
    """The small world; the same at every call."""
    space = small_space()
    regions = _regions()
    codes = regions["village"]["code"].tolist()
    entities, links = _entities(codes)
    return World(
        space=space,
        regions=regions,
        facts=_facts(codes),
        entities=entities,
        links=links,
        findings=(
            Finding(
                Severity.WARNING,
                "duplicate_row",
                "raw/progress.csv",
                "第 9 行",
                codes[3],
                "这一行与第 8 行重复",
                "删去一行",
            ),
        ),
        inputs=(
            Input("villages", "raw/villages.gpkg", "0" * 64, 36_000, 36, 36, 0),
            Input("list3", "raw/r3.csv", "1" * 64, 900, 10, 9, 1),
        ),
    )


def build_small(folder: Path, **rules: Any) -> Edition:
    """Write the small world's edition into `folder`, make it the current one and open it.

    `rules` are what its `[contact_points]` says; by default it says nothing.
    """
    world = small_world()
    space = world.space.model_copy(update={"contact_points": ContactPoints.model_validate(rules)})
    return Edition.open(folder, write(replace(world, space=space), folder))


def _regions() -> dict[str, gpd.GeoDataFrame]:
    # Cells share every corner and every midpoint, so that they are a coverage.
    random = np.random.default_rng(7)
    steps = 2 * SIDE + 1
    grid = np.stack(np.meshgrid(np.arange(steps), np.arange(steps), indexing="ij"), -1) / 2.0
    nodes = grid * CELL + random.uniform(-0.12, 0.12, grid.shape) * CELL + np.array(ORIGIN)
    ring = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    rows: list[dict[str, Any]] = []
    for district in range(3):
        for column in range(2):
            town = district * 2 + column
            for number in range(6):
                x, y = 3 * column + number % 3, 2 * district + number // 3
                shape = shapely.Polygon([nodes[2 * x + dx, 2 * y + dy] for dx, dy in ring])
                code = f"99{district + 1:04d}{901 + column}{number + 1:03d}"
                rows.append(
                    {
                        "code": code,
                        "name": f"{FIRST[town]}{SECOND[number]}村",
                        "parent": f"{code[:9]}000",
                        "geometry": shape,
                    }
                )
    villages = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)

    def dissolve(
        below: gpd.GeoDataFrame, names: tuple[str, ...], length: int, up: int
    ) -> gpd.GeoDataFrame:
        merged = below.dissolve("parent", method="coverage").reset_index()
        codes = merged["parent"].tolist()
        return gpd.GeoDataFrame(
            {
                "code": codes,
                "name": list(names),
                "parent": [code[:up].ljust(12, "0") if up else "" for code in codes],
            },
            geometry=merged.geometry.to_numpy(),
            crs=CRS,
        )

    towns = dissolve(villages, TOWNS, 9, 6)
    districts = dissolve(towns, DISTRICTS, 6, 2)
    city = dissolve(districts, ("云泽市",), 2, 0)
    return {"city": city, "district": districts, "town": towns, "village": villages}


def _facts(codes: list[str]) -> pd.DataFrame:
    random = np.random.default_rng(11)
    rows: list[tuple[object, ...]] = []

    def fact(n: int, round_id: str, indicator: str, period: str, value: float, batch: str) -> None:
        # The middle district was checked on the spot; the others report for themselves.
        status = Status.VERIFIED if 12 <= n < 24 else Status.SELF_REPORTED
        rows.append(
            (
                codes[n],
                round_id,
                indicator,
                period,
                float(value),
                int(status),
                batch,
                f"raw/{batch}.csv",
                len(rows) + 2,
            )
        )

    quarters = [f"{year}-Q{quarter}" for year in (2018, 2019) for quarter in (1, 2, 3, 4)]
    months = [f"2021-{month:02d}" for month in range(7, 13)]
    for n in range(36):
        fact(n, "", "population", "all", 300 + 37 * n, "人口")
        level = 15_000.0 + 400 * n
        for year in (2017, 2018, 2019):
            level *= 1 + random.uniform(0.02, 0.14)
            if n != 17:  # one village never reported it
                fact(n, "", "disposable", str(year), round(level), "收入")
    for round_id, periods, items in (
        ("r2", quarters, ("paved", "lights")),
        ("r3", months, ("paved", "water")),
    ):
        for n in TARGETS[round_id]:
            fact(n, round_id, "target", "all", 1, f"{round_id}名单")
            built = {item: random.integers(-2, len(periods) + 3) for item in items}
            income = 0.0 if n % 7 == 0 else float(random.uniform(1, 12))
            for at, period in enumerate(periods):
                income *= 1.15
                if n == 12 or (n < 12 and at == len(periods) - 1 and n % 2 == 0):
                    continue  # one village is silent; some of a district's are late
                if at >= 3 and n % 7 == 0:
                    income = max(income, 3.0)
                fact(n, round_id, "income", period, round(income, 2), f"{round_id}月报")
                for item in items:
                    fact(n, round_id, item, period, float(at >= built[item]), f"{round_id}月报")
                if round_id == "r3":
                    fact(n, round_id, "projects", period, at // 2 + n % 3, "r3月报")
    facts = pd.DataFrame(
        rows,
        columns=[
            "code",
            "round",
            "indicator",
            "period",
            "value",
            "status",
            "batch",
            "file",
            "row",
        ],
    ).astype({"status": "int8", "row": "int32"})
    return facts.sort_values(["code", "round", "indicator", "period"], ignore_index=True)


def _entities(codes: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    things: list[dict[str, object]] = []
    links: list[dict[str, object]] = []
    for round_id, size, starts in (
        ("r2", 8, ("2018-Q1", "2018-Q3")),
        ("r3", 6, ("2021-07", "2021-09")),
    ):
        targets = TARGETS[round_id]
        for number in range(size):
            team = f"{round_id}-T{number + 1:02d}"
            things.append(
                {
                    "kind": "team",
                    "round": round_id,
                    "id": team,
                    "name": f"第{number + 1}工作队",
                    "attributes": {"people": str(3 + number % 2)},
                    "file": "raw/teams.csv",
                    "row": number + 2,
                }
            )
            # Each team lives in one or two villages; one target is left without a team.
            homes = [n for at, n in enumerate(targets[:-1]) if at % size == number]
            for unit_number in {number, (number + 3) % size} if number < 2 else {number}:
                unit = f"{round_id}-U{unit_number + 1:02d}"
                links += [_link("unit", round_id, unit, codes[n], "", team) for n in homes]
            links += [
                _link("team", round_id, team, codes[n], starts[number % 2], "") for n in homes
            ]
            things.append(
                {
                    "kind": "unit",
                    "round": round_id,
                    "id": f"{round_id}-U{number + 1:02d}",
                    "name": f"{'甲乙丙丁戊己庚辛'[number]}单位",
                    "attributes": {"rank": "市级" if number % 2 == 0 else "区级"},
                    "file": "raw/units.csv",
                    "row": number + 2,
                }
            )
    order = ["kind", "round", "id"]
    entities = pd.DataFrame(things).astype({"row": "int32"})
    return (
        entities.sort_values(order, ignore_index=True),
        pd.DataFrame(links).sort_values([*order, "code", "via"], ignore_index=True),
    )


def _link(
    kind: str, round_id: str, name: str, code: str, since: str, via: str
) -> dict[str, object]:
    return {"kind": kind, "round": round_id, "id": name, "code": code, "since": since, "via": via}


if __name__ == "__main__":
    print(write(small_world(), Path(sys.argv[1])))  # noqa: T201 - the id is the answer
