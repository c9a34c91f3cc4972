"""The drawn first map shows the map's classes in the map's colours, light enough to come first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lxml import etree

from geodata.edition import Edition
from geodata.vocabulary import Status
from layers.classify import assign, classes
from layers.palette import GROUNDS
from layers.public import first_map
from layers.public.facts import Facts
from layers.view import View, resolve

NS = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> Any:
    return etree.fromstring(text.encode())


@pytest.fixture(params=["small", "tiny"])
def edition(request: pytest.FixtureRequest) -> Edition:
    found: Edition = request.getfixturevalue(request.param)
    return found


def test_each_class_that_occurs_is_drawn_in_its_colours(edition: Edition) -> None:
    look = resolve(View(), edition)
    assert look.measure is not None
    values = edition.values(look.measure.id, look.round.id, look.level)
    known = classes(edition, look.measure.id, look.round.id, look.level)
    place = assign(values.value[look.period], known, values.status[look.period])
    tree = drawn(first_map.svg(edition))
    for mark in ("light", "dark"):
        group = tree.find(f"{NS}g[@class='{'lt' if mark == 'light' else 'dk'}']")
        fills = {one.get("fill") for one in group}
        wanted = {getattr(one, mark) for one in known if one.index in place}
        assert fills - {f"url(#h{mark[0]})", GROUNDS[mark].out_of_scope} == wanted


def test_it_is_named_described_and_says_the_districts(edition: Edition) -> None:
    tree = drawn(first_map.svg(edition))
    assert tree.get("role") == "img"
    ids = tree.get("aria-labelledby").split()
    assert [tree.find(f".//*[@id='{one}']").tag for one in ids] == [f"{NS}title", f"{NS}desc"]
    look, lines = first_map.key(edition)
    assert look.measure is not None
    assert look.measure.label in tree.find(f"{NS}title").text
    for line in lines:
        if line.count:
            assert f"{line.label} {line.count} 个" in tree.find(f"{NS}desc").text
    names = {one.text for one in tree.iter(f"{NS}text")}
    assert set(edition.regions(look.level)["name"]) <= names


def test_it_has_nothing_that_a_strict_page_refuses(edition: Edition) -> None:
    text = first_map.svg(edition)
    assert "style" not in text
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.encode()) < first_map.MOST_BYTES


def test_no_data_and_what_is_not_published_are_hatched(small: Edition) -> None:
    look = resolve(View(), small)
    assert look.measure is not None
    for status in (Status.MISSING, Status.SUPPRESSED):
        edition = Edition(small.folder, f"{small.id}-{status}", "")
        real = edition.values

        def values(name: str, of: str, level: str, real: Any = real, status: Any = status) -> Any:
            known = real(name, of, level)
            if level != look.level:
                return known
            value, state = known.value.copy(), known.status.copy()
            value[:, 0], state[:, 0] = np.nan, status
            return replace(known, value=value, status=state)

        edition.values = values  # type: ignore[method-assign]
        tree = drawn(first_map.svg(edition))
        group = tree.find(f"{NS}g[@class='lt']")
        assert "url(#hl)" in {one.get("fill") for one in group}
        assert tree.find(f".//{NS}pattern[@id='hl']") is not None


@pytest.mark.parametrize("most", [4000, 1200, 10])
def test_what_is_too_heavy_is_drawn_coarser_then_merged_then_as_an_outline(
    tiny: Edition, small: Edition, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(first_map, "MOST_BYTES", most)
    for edition in (tiny, small):
        text = first_map.svg(edition)
        assert len(text.encode()) < max(most, 3000)
        tree = drawn(text)
        assert tree.find(f".//{NS}path[@id='p0']").get("d").startswith("M")


def test_hostile_words_stay_words(small: Edition) -> None:
    tree = drawn(first_map.svg(small, Facts(watermark="<b>&\"'")))
    assert tree.find(f"{NS}text[@class='wm']").text == "<b>&\"'"
