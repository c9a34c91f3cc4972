"""The demo's own briefing: declared by name, valid at any size, quick, and with notes to read."""

from __future__ import annotations

import json
import time

import pytest

from geodata import demo
from geodata.edition import Edition
from layers.briefing import content, default, notes, read, scenes
from tests import demo_worlds


@pytest.fixture(scope="module")
def edition() -> Edition:
    return Edition.open(demo_worlds.edition_folder(demo_worlds.SMALL))


def test_it_is_valid_and_every_scene_has_notes(edition: Edition) -> None:
    briefing = read(demo_worlds.workspace(demo_worlds.SMALL) / demo.BRIEFING)
    told = scenes(edition, briefing)
    assert {one.kind.value for one in told} == {
        "overview",
        "map",
        "gaps",
        "progress",
        "region",
        "standings",
    }
    assert set(notes(edition, briefing)) == {one.id for one in told}
    assert "演示数据" in briefing.title
    # The last one waits for a ledger that holds something.
    *drawn, contact = briefing.scenes
    assert contact.kind == "contact"
    assert all(item.measure and not item.measure.startswith("theme:") for item in drawn)


def test_the_twelve_items_are_small_multiples_in_their_order(edition: Edition) -> None:
    briefing = read(demo_worlds.workspace(demo_worlds.SMALL) / demo.BRIEFING)
    (twelve, seven) = [one for one in scenes(edition, briefing) if one.kind == "gaps"]
    items = edition.space.round("r2").items
    assert twelve.measures == tuple(f"lacks_{item}" for item in items) and len(items) == 12
    assert seven.measures == tuple(f"lacks_{item}" for item in edition.space.round("r3").items)


def test_notes_tell_no_figures_that_only_the_data_can_know(edition: Edition) -> None:
    briefing = read(demo_worlds.workspace(demo_worlds.SMALL) / demo.BRIEFING)
    for text in notes(edition, briefing).values():
        # 20 万元 is the goal; everything else is on the screen.
        assert not any(mark.isdigit() for mark in text.replace("20 万元", ""))


def test_all_scenes_are_told_in_little_time(edition: Edition) -> None:
    for briefing in (default(), read(demo_worlds.workspace(demo_worlds.SMALL) / demo.BRIEFING)):
        begin = time.perf_counter()
        for scene in scenes(edition, briefing):
            assert len(json.dumps(content(edition, scene), allow_nan=False)) < 200_000
        assert time.perf_counter() - begin < 3
