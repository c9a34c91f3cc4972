"""Gallery pictures: the portal's colours, few bytes, words for those who cannot see them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from geodata.errors import UnknownName
from layers.classify import classes
from layers.thumbnail import MOST_BYTES, thumbnail

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
