"""Who is ahead, who improved most, who is stuck: on series drawn by hand."""

from __future__ import annotations

import math

import pytest

from geodata.edition import Edition
from geodata.vocabulary import Status
from geodata.workspace import Plan
from layers.briefing import Briefing, content, scenes
from layers.briefing import standings as closing
from layers.briefing.pace import pace
from layers.briefing.reading import Reading

MONTHS = tuple(f"2021-{month:02d}" for month in range(1, 13))
PLAN = (Plan(round="r3", period="2021-12", value=100.0, label="都达标"),)


def draw(edition: Edition, measure: str = "income_met", plan=PLAN, **series) -> list[Reading]:
    """One reading a name, by keyword: name = values."""
    known = edition.space.measure(measure)
    districts = edition.children(edition.root.code)
    found = []
    for region, (name, values) in zip(districts, series.items(), strict=False):
        there = MONTHS[: len(values)]
        at = [n for n, one in enumerate(values) if math.isfinite(one)]
        found.append(
            Reading(
                region=region,
                name=name,
                measure=known,
                round=edition.space.round("r3"),
                leaf=False,
                there=there,
                series=tuple(values),
                first=at[0] if at else None,
                at=at[-1] if at else None,
                numerator=0.0,
                denominator=0.0,
                reported=1,
                expected=1,
                start_numerator=0.0,
                status=Status.SELF_REPORTED if math.isfinite(values[-1]) else Status.MISSING,
                partials=[False] * len(values),
                plan=plan,
                pace=pace(plan, known.direction, there, values) if plan else None,
            )
        )
    return found


FLAT = [50.0] * 9
SLOW = [0.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0]
DONE = [40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 100.0, 100.0]


def test_near_and_far_and_who_came_furthest(small: Edition) -> None:
    found = closing.standings(small, draw(small, 甲=FLAT, 乙=SLOW, 丙=DONE), "区")
    assert [(row["name"], row["rank"], row["gap"]) for row in found["rows"]] == [
        ("丙", 1, 0),
        ("甲", 2, 50),
        ("乙", 3, 55),
    ]
    # The weakest today came second furthest: it stands on this list, and 甲 does not.
    assert [(row["name"], row["change"]) for row in found["improved"]] == [("丙", 60), ("乙", 45)]
    assert [row["name"] for row in found["stuck"]] == ["甲"]
    stuck = found["stuck"][0]
    assert (stuck["since"], stuck["stuck_months"]) == ("2021-01", 8)
    assert closing.sentence(found, "区") == (
        "3 个区中 1 个已达到 100% 的目标，甲自2021年1月以来 8 个月没有新进展"
    )
    assert closing.improved(found, "区") == "2021年1月以来提高最多的是丙（+60.0 个百分点）"


def test_the_reached_are_never_stuck_however_long_they_stand(small: Edition) -> None:
    found = closing.standings(small, draw(small, 甲=[100.0] * 12, 乙=SLOW), "区")
    assert found["stuck"] == []
    assert closing.sentence(found, "区").endswith("没有停滞的区")


def test_months_to_the_target_at_the_pace_so_far(small: Edition) -> None:
    rows = {
        row["name"]: row
        for row in closing.standings(small, draw(small, 甲=FLAT, 乙=SLOW, 丙=DONE), "区")["rows"]
    }
    # 45 points in 8 months; 55 to go: 9.8 months.
    assert (rows["乙"]["per_month"], rows["乙"]["months_to_target"]) == (5.625, 10)
    assert rows["丙"]["months_to_target"] == 0
    assert rows["甲"]["months_to_target"] is None


def test_less_is_better_turns_everything_round(small: Edition) -> None:
    plan = (Plan(round="r3", period="2021-12", value=0.0),)
    readings = draw(small, "gap_items", plan, 甲=[4.0, 3.0, 2.0], 乙=[2.0, 2.0, 1.0])
    found = closing.standings(small, readings, "区")
    assert [(row["name"], row["gap"], row["improvement"]) for row in found["rows"]] == [
        ("乙", 1, 1),
        ("甲", 2, 2),
    ]
    assert found["rows"][1]["change_text"] == "−2.0 项"
    assert [row["name"] for row in found["improved"]] == ["甲", "乙"]


def test_who_is_silent_has_no_place_and_is_not_called_stuck(small: Edition) -> None:
    readings = draw(small, 甲=[*FLAT[:8], math.nan], 乙=SLOW)
    found = closing.standings(small, readings, "区")
    assert [(row["name"], row["rank"], row["text"]) for row in found["rows"]] == [
        ("乙", 1, "45.0%"),
        ("甲", 0, "未上报"),
    ]
    assert found["stuck"] == [] and found["rows"][1]["value"] is None
    assert found["rows"][1]["sentence"] == "甲本期未上报"


def test_without_a_target_values_are_ranked_and_nothing_is_invented(small: Edition) -> None:
    found = closing.standings(small, draw(small, plan=(), 甲=FLAT, 乙=SLOW), "区")
    assert (found["target"], found["target_text"]) == (None, "")
    assert [row["name"] for row in found["rows"]] == ["甲", "乙"]
    assert all(row["gap"] is None and row["months_to_target"] is None for row in found["rows"])
    assert closing.sentence(found, "区").startswith("“收入达标”最好的是甲（50.0%）")


def test_several_stuck_are_counted_and_the_longest_is_dated(small: Edition) -> None:
    later = [10.0, 50.0, *[40.0] * 7]
    found = closing.standings(small, draw(small, 甲=later, 乙=FLAT, 丙=SLOW), "区")
    assert [(row["name"], row["since"]) for row in found["stuck"]] == [
        ("乙", "2021-01"),
        ("甲", "2021-02"),
    ]
    assert closing.sentence(found, "区").endswith("乙、甲停滞，其中乙自2021年1月以来没有新进展")


def test_equals_share_a_rank_and_the_one_who_came_further_goes_first(small: Edition) -> None:
    found = closing.standings(small, draw(small, 甲=[60.0, 70.0], 乙=[10.0, 70.0]), "区")
    assert [(row["name"], row["rank"]) for row in found["rows"]] == [("乙", 1), ("甲", 1)]


def test_nobody_reported(small: Edition) -> None:
    found = closing.standings(small, draw(small, 甲=[math.nan], 乙=[math.nan]), "区")
    assert closing.sentence(found, "区") == "各地尚无“收入达标”的上报数据"
    assert closing.improved(found, "区") == ""


@pytest.mark.parametrize("kind", ["standings"])
def test_the_scene_marks_its_ranks_on_the_map(small: Edition, kind: str) -> None:
    told = Briefing.model_validate(
        {"title": "汇报", "scenes": [{"kind": kind, "measure": "income_met", "round": "r2"}]}
    )
    found = content(small, scenes(small, told)[0])
    values = small.values("income_met", "r2", "district").value[-1]
    rows = found["standings"]["rows"]
    assert len(rows) == 3
    assert [row["value"] for row in rows] == sorted(values, reverse=True)
    assert [row["gap"] for row in rows] == pytest.approx([100 - row["value"] for row in rows])
    assert [mark["code"] for mark in found["marked"]] == [row["code"] for row in rows]
    assert len(found["table"]["rows"]) == 3


def test_leaves_of_a_share_are_counted_not_compared(tiny: Edition) -> None:
    told = Briefing.model_validate(
        {"title": "汇报", "scenes": [{"kind": "standings", "measure": "well_share"}]}
    )
    found = content(tiny, scenes(tiny, told)[0])
    assert found["sentence"].startswith("3 个村中 2 个“有水井的村”达到")
    assert "丙村自2021年第1季度以来 9 个月没有新进展" in found["sentence"]
    assert found["detail"][0] == "2021年第1季度以来新达到的有乙村"
