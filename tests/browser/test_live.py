"""Open maps follow the ledger: a pick is seen on each of them, and nothing is loaded anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dashboard.app import create_app
from dashboard.settings import Settings
from geodata.edition import Edition
from geodata.ledger import Ledger
from tests.browser.conftest import PATIENCE_MS, Watched, serving
from tests.live_worlds import Hand

pytestmark = pytest.mark.browser

MOST_POLLS = 2
"""Polls, three seconds apart, after which every open map must have seen a pick."""


@pytest.fixture
def hand(small_folder: Path, small_edition: Edition, tmp_path: Path) -> Iterator[Hand]:
    """Decides in the ledger of a copy of the small workspace, as somebody at another screen."""
    place = shutil.copytree(small_folder, tmp_path / "workspace")
    book = Ledger.of(place)
    yield Hand(book, small_edition)
    book.dispose()


@pytest.fixture
def site(hand: Hand) -> Iterator[str]:
    """Address of the real app over that workspace."""
    folder = hand.ledger.embedded
    assert folder is not None
    app = create_app(Settings(workspace=folder.parent, access="open"))
    with serving(app.server) as address:
        yield address


def counts(watched: Watched) -> list[str]:
    """What the legend counts, class by class."""
    return list(
        watched.page.eval_on_selector_all(
            ".atlas-class-count", "all => all.map(one => one.textContent)"
        )
    )


def hero(watched: Watched) -> str:
    """The headline figure."""
    return str(watched.page.text_content(".hero"))


def polls(watched: Watched) -> int:
    """How often the page asked whether the ledger went on, since its requests were forgotten."""
    return sum(urlsplit(url).path == "/live/seq" for url in watched.requests)


def until(watched: Watched, text: str) -> None:
    """Wait until the headline says so."""
    watched.page.wait_for_function(
        "text => document.querySelector('.hero') && "
        "document.querySelector('.hero').textContent.indexOf(text) >= 0",
        arg=text,
        timeout=PATIENCE_MS,
    )


def marked(watched: Watched) -> None:
    """Leave a mark in the page that navigating or reloading would take away."""
    watched.page.evaluate("() => { window.here = bangfu.map; }")


def same_page(watched: Watched) -> bool:
    """Whether the page, and the map in it, are still those of before."""
    return bool(watched.page.evaluate("() => window.here && window.here === bangfu.map"))


def test_a_pick_is_seen_on_every_open_map_and_nowhere_else(
    visit: Callable[..., Watched], site: str, hand: Hand
) -> None:
    hand.pick(hand.targets[0])
    city = visit(f"{site}/?measure=contact_point_share&level=village")
    town = visit(f"{site}/?measure=contact_point_share&region=990001000000")
    other = visit(f"{site}/?measure=income_met")
    for watched in (city, town, other):
        watched.ready()
    until(city, "11.1")
    until(town, "33.3")
    before = counts(city)
    for watched in (city, town, other):
        watched.page.wait_for_timeout(4000)  # what loads after the map
        marked(watched)
    for watched in (city, town, other):
        watched.requests.clear()
    shown = other.page.evaluate("() => bangfu.painted.n")

    hand.pick(hand.targets[1])

    until(city, "22.2")
    assert polls(city) <= MOST_POLLS
    until(town, "66.7")
    assert polls(town) <= MOST_POLLS
    assert same_page(city) and same_page(town)
    city.page.wait_for_function(
        "before => JSON.stringify(Array.from(document.querySelectorAll('.atlas-class-count'),"
        " one => one.textContent)) !== before",
        arg=city.page.evaluate("before => JSON.stringify(before)", before),
    )
    row = town.page.text_content(".ranking tbody")
    assert row is not None and "100" in row
    for watched in (city, town):
        paths = {urlsplit(url).path for url in watched.requests}
        assert not [one for one in paths if one.startswith(("/tiles/", "/_dash"))], paths

    # The same time passes for a map of the edition alone: it asks for nothing but its health.
    assert [url for url in other.asked if "/live/" in url] == []
    assert other.page.evaluate("() => bangfu.painted.n") == shown and same_page(other)


def test_what_the_reader_chose_stays(visit: Callable[..., Watched], site: str, hand: Hand) -> None:
    hand.months(points=4, months=5)
    watched = visit(f"{site}/?measure=contact_point_share")
    watched.ready()
    page = watched.page
    page.wait_for_selector(".atlas-time input")
    page.evaluate("() => bangfu.map.jumpTo({ zoom: bangfu.map.getZoom() + 1.3 })")
    page.click(".atlas-class >> nth=0")
    slider = page.locator(".atlas-time input")
    slider.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1500)
    period = slider.input_value()
    zoom = page.evaluate("() => bangfu.map.getZoom()")
    first = page.evaluate("() => bangfu.arrays.cache.size")

    hand.pick(hand.targets[-1])
    page.wait_for_function(
        "first => bangfu.arrays.cache.size > first", arg=first, timeout=PATIENCE_MS
    )
    page.wait_for_timeout(1500)
    assert slider.input_value() == period
    assert abs(page.evaluate("() => bangfu.map.getZoom()") - zoom) < 0.01
    assert page.get_attribute(".atlas-class >> nth=0", "aria-pressed") == "false"
    assert "off=0" in page.url


def test_a_page_that_nobody_looks_at_does_not_ask(
    visit: Callable[..., Watched], site: str, hand: Hand
) -> None:
    hand.pick(hand.targets[0])
    watched = visit(f"{site}/?measure=contact_point_share")
    watched.ready()
    page = watched.page
    hide: Any = """on => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => on });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(500)
    watched.requests.clear()
    page.wait_for_timeout(7000)
    assert polls(watched) == 0
    page.evaluate(hide, False)
    page.wait_for_timeout(500)
    assert polls(watched) == 1


def test_polls_are_background_and_one_at_a_time(
    visit: Callable[..., Watched], site: str, hand: Hand
) -> None:
    hand.pick(hand.targets[0])
    watched = visit(f"{site}/?measure=contact_point_share")
    watched.ready()
    page = watched.page
    heard: list[str] = []
    held: list[Any] = []

    def hold(route: Any) -> None:
        heard.append(route.request.headers.get("x-background", ""))
        held.append(route)

    page.route("**/live/seq", hold)
    page.wait_for_timeout(7000)
    assert heard == ["1"]
    held[0].continue_()
    page.unroute("**/live/seq")
    hand.pick(hand.targets[1])
    until(watched, "22.2")


def test_the_wall_gets_its_scene_and_its_numbers_by_themselves(
    visit: Callable[..., Watched], site: str, hand: Hand
) -> None:
    watched = visit(f"{site}/wall?pace=20", 1920, 1080, reduced_motion="reduce")
    page = watched.page
    there = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"
    page.wait_for_function(there, timeout=PATIENCE_MS)
    kinds = "() => bangfu.wall.scenes.map(one => one.kind)"
    assert "contact" not in page.evaluate(kinds)
    edition = page.evaluate("() => bangfu.wall.state().edition")

    hand.pick(hand.targets[-1])
    page.wait_for_function(
        "() => bangfu.wall.scenes.some(one => one.kind === 'contact')", timeout=PATIENCE_MS
    )
    hand.months(points=4, months=5)
    # Its numbers follow between two scenes, once the ledger has been at rest for a little.
    page.wait_for_function(
        "() => bangfu.wall.scenes.some(one => one.sentence.indexOf('5 个有人联系') > 0)",
        timeout=PATIENCE_MS,
    )
    page.evaluate("() => { bangfu.wall.hold(true); bangfu.wall.go('contact'); }")
    page.wait_for_function(
        "() => bangfu.wall.state().scene === 'contact' && bangfu.wall.state().settled",
        timeout=PATIENCE_MS,
    )
    assert "5" in page.inner_text(".wall-sentence")
    assert page.evaluate("() => bangfu.wall.state().edition") == edition
    if keep := os.environ.get("KEEP_PICTURES"):
        for width, height in ((1920, 1080), (3840, 2160), (5760, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(4000)
            page.screenshot(path=Path(keep) / f"wall-contact-{width}.png")
