"""From a row to a pixel: what the map's arrays hold is what the raw files say, reckoned by hand.

Everything here is plain Python on the raw files: csv, openpyxl, the prefixes of codes, sums and
divisions. Of the code under test only the arrays that a browser fetches and the facts with their
file and row are read.
"""

from __future__ import annotations

import csv
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path

import openpyxl
import pytest

from geodata import arrays
from geodata.edition import Edition
from geodata.workspace import Source, Workspace
from tests import demo_worlds

Row = dict[str, str]
Known = dict[str, float]
"""Village -> value; who reported nothing is not in it."""

YES, NO = "是", "否"
ROUND = "r3"
LAST = "2024-12"
LENGTHS = {"city": 2, "district": 6, "town": 9, "village": 12}


@cache
def edition() -> Edition:
    return Edition.open(demo_worlds.edition_folder(demo_worlds.SMALL))


def raw(path: Path) -> dict[int, Row]:
    """Rows of a raw file by their number in it; headings are the first row with 村代码 or 队号."""
    if path.suffix == ".csv":
        with path.open(encoding="gb18030", newline="") as stream:
            lines = list(csv.reader(stream))
    else:
        sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]
        lines = [
            ["" if cell is None else str(cell) for cell in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    keys = {"村代码", "队号", "单位编号"}
    head = next(n for n, line in enumerate(lines) if keys & set(line))
    return {
        n + 1: dict(zip(lines[head], line, strict=False))
        for n, line in enumerate(lines)
        if n > head and any(line)
    }


@cache
def table(name: str) -> tuple[tuple[str, int, Row], ...]:
    """Every row of a source as file, number and cells."""
    folder = demo_worlds.workspace(demo_worlds.SMALL)
    source = next(one for one in space().sources if one.id == name)
    return tuple(
        (path.relative_to(folder).as_posix(), number, row)
        for pattern in source.files
        for path in sorted(folder.glob(pattern))
        for number, row in raw(path).items()
    )


def space() -> Workspace:
    return edition().space


@cache
def villages() -> dict[str, str]:
    """Code -> name. Which villages there are is what the borders say, not this test's matter."""
    frame = edition().regions("village")
    return dict(zip(frame["code"], frame["name"], strict=True))


def codes_of(row: Row) -> str:
    """The row's village: by code; the one planted row without a code by its name and town."""
    if row["村代码"]:
        return row["村代码"]
    frame = edition().regions("village")
    towns = edition().regions("town").set_index("code")["name"]
    same = [
        code
        for code, name, town in zip(frame["code"], frame["name"], frame["parent"], strict=True)
        if name == row["村名"] and towns[town] == row["乡镇"]
    ]
    assert len(same) == 1
    return str(same[0])


@cache
def targets() -> frozenset[str]:
    return frozenset(codes_of(row) for _, _, row in table("list3"))


def month(text: str) -> str:
    """2021年7月 -> 2021-07."""
    year, _, rest = text.partition("年")
    return f"{year}-{int(rest.rstrip('月')):02d}"


@cache
def monthly(column: str, period: str) -> Known:
    """A column of the monthly reports; a verified row counts before a self-reported one, and of
    two the later."""
    found: dict[str, tuple[bool, int, str, int]] = {}
    for order, (_, number, row) in enumerate(table("progress3")):
        if row[column] == "" or month(row["月份"]) != period:
            continue
        code, rank = codes_of(row), (row["填报方式"] == "核查", order)
        if code not in found or rank > found[code][:2]:
            found[code] = (*rank, row[column], number)
    words = {YES: 1.0, NO: 0.0}
    return {
        code: words[text] if text in words else float(text)
        for code, (_, _, text, _) in found.items()
        if code in villages()
    }


@cache
def annual(what: str, unit: str, year: int) -> Known:
    column = f"{year}年{what}（{unit}）"
    return {
        codes_of(row): float(row[column])
        for _, _, row in table("annual")
        if row.get(column, "") != ""
    }


def rounded(value: float, digits: int) -> float:
    step = Decimal(1).scaleb(-digits)
    return float(Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_EVEN))


def drawn(measure: str, level: str, period: str) -> dict[str, float]:
    """Region -> number in the array that the browser gets; NaN where it shows none."""
    path = edition().array_path(measure, ROUND, level)
    held = arrays.decode(path.read_bytes())
    row = held.value[held.periods.index(period)]
    return dict(zip(edition().regions(level)["code"], map(float, row), strict=True))


def check(
    measure: str,
    period: str,
    parts: Callable[[str], tuple[float, float] | None],
    base: Iterable[str],
    of: Callable[[float, float], float],
) -> None:
    """Hold the arrays of all levels against sums of what each village of the base brings.

    `parts` gives a village's numerator and denominator, None when it reported nothing.
    """
    digits = space().measure(measure).digits
    members = sorted(base)
    for level, length in LENGTHS.items():
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for village in members:
            part = parts(village)
            if part is not None:
                # fsum-like: the parts are added in the order of codes, in double precision.
                own = sums[village[:length].ljust(12, "0")]
                own[0] += part[0]
                own[1] += part[1]
                own[2] += 1
        told = drawn(measure, level, period)
        assert told, level
        for code, value in told.items():
            num, den, count = sums.get(code, [0.0, 0.0, 0.0])
            if not count:
                assert math.isnan(value), (level, code, value)
                continue
            wanted = of(num, den)
            # Half a step of the last digit, and a hair for the order of summation.
            room = 0.5 * 10.0**-digits + 1e-9 * max(1.0, abs(wanted))
            assert abs(value - wanted) <= room, (measure, level, code, value, wanted)


def mean(num: float, den: float) -> float:
    return num / den


def share(num: float, den: float) -> float:
    return 100.0 * num / den


def total(num: float, den: float) -> float:
    return num


def known(values: Mapping[str, float]) -> Callable[[str], tuple[float, float] | None]:
    return lambda village: (values[village], 1.0) if village in values else None


def holds(
    values: Mapping[str, float], test: Callable[[float], bool]
) -> Callable[[str], tuple[float, float] | None]:
    return lambda village: (float(test(values[village])), 1.0) if village in values else None


def test_a_share_of_all_villages_counts_those_on_the_list() -> None:
    listed = targets()
    check("target_share", "all", lambda v: (float(v in listed), 1.0), villages(), share)


def test_a_sum_is_the_sum_of_the_cells() -> None:
    for period in ("2021-07", "2023-02", LAST):
        houses = monthly("未处理危房（处）", period)
        check("unsafe_houses", period, known(houses), targets(), total)


def test_a_mean_is_over_the_targets_that_reported() -> None:
    for period in ("2021-07", "2022-11", LAST):
        income = monthly("近12个月经营性收入（万元）", period)
        check("collective_income", period, known(income), targets(), mean)


def test_a_share_of_targets_counts_the_cells_that_meet_the_condition() -> None:
    for period in ("2021-09", LAST):
        income = monthly("近12个月经营性收入（万元）", period)
        check("income_met", period, holds(income, lambda v: v >= 20), targets(), share)
        water = monthly("饮水安全", period)
        check("lacks_water", period, holds(water, lambda v: v == 0), targets(), share)


def test_items_that_lack_are_counted_where_all_of_them_were_reported() -> None:
    columns = ("村内道路", "饮水安全", "电网改造", "数字乡村")
    columns += ("生活污水治理", "人居环境", "党群服务中心")
    for period in ("2021-07", LAST):
        cells = [monthly(column, period) for column in columns]
        lacking = {
            village: float(sum(one[village] == 0 for one in cells))
            for village in villages()
            if all(village in one for one in cells)
        }
        check("gap_items", period, known(lacking), targets(), mean)


def test_teams_count_from_the_month_in_which_they_came() -> None:
    for period in ("2021-07", "2021-10", LAST):
        there = {
            row[column]
            for _, _, row in table("teams3")
            for column in ("驻村一代码", "驻村二代码")
            if row[column] and month_of(row["进驻时间"]) <= period
        }
        check("team_share", period, lambda v, t=there: (float(v in t), 1.0), targets(), share)


def month_of(text: str) -> str:
    """进驻时间 however the list writes it."""
    return month(text) if "年" in text else text[:7].replace("/", "-").replace(".", "-")


def test_a_weighted_mean_weighs_each_village_with_its_people() -> None:
    now, before = annual("人均可支配收入", "元", 2024), annual("人均可支配收入", "元", 2023)
    people = annual("户籍人口", "人", 2024)
    average = next(iter(space().references)).values
    usual = 100.0 * (average["2024"] / average["2023"] - 1.0)

    def part(village: str) -> tuple[float, float] | None:
        if village not in now or village not in before or not people.get(village):
            return None
        growth = 100.0 * (now[village] / before[village] - 1.0) - usual
        return growth * people[village], people[village]

    check("income_growth", "2024", part, targets(), mean)


@pytest.mark.parametrize("seed", range(3))
def test_ten_numbers_of_the_map_lead_to_their_cell(seed: int) -> None:
    """Array -> facts with file and row -> the cell in that row, times the declared factor."""
    chance = random.Random(seed)
    measures = [
        one
        for one in space().measures
        for indicator in [one.value]
        if ROUND in one.rounds and edition().has(one.id, ROUND)
        and indicator in {v.indicator for s in space().sources for v in s.values}
    ]  # fmt: skip
    folder, done = demo_worlds.workspace(demo_worlds.SMALL), 0
    while done < 10:
        measure = chance.choice(measures)
        period = chance.choice(edition().periods(measure.id, ROUND))
        village = chance.choice(sorted(targets()))
        shown = drawn(measure.id, "village", period)[village]
        facts = edition().facts(village)
        held = facts[
            (facts["indicator"] == measure.value)
            & (facts["period"] == period)
            & facts["round"].isin([ROUND, ""])
        ]
        if math.isnan(shown):
            assert not len(held), (measure.id, period, village)
            continue
        fact = held.iloc[0]
        source, column, factor = declared(str(fact["file"]), str(measure.value), period)
        row = raw(folder / str(fact["file"]))[int(fact["row"])]
        assert codes_of(row) == village
        if source.columns.period:
            assert month(row[source.columns.period]) == period
        assert shown == rounded(float(row[column]) * factor, measure.digits)
        done += 1


def declared(file: str, indicator: str, period: str) -> tuple[Source, str, float]:
    """Source, column and factor of an indicator in a file."""
    for source in space().sources:
        for value in source.values:
            fits = any(Path(file).match(pattern) for pattern in source.files)
            if fits and value.indicator == indicator and value.period in (None, period):
                return source, value.column, value.factor
    raise AssertionError((file, indicator, period))
