"""Profiles tell a leader what there is, what lacks, how it stands and who says so."""

from __future__ import annotations

import json

import pytest

from layers.leaf import spans
from layers.profile import profile
from layers.view import View


def leaf(small, n):
    return small.regions("village")["code"].iloc[n]


def test_a_region_in_words(small):
    found = profile(small, View())
    json.dumps(found, allow_nan=False)
    text = "".join(found["sentences"])
    assert "云泽市2021年12月集体收入：11.83 万元。" in text
    assert "9 个村中有 5 个上报" in text
    assert "还差 8.17 万元" in text
    assert found["progress"][0]["standing"] == "behind"
    assert found["progress"][0]["own"] is True


def test_figures_come_with_their_unit(small):
    texts = {one["label"]: one["text"] for one in profile(small, View())["figures"]}
    assert texts["薄弱村"] == "9 个"
    assert texts["集体收入"] == "11.83 万元"


def test_children_are_ranked_best_first_and_the_silent_come_last(small):
    children = profile(small, View())["children"]
    values = [one["value"] for one in children]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values == known + [None] * (len(values) - len(known))
    assert [one["rank"] for one in children] == [1, 2, None]
    assert children[-1]["text"] == "未上报"


def test_less_is_better_ranks_the_smallest_first(small):
    values = [
        one["value"] for one in profile(small, View(measure="gap_items"))["children"] if one["rank"]
    ]
    assert values == sorted(values)


def test_below_the_root_the_plan_is_a_yardstick_not_a_promise(small):
    found = profile(small, View(region="990003"))
    assert [one["own"] for one in found["progress"]] == [False]


def test_items_of_each_round_say_has_lacks_or_unknown_with_their_source(small):
    found = profile(small, View(region=leaf(small, 0)))
    rounds = [one["round"]["id"] for one in found["items"]]
    assert rounds == ["r2", "r3"], "village 0 was a target twice; r1 has no items"
    for one in found["items"]:
        assert one["has"] + one["lacks"] + one["unknown"] == len(one["items"])
        for line in one["items"]:
            assert line["state_label"] in ("已有", "缺", "未报")
            if line["state"] != "unknown":
                assert line["file"].startswith("raw/")
                assert line["row"] > 1
                assert line["status_label"] in ("自报", "已核实")


def test_the_state_of_an_item_is_the_latest_report(small):
    code = leaf(small, 16)
    facts = small.facts(code)
    mine = facts[(facts["round"] == "r3") & (facts["indicator"] == "water")].sort_values("period")
    lines = profile(small, View(region=code))["items"][-1]["items"]
    state = {line["id"]: line["state"] for line in lines}
    assert state["water"] == ("has" if mine["value"].iloc[-1] == 1 else "lacks")


def test_a_silent_village_has_unknown_items_never_lacking_ones(small):
    found = profile(small, View(region=leaf(small, 12)))
    assert {line["state"] for one in found["items"] for line in one["items"]} == {"unknown"}
    assert found["now"]["text"] == "未上报"
    assert found["now"]["value"] is None


def test_who_is_no_target_has_no_items_and_no_missing_reports(small):
    found = profile(small, View(region=leaf(small, 1)))
    assert found["items"] == []
    assert found["missing"] == []
    assert found["target"] == {"r1": True, "r2": False, "r3": False}
    assert found["now"]["text"] == "不在统计范围"


def test_the_history_runs_over_all_rounds(small):
    found = profile(small, View(region=leaf(small, 24)))
    curve = found["curves"][0]
    assert curve["label"] == "集体经营性收入"
    assert curve["thresholds"] == [5, 10, 20]
    names = [point["period"] for point in curve["points"]]
    assert names[0] == "2018-Q1"
    assert names[-1] == "2021-12"
    assert len(names) == len(set(names)) == 14


def test_helpers_say_since_when_and_through_whom(small):
    found = profile(small, View(region=leaf(small, 0)))
    kinds = {one["kind"]: one for one in found["entities"]}
    team = kinds["team"]["items"][0]
    assert kinds["team"]["label"] == "工作队"
    assert team["since_label"] == "2021年7月"
    assert team["attributes"][0]["value"] == "3"
    assert kinds["unit"]["items"][0]["via"] == [team["id"]]
    assert kinds["unit"]["label"] != "市级单位", "a figure of some units is not all units"


def test_the_rank_is_given_among_town_district_and_whole(small):
    found = profile(small, View(region=leaf(small, 24)))
    assert [one["level"] for one in found["neighbours"]] == ["town", "district", "city"]
    assert all(1 <= one["rank"] <= one["of"] for one in found["neighbours"])
    whole = found["neighbours"][-1]
    assert whole["of"] == 5
    assert whole["sentence"] == f"在云泽市已上报的 5 个村中排第 {whole['rank']}。"


def test_missing_reports_are_listed_in_runs(small):
    found = profile(small, View(region=leaf(small, 0)))
    income = next(one for one in found["missing"] if one["indicator"] == "income")
    assert income["sentence"] == "集体经营性收入缺 1 期：2021年12月。"
    months = [f"2021-{month:02d}" for month in range(1, 8)]
    assert spans(["2021-01", "2021-02", "2021-03", "2021-06"], months) == [
        "2021年1月至2021年3月",
        "2021年6月",
    ]


def test_every_number_says_where_it_comes_from(small):
    found = profile(small, View(region=leaf(small, 0)))
    facts = small.facts(leaf(small, 0))
    assert {(one["round"], one["indicator"]) for one in found["provenance"]} == set(
        zip(facts["round"], facts["indicator"], strict=True)
    )
    people = next(one for one in found["provenance"] if one["indicator"] == "population")
    assert people["text"] == "300 人"
    assert (people["file"], people["batch"]) == ("raw/人口.csv", "人口")


def test_a_share_of_a_village_is_said_as_yes_or_no(small):
    found = profile(small, View(region=leaf(small, 24), measure="income_met"))
    assert found["now"]["text"] in ("达到", "未达到")
    assert found["progress"] == []
    assert found["neighbours"] == []


def test_a_round_of_totals_has_a_profile_too(small):
    found = profile(small, View(round="r1"))
    assert found["now"] is None
    assert found["figures"][0]["text"] == "5 个"


@pytest.mark.parametrize("code", [None, "990002", "990002901", "990002901001"])
@pytest.mark.parametrize("measure", ["gap_items", "income_met", "projects_started", "team_share"])
def test_every_profile_is_json(small, code, measure):
    json.dumps(profile(small, View(region=code, measure=measure)), allow_nan=False)


def test_the_words_come_from_the_workspace(tiny):
    found = profile(tiny, View(region="NB", measure="harvest_mean"))
    assert [line["label"] for line in found["items"][0]["items"]] == ["水井", "道路"]
    assert found["entities"][0]["items"][0]["attributes"][0] == {
        "id": "people",
        "label": "人数",
        "value": "4",
    }
    curve = found["curves"][0]
    assert [point["period"] for point in curve["points"]] == [
        "2019",
        "2020",
        "2021-Q1",
        "2021-Q2",
        "2021-Q3",
        "2021-Q4",
    ]
    whole = profile(tiny, View(measure="harvest_mean"))
    assert "丙村" in "".join(whole["sentences"])
    assert "村" not in profile(tiny, View(measure="well_share"))["progress"][0]["sentence"]


def test_where_a_measure_is_not_public_its_profile_says_so_and_gives_no_number(open_world):
    found = profile(open_world, View(measure="well_share"))
    assert found["now"] is not None and found["children"] == []
    assert "“有水井的村”没有公布到村这一级。" in found["sentences"]
    below = profile(open_world, View(measure="well_share", region="NA"))
    assert below["now"] is None and below["progress"] == []
    assert below["sentences"] == ["“有水井的村”没有公布到村这一级。"]
    json.dumps(below, allow_nan=False)


def test_a_leaf_s_neighbours_of_a_measure_that_is_not_public_are_not_ranked(open_world):
    found = profile(open_world, View(measure="harvest_mean", region="NA"))
    assert found["now"] is None and found["neighbours"] == [] and found["progress"] == []
