"""A saved page opens anywhere: no host is asked, no name is run, and a table says the same."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest

from layers.page import save
from layers.view import View

OUTSIDE = re.compile(
    r"""(?:src|href|action|poster|data)\s*=\s*["']?\s*(?:https?:)?//|"""
    r"""url\(\s*["']?\s*(?:https?:)?//|@import|sourceMappingURL""",
    re.IGNORECASE,
)


class Reader(HTMLParser):
    """Collects elements and the text of table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")
        self.inside = tag == "td"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def page(small):
    return save(small, View(level="village"))


def test_nothing_is_asked_of_any_host(page):
    assert OUTSIDE.search(page) is None
    assert not [
        attrs
        for tag, attrs in read(page).tags
        if tag in ("link", "img", "iframe") or (tag == "script" and "src" in attrs)
    ]
    assert re.findall(r"url\((?!#|data:)", page) == []


def test_leaflet_is_in_it_with_its_licence(page):
    assert "Leaflet 1.9" in page
    assert "drawAtlas(map_atlas" in page


def test_it_says_what_it_shows_and_where_from(page, small):
    for text in (
        "<title>全市集体收入</title>",
        "第三轮",
        "2021年12月",
        "来源：演示数据",
        f"数据截至 {small.cutoff}",
        "演示数据，非真实统计",
        small.id,
    ):
        assert text in page
    assert "审图号" not in page
    assert 'lang="zh-CN"' in page
    assert "user-scalable" not in page


def test_the_legend_counts_the_villages(page):
    lines = re.findall(r"<li[^>]*>.*?<span>(.*?)</span><span class=\"n\">(.*?)</span>", page)
    found = dict(lines)
    assert found["未上报"] == "4"
    assert found["不在统计范围"] == "27"
    assert sum(int(count) for count in found.values()) == 36


def test_the_table_says_the_same_as_the_map(page, small):
    cells = read(page).cells
    rows = [cells[at : at + 5] for at in range(0, len(cells), 5)]
    assert len(rows) == 36
    values = small.values("collective_income", "r3", "village")
    for at, row in enumerate(rows):
        assert row[1] == small.regions("village")["code"].iloc[at]
        value = values.value[5, at]
        assert row[2] == ("" if math.isnan(value) else f"{value:.2f} 万元")


def test_missing_is_hatched(page):
    assert '<pattern id="hatch"' in page
    assert '"fill":"url(#hatch)"' in page


def test_filtered_classes_stay_out(small):
    page = save(small, View(level="village", off=frozenset({4})))
    assert page.count('"fill":"none"') == 2
    assert page.count("<li class=off>") == 1


def test_the_same_view_is_the_same_page(small):
    view = View(region="990001", look="dark")
    assert save(small, view) == save(small, view)


def test_a_district_has_the_others_around_it(small):
    page = save(small, View(region="990001"))
    assert page.count('"own":false') == 2
    assert 'class="dark"' in save(small, View(region="990001", look="dark"))


NASTY = (
    '<img src=x onerror="alert(1)">{{ 7*7 }}{% raw %}</script><script>alert(2)</script>\u2028&amp;'
)


def test_a_name_with_markup_is_only_a_name(renamed):
    page = save(renamed(NASTY), View(level="village"))
    reader = read(page)
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert len([tag for tag, _ in reader.tags if tag == "script"]) == page.count("<script")
    assert "<script>alert(2)" not in page
    assert "{{ 7*7 }}" in page, "braces are text, not a template"
    assert "\u2028" not in page.split("drawAtlas(map_atlas")[1].split("</script>")[0]
    assert any("onerror" in cell for cell in reader.cells)


def test_a_round_known_by_totals_is_saved_as_outlines(small):
    page = save(small, View(round="r1"))
    assert "全市第一轮" in page
    assert OUTSIDE.search(page) is None


def test_another_programme_with_two_levels(tiny):
    page = save(tiny, View(measure="harvest_mean", region="NA"))
    assert "甲村村均收成" in page
    assert "演示数据" not in page
