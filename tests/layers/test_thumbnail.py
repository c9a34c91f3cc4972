"""Gallery pictures: the portal's colours, few bytes, words for those who cannot see them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from geodata.errors import UnknownName
from layers.classify import classes
from layers.thumbnail import HEIGHT, MOST_BYTES, WIDTH, bounds, thumbnail

SVG = "{http://www.w3.org/2000/svg}"


def test_every_measure_has_a_picture(small):
    for measure in small.measures:
        for item in small.rounds:
            if small.has(measure.id, item.id):
                svg = thumbnail(small, measure.id, item.id)
                assert len(svg.encode()) < MOST_BYTES
                ET.fromstring(svg)


def test_it_shows_towns_in_the_colours_of_the_portal(small):
    svg = thumbnail(small, "gap_items", "r3")
    known = {one.light for one in classes(small, "gap_items", "r3", "town")}
    used = {path.get("fill") for path in ET.fromstring(svg).iter(f"{SVG}path")}
    assert used & known


def test_the_dark_one_is_dark(small):
    assert thumbnail(small, "gap_items", "r3") != thumbnail(small, "gap_items", "r3", "dark")


def test_missing_is_hatched(small):
    svg = thumbnail(small, "collective_income", "r3")
    assert 'fill="url(#h)"' in svg


def test_it_is_described(small):
    root = ET.fromstring(thumbnail(small, "gap_items", "r3"))
    assert root.find(f"{SVG}title").text == "缺项数分布图"
    text = root.find(f"{SVG}desc").text
    assert "全市各镇的缺项数" in text
    assert "个" in text


def test_it_is_the_same_every_time(small):
    assert thumbnail(small, "gap_items") == thumbnail(small, "gap_items")


def test_two_levels_show_the_leaves(tiny):
    svg = thumbnail(tiny, "harvest_mean")
    assert "各村的村均收成" in svg


def test_unknown_measures_are_refused(small):
    with pytest.raises(UnknownName):
        thumbnail(small, "nothing")


def test_a_region_fills_the_picture_outlined_among_faint_neighbours(small):
    svg = thumbnail(small, "collective_income", "r3", "dark", region="990002")
    assert len(svg.encode()) < MOST_BYTES
    paths = list(ET.fromstring(svg).iter(f"{SVG}path"))
    assert [one for one in paths if one.get("opacity")]
    assert paths[-1].get("stroke-width") == "3" and paths[-1].get("fill") == "none"
    assert "中洲区各镇的集体收入" in svg


def test_every_region_has_a_picture(small, tiny):
    for edition, measure in ((small, "income_met"), (tiny, "well_share")):
        for level in edition.levels:
            region = edition.at(level.id, 0).code
            ET.fromstring(thumbnail(edition, measure, look="dark", region=region))


def test_a_round_without_measures_is_drawn_plain(small):
    svg = thumbnail(small, None, "r1", "dark")
    assert "第一轮" in svg and "<path" in svg
    assert "region" not in svg


@pytest.mark.parametrize("code", [None, "990002", "990002901003"])
def test_bounds_are_the_degrees_of_the_edges(small, code):
    west, south, east, north = bounds(small, code)
    region = small.root if code is None else small.region(code)
    assert west < region.bounds[0] and south < region.bounds[1]
    assert east > region.bounds[2] and north > region.bounds[3]
    # The region lies in the middle, eight units from two of the edges at least.
    assert (west + east) / 2 == pytest.approx((region.bounds[0] + region.bounds[2]) / 2, abs=1e-5)
    assert (south + north) / 2 == pytest.approx((region.bounds[1] + region.bounds[3]) / 2, abs=1e-5)
    margins = (
        (region.bounds[0] - west) / (east - west) * WIDTH,
        (region.bounds[1] - south) / (north - south) * HEIGHT,
    )
    assert min(margins) == pytest.approx(8, abs=0.1)


def test_unknown_regions_are_refused(small):
    with pytest.raises(UnknownName):
        thumbnail(small, "gap_items", region="nowhere")
    with pytest.raises(UnknownName):
        bounds(small, "nowhere")
