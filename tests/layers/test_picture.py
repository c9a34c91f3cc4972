"""The picture holds all that a screen needs, and nothing heavy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from layers.picture import MOST_LABELS, picture
from layers.view import ZOOM, View


def test_it_is_json_and_small(small):
    found = picture(small, View())
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) < 30_000
    assert json.loads(text) == found


def test_it_says_what_is_looked_at(small):
    found = picture(small, View(region="990001901"))
    assert found["measure"]["label"] == "集体收入"
    assert (found["round"]["id"], found["round"]["label"]) == ("r3", "第三轮")
    assert [one["name"] for one in found["path"]] == ["全市", "东岭区", "青禾镇"]
    assert found["region"]["code"] == "990001901000"
    assert (found["level"], found["child_level"]) == ("village", "village")
    assert found["notices"] == {
        "demo": True,
        "source": "演示数据",
        "cutoff": small.cutoff,
        "approval_number": "",
    }
    assert View.from_query(found["query"]) == View(
        round="r3", measure="collective_income", region="990001901000"
    )


def test_each_level_has_its_files_its_classes_and_the_place_of_the_region_in_it(small):
    levels = picture(small, View(region="990002901"))["levels"]
    assert [one["id"] for one in levels] == ["city", "district", "town", "village"]
    assert [one["position_in_path"] for one in levels] == [0, 1, 2, None]
    assert [one["count"] for one in levels] == [1, 3, 6, 36]
    town = levels[2]
    assert town["tiles"] == f"/tiles/{small.id}/town/{{z}}/{{x}}/{{y}}.pbf"
    assert town["values"] == f"/data/{small.id}/r3/collective_income/town.bin"
    assert town["classes"][0]["label"] == "0"
    starts = [one["zoom_from"] for one in levels]
    assert starts == sorted(set(starts))


def test_playing_has_a_mesh_until_the_tiles_are_finer(small, monkeypatch):
    found = picture(small, View())["mesh"]
    assert found == {"url": f"/data/{small.id}/mesh.bin", "until": small.mesh_zoom + 1}
    monkeypatch.setattr(type(small), "mesh_zoom", None)
    assert picture(small, View(period="2021-08"))["mesh"] is None


def test_following_the_zoom_is_said(small):
    assert picture(small, View(level=ZOOM))["follow"] is True
    assert picture(small, View())["follow"] is False


def test_periods_and_the_regions_own_series_go_together(small):
    found = picture(small, View(period="2021-09"))
    assert [one["label"] for one in found["periods"]][:2] == ["2021年7月", "2021年8月"]
    assert found["period"] == 2
    values = small.values("collective_income", "r3", "city")
    assert found["series"]["value"] == pytest.approx(values.value[:, 0])
    assert found["series"]["reported"] == values.reported[:, 0].tolist()
    assert set(found["series"]) == {
        "value",
        "numerator",
        "denominator",
        "reported",
        "expected",
        "verified",
        "status",
    }


def test_a_missing_value_is_null_not_zero(small):
    silent = small.regions("village")["code"].iloc[12]
    found = picture(small, View(region=silent))
    assert found["series"]["value"] == [None] * 6


def test_children_are_those_of_the_child_level(small):
    found = picture(small, View(region="990001"))
    assert [one["name"] for one in found["children"]] == ["青禾镇", "石桥镇"]
    assert [one["position"] for one in found["children"]] == [0, 1]


def test_names_are_those_near_the_region(small):
    whole = picture(small, View())["labels"]
    assert {one["level"] for one in whole} == {"district", "town"}
    town = picture(small, View(region="990001901"))["labels"]
    assert {one["level"] for one in town} == {"district", "village"}
    leaf = picture(small, View(region="990001901002"))["labels"]
    assert leaf == town
    assert [one["rank"] for one in whole] == list(range(len(whole)))
    assert len(whole) < MOST_LABELS
    west, south, east, north = small.root.bounds
    assert all(west < one["lon"] < east and south < one["lat"] < north for one in whole)


def test_plan_points_come_with_their_words(small):
    assert picture(small, View())["plan"] == [
        {"period": "2021-12", "value": 20.0, "label": "年底达20万元"}
    ]


def test_headline_figures_are_the_rounds(small):
    figures = {one["label"]: one["value"] for one in picture(small, View())["figures"]}
    assert figures["薄弱村"] == 9
    assert figures["工作队"] == 6


def test_a_round_known_by_totals_is_a_map_without_colours(small):
    found = picture(small, View(round="r1"))
    json.dumps(found, allow_nan=False)
    assert found["measure"] is None
    assert found["periods"] == []
    assert all(one["classes"] == [] and one["values"] is None for one in found["levels"])
    assert found["figures"][0]["value"] == 5


def test_what_the_reader_chose_is_handed_on(small):
    view = View(
        off=frozenset({3, 1}), hide=frozenset({"labels"}), camera=(9, 39.3, 117.2), look="dark"
    )
    found = picture(small, view, {"url": "https://t0.example/{x}"})
    assert (found["off"], found["hide"], found["look"]) == ([1, 3], ["labels"], "dark")
    assert found["camera"] == [9.0, 39.3, 117.2]
    assert found["underlay"] == {"url": "https://t0.example/{x}"}


def test_only_the_index_depends_on_the_period(small):
    one, other = (picture(small, View(period=name)) for name in ("2021-08", "2021-12"))
    changed = {key for key in one if one[key] != other[key]}
    assert changed <= {"period", "query", "figures"}


def test_two_levels_are_enough(tiny):
    found = picture(tiny, View(measure="harvest_mean"))
    json.dumps(found, allow_nan=False)
    assert [one["id"] for one in found["levels"]] == ["land", "parish"]
    assert {one["name"] for one in found["labels"]} >= {"甲村", "壬村"}
    leaf = picture(tiny, View(region="NA"))
    assert leaf["region"]["leaf"]
    assert leaf["child_level"] is None
    assert leaf["children"] == []


def test_positions_of_the_region_are_those_of_its_leaves(small):
    found = picture(small, View(region="990003"))
    ours = small.descendants("990003", "town")
    assert [one["position"] for one in found["children"]] == np.asarray(ours).tolist()
