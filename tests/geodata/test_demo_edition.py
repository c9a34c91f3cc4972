"""The demo comes out of check and build as it went in: every published figure, exactly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from geodata import demo
from geodata.demo import defects as planted
from geodata.demo.story import AVERAGE, CENT, Story, month
from geodata.edition import Edition
from geodata.vocabulary import Severity, Status
from geodata.world import World
from tests import demo_worlds

TEN = ("120111", "120112", "120113", "120114", "120115", "120116", "120117", "120118", "120119")


@pytest.fixture(scope="module")
def world() -> World:
    return demo_worlds.world()


@pytest.fixture(scope="module")
def edition() -> Edition:
    return Edition.open(demo_worlds.edition_folder())


@pytest.fixture(scope="module")
def story() -> Story:
    return demo_worlds.story()


def root_figures(edition: Edition, round: str) -> dict[str, float | None]:
    return {one.label: one.value for one in edition.figures(round, edition.root.code)}


def whole(edition: Edition, measure: str, round: str, period: str = "") -> tuple[float, ...]:
    """Value, numerator and denominator at the root; the last period unless one is named."""
    found = edition.values(measure, round, edition.root.level)
    at = found.periods.index(period) if period else -1
    return tuple(float(part[at, 0]) for part in (found.value, found.numerator, found.denominator))


def test_check_warns_of_the_planted_defects_and_of_nothing_else(world: World, story: Story) -> None:
    defects = planted.choose(story, demo_worlds.geography().villages.geometry)
    code = story.villages["code"]
    serious = [f for f in world.findings if f.severity is not Severity.NOTE]
    assert not world.errors
    told = "\n".join(f"{f.code} {f.place} {f.value} {f.message}" for f in serious)
    assert len(serious) == 5, told
    assert len(Counter(f.code for f in serious)) == 5, told
    for row in (defects.unmentioned, defects.numeric, defects.repeated, defects.overlap[0]):
        assert code[row] in told
    assert story.villages["name"][defects.without_code] in told


def test_nothing_is_dropped_in_silence(world: World) -> None:
    for one in world.inputs:
        assert one.rows == one.used + one.reported, one.file


def test_there_are_nine_districts_and_3520_villages(edition: Edition) -> None:
    assert tuple(code[:6] for code in edition.regions("district")["code"]) == TEN
    assert len(edition.regions("village")) == 3520
    assert len(edition.regions("city")) == 1


def test_round_1_is_known_by_its_totals(edition: Edition) -> None:
    assert sorted(value for value in root_figures(edition, "r1").values() if value) == [
        219,
        500,
        844,
        2000,
    ]


def test_round_2_starts_as_published(edition: Edition) -> None:
    assert root_figures(edition, "r2") == {
        "帮扶村": 1000,
        "工作队": 684,
        "驻村干部": 2062,
        "帮扶单位": 790,
        "市级帮扶单位": 220,
        "区级帮扶单位": 460,
        "驻津帮扶单位": 89,
        "民营帮扶单位": 21,
        "没有经营性收入的村": 312,
        "收入不到5万元的村": 548,
        "收入不到10万元的村": 710,
        "收入不到20万元的村": 952,
        "农民收入低于全市平均的村": 841,
        "基础设施落后的村": 508,
        "党组织软弱涣散的村": 55,
        "矛盾和治安问题突出的村": 22,
    }


def test_round_3_is_as_published(edition: Edition) -> None:
    assert root_figures(edition, "r3") == {
        "行政村": 3520,
        "扶持村": 800,
        "工作队": 450,
        "驻两个村的工作队": 350,
        "驻一个村的工作队": 100,
        "工作队员": 1364,
        "帮扶单位": 554,
    }


@pytest.mark.parametrize("round", ["r1", "r2", "r3"])
def test_no_computed_figure_differs_from_the_published_one(edition: Edition, round: str) -> None:
    for one in edition.figures(round, edition.root.code):
        assert one.published in (None, one.value), one.label


def test_units_take_part_in_one_or_two_teams_and_some_teams_are_joint(edition: Edition) -> None:
    units = edition.entities("unit", "r3", edition.root.code)
    assert len(units) == 554
    assert units["via"].map(len).isin([1, 2]).all()
    per_team = Counter(team for teams in units["via"] for team in teams)
    assert len(per_team) == 450
    assert sum(count > 1 for count in per_team.values()) >= 90
    teams = edition.entities("team", "r3", edition.root.code)
    assert Counter(teams["codes"].map(len)) == {2: 350, 1: 100}


def test_coverage_is_complete_at_the_end(edition: Edition) -> None:
    assert whole(edition, "target_share", "r3") == (22.7, 800, 3520)
    assert whole(edition, "target_count", "r2")[0] == 1000
    for round, count in (("r2", 1000), ("r3", 800)):
        assert whole(edition, "team_share", round) == (100, count, count)
        assert whole(edition, "unit_share", round) == (100, count, count)
    arriving = edition.values("team_share", "r3", "city").value[:, 0]
    assert arriving[0] < 100 and (np.diff(arriving) >= 0).all()


def test_round_3_was_chosen_from_the_bottom(edition: Edition, story: Story) -> None:
    chosen = set(story.villages["code"].iloc[story.round3.rows])
    villages = edition.regions("village")["code"].to_numpy()
    assert set(villages[edition.targets("r3")]) == chosen
    assert not [f for f in edition.findings() if "selection" in f.code]


def test_progress_stands_near_the_plan_of_2018(edition: Edition) -> None:
    space = edition.space
    seen = 0
    for measure in space.measures:
        for point in edition.plan(measure.id, "r2"):
            if not point.period.startswith("2018"):
                continue
            value = whole(edition, measure.id, "r2", point.period)[0]
            assert value == pytest.approx(point.value, abs=6), measure.id
            seen += 1
    assert seen == 8


def test_a_villages_months_and_years_are_one_history(edition: Edition, story: Story) -> None:
    monthly = edition.values("collective_income", "r3", "village")
    yearly = edition.values("annual_income", "r3", "village")
    assert monthly.periods[0] == "2021-07" and monthly.periods[-1] == "2024-12"
    december, year = (
        monthly.value[monthly.periods.index("2023-12")],
        yearly.value[yearly.periods.index("2023")],
    )
    both = ~np.isnan(december) & ~np.isnan(year)
    assert both.sum() > 750
    np.testing.assert_array_equal(december[both], year[both])
    told = story.trailing(month(2023, 12)) * CENT
    np.testing.assert_allclose(december[both], told[both], atol=0.051)


def test_missing_reports_are_missing_and_late_ones_are_not(edition: Edition, story: Story) -> None:
    found = edition.values("collective_income", "r3", "city")
    assert found.expected[-1, 0] == 800 > found.reported[-1, 0] > 700
    assert found.status[-1, 0] == Status.PARTIAL
    assert (found.verified > 0).any()
    towns = edition.values("collective_income", "r3", "town")
    second_quarter = towns.status[towns.periods.index("2023-05")]
    assert Status.MISSING in second_quarter


def test_every_measure_of_the_catalogue_has_values(edition: Edition) -> None:
    for measure in edition.space.measures:
        for round in measure.rounds:
            assert edition.has(measure.id, round), (measure.id, round)
            found = edition.values(measure.id, round, "village")
            assert not np.isnan(found.value).all(), (measure.id, round)


def test_disposable_income_is_held_against_the_published_average(
    edition: Edition, story: Story
) -> None:
    value, below, targets = whole(edition, "disposable_below_average", "r3", "2024")
    rows = story.round3.rows
    assert (below, targets) == ((story.disposable[rows, -1] < AVERAGE[2024]).sum(), 800)
    assert value == pytest.approx(below / targets * 100, abs=0.05)
    growth = edition.values("income_growth", "r3", "city")
    assert (growth.value[1:, 0] > 0).all(), "the teams' villages grow faster than the city"


@pytest.mark.parametrize("villages", [demo_worlds.SMALL])
def test_a_small_world_is_checked_and_built_as_well(villages: int) -> None:
    folder: Path = demo_worlds.edition_folder(villages)
    small = Edition.open(folder)
    assert len(small.regions("village")) == villages
    serious = [f for f in small.findings() if f.severity is Severity.WARNING]
    assert len(serious) == 5, [f.message for f in serious]
    assert (folder / demo.README).is_file()
