"""The arrangement: everything on the page, nothing over something else, at every shape."""

from __future__ import annotations

import itertools

import pytest

from layers.deck import drawing
from layers.deck.compose import Grid, Picture, Plot, Text, compose, ems, fit, size_for
from layers.deck.graph_svg import graph_svg
from layers.deck.graphs import Bars, axis, graphs
from layers.deck.slide import scale_bar, slide
from tests.layers import deck_contents

SHAPES = [(1920, 1080), (3840, 2160), (5760, 1080), (1280, 960), (1080, 1920)]


def page(small, content, pixels):
    width, height = size_for(*pixels)
    said = slide(small, content, link=lambda query: "http://a/?" + query, look="dark", number=1)
    made = compose(said, width=width, height=height, look="dark")
    drawing.measure(small, made)
    return made


@pytest.mark.parametrize("pixels", SHAPES)
@pytest.mark.parametrize("scene", range(4))
def test_everything_stands_on_the_page(small, pixels, scene):
    made = page(small, deck_contents.everything(small)[scene], pixels)
    for item in made.items:
        if hasattr(item, "box"):
            assert item.box.x >= 0
            assert item.box.y >= 0
            assert item.box.w > 0
            assert item.box.h > 0
            assert item.box.right <= made.width + 0.01
            assert item.box.bottom <= made.height + 0.01


@pytest.mark.parametrize("pixels", SHAPES)
@pytest.mark.parametrize("scene", range(4))
def test_maps_graphs_and_tables_do_not_lie_over_each_other(small, pixels, scene):
    made = page(small, deck_contents.everything(small)[scene], pixels)
    large = [one.box for one in made.items if isinstance(one, (Picture, Plot, Grid))]
    sentence = [one.box for one in made.items if isinstance(one, Text) and one.role == "sentence"]
    for one, other in itertools.combinations(large + sentence, 2):
        apart = (
            one.right <= other.x + 0.01
            or other.right <= one.x + 0.01
            or one.bottom <= other.y + 0.01
            or other.bottom <= one.y + 0.01
        )
        assert apart


def test_a_long_sentence_takes_two_lines_and_still_fits(small):
    content = {**deck_contents.progress(small), "sentence": "全市的扶持村" * 12}
    made = page(small, content, (1920, 1080))
    box, size = next(
        (one.box, one.size)
        for one in made.items
        if isinstance(one, Text) and one.role == "sentence"
    )
    assert ems(content["sentence"]) * size <= 2 * box.w
    assert box.h >= 2 * size


def test_text_takes_the_largest_size_that_fits():
    assert fit("十个字的一句话够长了", 120, 1, (20, 12, 8)) == 12
    assert fit("长" * 500, 120, 1, (20, 12, 8)) == 8


def test_notes_of_figures_are_said_once(small):
    made = page(small, deck_contents.progress(small), (1920, 1080))
    texts = [one.text for one in made.items if isinstance(one, Text)]
    assert "达标＊" in texts
    assert "＊测算" in texts


@pytest.mark.parametrize(
    ("metres", "most", "label"),
    [(100.0, 110, "10 公里"), (1.0, 110, "100 米"), (40.0, 60, "2 公里"), (0.05, 100, "5 米")],
)
def test_a_scale_bar_is_a_round_distance(metres, most, label):
    length, shown = scale_bar(metres, most)
    assert shown == label
    assert 0 < length <= most


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (0, 0), (3.2, 3.4), (-5, 12), (0, 0.004), (12_000, 31_000)]
)
def test_an_axis_holds_its_values_between_round_ends(low, high):
    start, stop, step = axis(low, high)
    assert start <= low
    assert stop >= high
    assert step > 0
    assert 1 <= round((stop - start) / step) <= 8


def test_an_axis_starts_at_zero_unless_that_flattens_the_curve():
    assert axis(20, 80)[0] == 0
    assert axis(90, 100)[0] > 0


def test_quarters_are_as_far_apart_as_they_are_in_time(small):
    content = deck_contents.progress(small)
    content["series"] = {
        **content["series"],
        "periods": [
            {"id": "2018-Q1", "label": "一季度"},
            {"id": "2018-Q4", "label": "四季度"},
        ],
        "value": [1.0, 4.0],
        "partial": [False, False],
        "plan": [{"period": "2019-06", "value": 6.0, "label": "年中"}],
        "plan_line": [],
    }
    lines = graphs(content)[0]
    assert lines.labels[0] == "一季度"
    assert lines.value == (1.0, None, None, 4.0, None, None)
    assert lines.plan == (None, None, None, None, None, 6.0)


def test_the_plan_is_drawn_on_to_what_is_still_promised(small):
    lines = graphs(deck_contents.progress(small))[0]
    assert lines.plan_line[5] == 54.2
    assert lines.plan_line[6:] == pytest.approx((62.8, 71.4, 80.0))


@pytest.mark.parametrize(
    ("target", "shown"), [(80.0, True), (33.3, True), (20.0, False), (0, False)]
)
def test_a_target_stands_behind_bars_where_it_can_be_seen(small, target, shown):
    content = deck_contents.progress(small)
    content["ranking"]["target"] = target
    assert (graphs(content)[1].target is not None) is shown


def test_a_bar_bears_the_number_of_its_region_on_the_map(small):
    content = deck_contents.progress(small)
    content["marked"][0]["rank"] = 7
    assert graphs(content)[1].labels[0].startswith("7 ")


def test_a_series_without_values_is_no_graph(small):
    content = deck_contents.progress(small)
    content["series"]["value"] = [None] * 6
    content["ranking"] = None
    assert graphs(content) == ()


def test_negative_bars_go_the_other_way(small):
    made = page(small, deck_contents.progress(small), (1920, 1080))
    graph = Bars("变化", "项", 1, ("甲", "乙"), (-2.0, 1.0), ("−2.0 项", "1.0 项"))
    svg = graph_svg(graph, 300, 80, made.ink, "Noto Sans CJK SC")
    assert svg.count("<rect") == 2


def test_bars_without_any_value_are_drawn(small):
    made = page(small, deck_contents.progress(small), (1920, 1080))
    graph = Bars("空", "", 0, ("甲（未上报）",), (None,), ("—",))
    assert "—" in graph_svg(graph, 300, 40, made.ink, "Noto Sans CJK SC")
