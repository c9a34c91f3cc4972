"""Charts: small, honest about gaps, and quiet about Plotly."""

from __future__ import annotations

import json

import plotly.graph_objects as go
import pytest

from layers import charts
from layers.profile import profile
from layers.view import View, resolve

LOOKS = ["light", "dark"]


def all_figures(small, look):
    whole = resolve(View(), small)
    code = small.regions("village")["code"].iloc[24]
    found = profile(small, View(region=code))
    yield charts.series(small, whole, look)
    yield charts.series(small, resolve(View(region=code, measure="income_met"), small), look)
    yield charts.series(small, resolve(View(round="r1"), small), look)
    yield charts.distribution(small, whole, look)
    yield charts.distribution(small, resolve(View(level="village"), small), look)
    yield charts.history(found["curves"][0], found["entities"], look)
    yield charts.items(found["items"][0], look)


@pytest.mark.parametrize("look", LOOKS)
def test_plotly_accepts_them_and_they_are_small(small, look):
    for figure in all_figures(small, look):
        go.Figure({"data": figure["data"], "layout": figure["layout"]}).to_plotly_json()
        text = json.dumps(figure, allow_nan=False)
        assert len(text) < 12_000
        assert "template" not in figure["layout"]
        assert figure["config"]["displayModeBar"] is False
        assert "Noto Sans SC" in figure["layout"]["font"]["family"]


def test_both_looks_have_their_own_colours(small):
    light, dark = (list(all_figures(small, look)) for look in LOOKS)
    for one, other in zip(light, dark, strict=True):
        assert one["layout"]["font"]["color"] != other["layout"]["font"]["color"]


def test_part_reported_periods_are_open_and_plan_points_are_there(small):
    figure = charts.series(small, resolve(View(), small), "light")
    named = {one["name"]: one for one in figure["data"] if "name" in one}
    # One village never reports: every month of the whole is partial.
    assert named["部分上报"]["marker"]["symbol"] == "circle-open"
    assert "上报" in named["部分上报"]["text"][0]
    assert "实际" not in named
    assert named["计划"]["x"] == ["2021年12月"]
    assert named["计划"]["y"] == [20.0]


def test_a_fully_reported_period_is_solid(small):
    figure = charts.series(small, resolve(View(region="990003"), small), "light")
    named = {one.get("name"): one for one in figure["data"]}
    assert named["实际"]["marker"]["symbol"] == "circle"


def test_a_gap_is_a_gap(small):
    silent = small.regions("village")["code"].iloc[0]
    figure = charts.series(small, resolve(View(region=silent), small), "light")
    lines = [one for one in figure["data"] if one["mode"] == "lines"]
    assert lines[-1]["y"][-1] is None
    assert 0 not in [y for y in lines[-1]["y"][3:] if y is not None]


def test_nothing_reported_says_so(small):
    silent = small.regions("village")["code"].iloc[12]
    figure = charts.series(small, resolve(View(region=silent), small), "dark")
    assert figure["data"] == []
    assert figure["layout"]["annotations"][0]["text"] == "没有数据"


def test_the_histogram_counts_what_the_legend_counts(small):
    figure = charts.distribution(small, resolve(View(level="village"), small), "light")
    bar = figure["data"][0]
    assert bar["x"][-1] == "未上报"
    assert bar["y"][-1] == 4
    assert sum(bar["y"]) == 9
    assert bar["marker"]["pattern"]["shape"][-1] == "/"


def test_history_marks_thresholds_and_the_arrival(small):
    code = small.regions("village")["code"].iloc[24]
    found = profile(small, View(region=code))
    figure = charts.history(found["curves"][0], found["entities"], "light")
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert any("进驻" in text for text in texts)
    assert any("万元" in text for text in texts)
    assert figure["data"][0]["x"][0] == "2018-03-31"


def test_a_name_is_text_not_markup():
    curve = {
        "points": [
            {"period": name, "period_label": name, "value": 1.0, "status": "verified"}
            for name in ("2020", "2021")
        ],
        "unit": "",
        "digits": 0,
        "thresholds": [],
    }
    team = {"items": [{"since": "2020-06", "name": "<a href=x>队", "via": []}]}
    figure = charts.history(curve, [team], "light")
    assert figure["layout"]["annotations"][0]["text"] == "&lt;a href=x&gt;队进驻"


def test_items_show_the_unknown_hatched(small):
    code = small.regions("village")["code"].iloc[12]
    found = profile(small, View(region=code))
    figure = charts.items(found["items"][0], "light")
    assert [one["name"] for one in figure["data"]] == ["未报"]
    assert figure["data"][0]["marker"]["pattern"]["shape"] == "/"


def test_no_chart_speaks_of_another_programme(tiny):
    figure = charts.series(tiny, resolve(View(measure="well_share"), tiny), "light")
    named = {one.get("name"): one for one in figure["data"]}
    assert named["计划"]["text"] == ["计划：村村有井"]


def test_a_chart_of_what_is_not_public_says_so_and_draws_nothing(open_world):
    look = resolve(View(measure="well_share", region="NA"), open_world)
    told = "“有水井的村”没有公布到村这一级。"
    for figure in (
        charts.series(open_world, look, "light"),
        charts.distribution(open_world, look, "dark"),
    ):
        assert figure["data"] == []
        assert [one["text"] for one in figure["layout"]["annotations"]] == [told]
    whole = resolve(View(measure="well_share"), open_world)
    assert charts.series(open_world, whole, "light")["data"]


def test_a_series_that_is_kept_back_says_why(open_world):
    look = resolve(View(measure="harvest_total", region="NA"), open_world)
    figure = charts.series(open_world, look, "light")
    assert figure["data"] == []
    assert "人数过少，不公布" in figure["layout"]["annotations"][0]["text"]
