"""What scenes say and show, against numbers computed here from the edition's own values."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata import periods
from geodata.build import write
from geodata.edition import Edition
from geodata.vocabulary import Status
from layers.briefing import Briefing, content, default, of_view, scenes
from layers.briefing.sentences import free, spaced
from layers.view import View
from tests.worlds import small_space, small_world

CONTRACT = {
    "id", "kind", "title", "dwell", "sentence", "detail", "query", "region", "picture", "play",
    "marked", "figures", "ranking", "series", "multiples", "standings", "table",
}  # fmt: skip


def tell(edition: Edition, kind: str, measure: str, **more: object) -> dict[str, object]:
    """The content of one declared scene."""
    item = {"kind": kind, "measure": measure, **more}
    told = Briefing.model_validate({"title": "汇报", "scenes": [item]})
    (scene,) = scenes(edition, told)
    return content(edition, scene)


def value(edition: Edition, measure: str, round: str, code: str, period: int = -1) -> tuple:
    """Value, numerator, denominator, reported, expected at a region."""
    region = edition.region(code)
    values = edition.values(measure, round, region.level)
    return tuple(
        float(part[period, region.position])
        for part in (
            values.value,
            values.numerator,
            values.denominator,
            values.reported,
            values.expected,
        )
    )


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The small world whose shares say what they count, as an office would."""
    world = small_world()
    raw = small_space().model_dump(by_alias=True)
    labels = {
        "income_met": "达到20万元的村",
        "lacks_paved": "缺道路硬化的村",
        "disposable_below_average": "低于平均的村",
        "team_share": "有工作队的村",
    }
    for measure in raw["measures"]:
        if measure["id"] in labels:
            measure["numerator_label"] = labels[measure["id"]]
            measure["denominator_label"] = "困难村（薄弱村）"
    folder = tmp_path_factory.mktemp("labelled")
    space = type(world.space).model_validate(raw)
    return Edition.open(folder, write(replace(world, space=space), folder))


def test_every_scene_has_the_shape_of_the_contract(small: Edition, tiny: Edition) -> None:
    for edition in (small, tiny):
        for scene in scenes(edition, default()):
            found = content(edition, scene)
            assert set(found) >= CONTRACT
            text = json.dumps(found, allow_nan=False, ensure_ascii=False)
            assert "{" not in found["sentence"] and "nan" not in found["sentence"]
            assert not found["sentence"].endswith("。") and len(found["detail"]) <= 2
            assert View.from_query(found["query"]) == scene.view
            assert "讲稿" not in text
            for bar in (found["ranking"] or {"rows": []})["rows"]:
                assert 0 <= bar["share"] <= 1
            for table in filter(None, [found["table"]]):
                assert all(len(row) == len(table["columns"]) for row in table["rows"])
                assert all(isinstance(cell, str) for row in table["rows"] for cell in row)


def test_notes_never_reach_the_wall(small: Edition) -> None:
    found = tell(small, "overview", "income_met", notes="机密讲稿")
    assert "机密讲稿" not in json.dumps(found, ensure_ascii=False)


def test_a_share_says_how_many_of_how_many_did_it_and_how_late(labelled: Edition) -> None:
    found = tell(labelled, "overview", "income_met", round="r2")
    share, count, base, reported, expected = value(labelled, "income_met", "r2", "99")
    assert 0 < count < base and reported < expected
    there = labelled.values("income_met", "r2", "city").periods
    first = value(labelled, "income_met", "r2", "99", 0)[0]
    # The line: from the start to 30 % at the end of 2018, then to 100 % at the end of 2019.
    ends = [periods.parse(name).end for name in (there[0], "2018-Q4", "2019-Q4")]
    asked = np.interp(share, [first, 30, 100], ends)
    late = round(periods.parse(there[-1]).end - asked)
    assert late > 0
    assert found["sentence"] == (
        f"全市已报的 {base:.0f} 个困难村中 {count:.0f} 个达到 20 万元，比计划慢 {late} 个月"
    )
    assert found["detail"][0] == f"{expected:.0f} 个困难村中 {reported:.0f} 个已报"
    assert found["headline"] == {
        "label": "收入达标",
        "value": share,
        "text": f"{share:.1f}",
        "unit": "%",
    }


def test_progress_says_from_where_to_where(labelled: Edition) -> None:
    found = tell(labelled, "progress", "income_met", round="r2")
    first = value(labelled, "income_met", "r2", "99", 0)
    last = value(labelled, "income_met", "r2", "99")
    assert found["sentence"].startswith(
        f"全市达到 20 万元的村从2018年第1季度的 {first[1]:.0f} 个（{first[0]:.1f}%）"
        f"升至 {last[1]:.0f} 个（{last[0]:.1f}%），比计划慢 "
    )
    assert found["play"]["from"] == 0
    assert found["play"]["to"] == len(found["series"]["periods"]) - 1
    assert found["play"]["seconds"] <= found["dwell"]


def test_less_is_better_falls(small: Edition) -> None:
    found = tell(small, "progress", "gap_items", round="r2")
    first, last = (value(small, "gap_items", "r2", "99", at)[0] for at in (0, -1))
    assert last < first
    assert found["sentence"] == f"全市缺项数从2018年第1季度的 {first} 项降至 {last} 项"


def test_all_and_none_have_words_of_their_own(labelled: Edition) -> None:
    east = "990001"
    count, base = value(labelled, "team_share", "r3", east)[1:3]
    assert count == base
    assert tell(labelled, "overview", "team_share", regions=[east])["sentence"] == (
        f"东岭区 {base:.0f} 个薄弱村全部有工作队"
    )
    none = tell(labelled, "overview", "income_met", round="r2", period="2018-Q1")
    base = value(labelled, "income_met", "r2", "99", 0)[2]
    assert value(labelled, "income_met", "r2", "99", 0)[1] == 0
    assert none["sentence"].startswith(f"全市已报的 {base:.0f} 个困难村中尚无达到 20 万元的村")
    lacking = tell(labelled, "overview", "lacks_paved", round="r2", regions=[east])
    assert value(labelled, "lacks_paved", "r2", east)[1] == 0
    assert "缺道路硬化的村为 0 个" in lacking["sentence"]


def test_a_mean_is_a_mean_and_a_sum_a_sum(small: Edition) -> None:
    mean, _, _, reported, expected = value(small, "collective_income", "r3", "99")
    found = tell(small, "map", "collective_income")
    assert reported < expected
    assert found["sentence"].startswith(
        f"全市已报的 {reported:.0f} 个有数的村，集体收入平均 {mean:.2f} 万元；"
    )
    total = value(small, "projects_started", "r3", "99")[0]
    assert tell(small, "overview", "projects_started")["sentence"] == (
        f"全市开工项目共 {total:.0f} 个"
    )
    weighted = value(small, "mean_disposable", "r2", "99")[0]
    assert tell(small, "overview", "mean_disposable")["sentence"] == (
        f"全市人均可支配收入为 {weighted:,.0f} 元"
    )


def test_coverage_says_who_has_most_and_who_least(small: Edition) -> None:
    found = tell(small, "map", "team_share", round="r2")
    shares = {
        child.name: value(small, "team_share", "r2", child.code)[0]
        for child in small.children(small.root.code)
    }
    worst = min(shares, key=shares.get)
    assert f"，{worst}最低（{shares[worst]:.1f}%）" in found["sentence"]
    assert "最高（100.0%）" in found["sentence"]
    same = tell(small, "map", "target_share")
    assert same["sentence"].endswith("；各区均为 25.0%")


def test_a_region_that_was_silent_this_time_is_told_as_of_its_last_report(small: Edition) -> None:
    region = small.region("990001")
    values = small.values("collective_income", "r3", "district")
    assert values.status[-1, region.position] == Status.MISSING
    latest = np.flatnonzero(np.isfinite(values.value[:, region.position]))[-1]
    found = tell(small, "region", "collective_income", regions=["990001"])
    assert found["sentence"].startswith(
        f"截至{periods.label(values.periods[latest])}，东岭区 3 个有数的村，集体收入平均 "
        f"{values.value[latest, region.position]:.2f} 万元"
    )
    whole = tell(small, "map", "collective_income")
    # An old value is not set against today's: the map hatches it, the list leaves it out.
    assert "东岭区" not in [row["name"] for row in whole["ranking"]["rows"]]
    assert whole["ranking"]["missing"] == 1 and "1 个区本期未上报" in whole["detail"]
    assert "东岭区" not in whole["sentence"]


def test_nothing_reported_is_said_and_is_not_zero(tmp_path: Path) -> None:
    world = small_world()
    facts = world.facts
    east = facts["code"].str.startswith("990001")
    left = facts[~(east & (facts["round"] == "r3") & (facts["indicator"] == "income"))]
    edition = Edition.open(tmp_path, write(replace(world, facts=left), tmp_path))
    found = tell(edition, "region", "collective_income", regions=["990001"])
    assert found["sentence"] == "东岭区尚无“集体收入”的上报数据"
    assert found["series"] is None and found["headline"]["value"] is None


def test_out_of_scope_is_said(tiny: Edition) -> None:
    found = of_view(tiny, View(measure="well_share", region="ND"))
    assert found["sentence"] == "丁村不在“有水井的村”的统计范围内"


def test_a_leaf_of_a_share_is_met_or_not(tiny: Edition) -> None:
    assert tell(tiny, "region", "well_share", regions=["NA"])["sentence"] == (
        "甲村“有水井的村”：达到"
    )
    assert tell(tiny, "region", "well_share", regions=["NC"])["sentence"] == (
        "丙村“有水井的村”：未达到"
    )


def test_gaps_name_the_item_and_the_worst_towns_that_the_map_numbers(small: Edition) -> None:
    found = tell(small, "gaps", "gap_items")
    count, base = value(small, "lacks_paved", "r3", "99")[1:3]
    assert found["sentence"].startswith(
        f"缺得最多的是道路硬化，全市已报的 {base:.0f} 个薄弱村中 {count:.0f} 个缺；"
    )
    (item,) = found["multiples"]
    assert (item["label"], item["count_text"]) == ("道路硬化", f"{count:.0f} 个村缺")
    assert item["image"] == f"/pictures/{small.id}/r3/lacks_paved.svg?look=dark"
    towns = small.values("gap_items", "r3", "town").value[-1]
    frame = small.regions("town")
    assert [mark["rank"] for mark in found["marked"]] == list(range(1, len(found["marked"]) + 1))
    told = [towns[mark["position"]] for mark in found["marked"]]
    assert told == sorted(towns[towns > 0], reverse=True)[: len(told)]
    assert [mark["name"] for mark in found["marked"]] == [
        frame["name"][mark["position"]] for mark in found["marked"]
    ]
    # Two districts may have a town of the same name: below a child a name says in whom.
    assert all("区" in row["name"] for row in found["ranking"]["rows"])


def test_where_nothing_lacks_any_more_that_is_the_message(tmp_path: Path) -> None:
    world = small_world()
    facts = world.facts
    done = facts.assign(
        value=facts["value"].where(~facts["indicator"].isin(["paved", "water"]), 1.0)
    )
    edition = Edition.open(tmp_path, write(replace(world, facts=done), tmp_path))
    found = tell(edition, "gaps", "gap_items")
    assert found["sentence"].endswith("个薄弱村各项均已补齐")
    assert found["marked"] == [] and found["ranking"] is None


def test_a_region_has_its_place_only_where_that_speaks_for_it(small: Edition) -> None:
    best = tell(small, "region", "collective_income", regions=["990002"])
    assert best["detail"][0].startswith("在 2 个区中排第 1")
    last = tell(small, "region", "collective_income", regions=["990003"])
    assert "排第 2" not in last["detail"][0] and "起步以来提高" in last["detail"][0]


def test_series_and_plan_line_up(small: Edition) -> None:
    found = tell(small, "progress", "income_met", round="r2")["series"]
    values = small.values("income_met", "r2", "city")
    assert found["value"] == pytest.approx(values.value[:, 0].tolist())
    assert found["partial"] == (values.status[:, 0] == Status.PARTIAL).tolist()
    (first, second) = found["plan"]
    assert (first["index"], second["index"]) == (3, 7)
    assert found["plan_line"][3] == 30 and found["plan_line"][7] == 100
    assert (found["min"], found["max"]) == (0, 100)


def test_an_earlier_period_knows_nothing_of_later_ones(small: Edition) -> None:
    found = tell(small, "progress", "income_met", round="r2", period="2018-Q3")
    assert [one["id"] for one in found["series"]["periods"]][-1] == "2018-Q3"
    assert found["play"]["to"] == 2
    assert found["period"] == {"id": "2018-Q3", "label": "2018年第3季度"}
    # Plan points to come lie beyond the axis.
    assert [point["index"] for point in found["series"]["plan"]] == [3, 7]


def test_long_lists_show_both_ends(tiny: Edition) -> None:
    found = tell(tiny, "map", "harvest_total", period="2021-Q3", rows=5)["ranking"]
    assert [row["rank"] for row in found["rows"]] == [1, 2, 3, 8, 9]
    assert (found["total"], found["missing"]) == (9, 0)
    assert found["rows"][0]["share"] == 1
    assert "前 3 名和后 2 名" in found["title"]


def test_shares_are_drawn_out_of_a_hundred(small: Edition) -> None:
    rows = tell(small, "map", "target_share")["ranking"]["rows"]
    assert [row["share"] for row in rows] == [0.25] * 3


def test_figures_are_the_rounds_own(small: Edition) -> None:
    found = {one["label"]: one for one in tell(small, "overview", "target_share")["figures"]}
    own = {one.label: one for one in small.figures("r3", small.root.code)}
    assert set(found) == set(own)
    assert (found["薄弱村"]["text"], found["薄弱村"]["unit"]) == ("9", "个")


def test_a_round_known_by_its_totals_still_has_its_figures(tmp_path: Path) -> None:
    world = small_world()
    nothing = replace(
        world, facts=world.facts[:0], entities=world.entities[:0], links=world.links[:0]
    )
    edition = Edition.open(tmp_path, write(nothing, tmp_path))
    found = of_view(edition, View(round="r1"))
    assert found["headline"] is None and found["figures"][0]["text"] == "5"
    assert "第一轮" in found["sentence"]


def test_any_view_of_the_portal_has_a_content(small: Edition) -> None:
    view = View(measure="income_met", round="r2", region="990002", period="2019-Q1", look="dark")
    found = of_view(small, view)
    assert (found["kind"], found["region"]["name"]) == ("map", "中洲区")
    assert found["period"]["id"] == "2019-Q1"
    assert View.from_query(found["query"]) == view


def test_results_are_remembered(small: Edition) -> None:
    (scene, *_) = scenes(small, default())
    assert content(small, scene) is content(small, scene)


def test_amounts_stand_free_inside_a_sentence_and_dates_stay_closed() -> None:
    assert spaced("达到20万元") == "达到 20 万元"
    assert spaced("收入1.5万元以上") == "收入 1.5 万元以上"
    assert spaced("在2024年达标") == "在2024年达标"
    assert (free("100%"), free("20 万元")) == ("100% ", "20 万元")


def test_every_measure_of_every_round_can_be_told(small: Edition, tiny: Edition) -> None:
    for edition in (small, tiny):
        codes = [edition.root.code, edition.children(edition.root.code)[0].code]
        for one in edition.rounds:
            for measure in edition.measures:
                if not edition.has(measure.id, one.id):
                    continue
                for code in codes:
                    found = of_view(edition, View(round=one.id, measure=measure.id, region=code))
                    assert json.dumps(found, allow_nan=False) and found["sentence"]
                    for bar in (found["ranking"] or {"rows": []})["rows"]:
                        assert math.isfinite(bar["value"])
