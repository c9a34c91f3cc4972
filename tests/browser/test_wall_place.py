"""The wall's pairing card stands where it covers least, and the corner counts the scenes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE_MS, Watched

pytestmark = pytest.mark.browser

ROOM = {"left": 0, "top": 0, "right": 1000, "bottom": 500}
CARD = {"width": 200, "height": 100}


@pytest.fixture
def wall(visit: Callable[..., Watched], served: str) -> Any:
    seen = visit(f"{served}/wall?pace=20", width=1920, height=1080, reduced_motion="reduce")
    seen.page.wait_for_function(
        "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled", timeout=PATIENCE_MS
    )
    seen.page.evaluate("() => bangfu.wall.hold(true)")
    return seen.page


def freest(page: Any, taken: list[dict[str, float]], before: Any = None) -> dict[str, float]:
    return dict(
        page.evaluate(
            "([taken, card, room, before]) => bangfuWall.freest(taken, card, room, before)",
            [taken, CARD, ROOM, before],
        )
    )


def box(left: float, top: float, right: float, bottom: float, weight: float = 1) -> dict[str, Any]:
    return {"left": left, "top": top, "right": right, "bottom": bottom, "weight": weight}


def test_the_freest_place(wall: Any) -> None:
    assert freest(wall, []) == {"left": 0, "top": 400}, "low and left where all is free"
    # All is taken but a gap at the right, from 600 to 900 and below 150.
    gap = [box(0, 0, 1000, 150), box(0, 150, 600, 500), box(900, 150, 1000, 500)]
    found = freest(wall, gap)
    assert 600 <= found["left"] <= 700 and 150 <= found["top"] <= 400
    # Where nothing is free, what is worth least is covered.
    found = freest(wall, [box(0, 0, 500, 500, 3), box(500, 0, 1000, 500, 1)])
    assert found["left"] >= 500
    # It stays where it is, unless elsewhere is clearly better.
    assert freest(wall, [], {"left": 300, "top": 200}) == {"left": 300, "top": 200}
    moved = freest(wall, [box(0, 0, 600, 500)], {"left": 300, "top": 200})
    assert moved["left"] >= 600


def test_the_card_is_whole_and_covers_no_heading(wall: Any) -> None:
    wall.evaluate("() => bangfu.wall.pairing(true)")
    card = wall.locator(".shell-card")
    for name in wall.evaluate("() => bangfu.wall.scenes.map(one => one.id)"):
        wall.evaluate("name => bangfu.wall.go(name)", name)
        wall.wait_for_function(
            "name => bangfu.wall.state().scene === name && bangfu.wall.state().settled",
            arg=name,
            timeout=PATIENCE_MS,
        )
        wall.wait_for_timeout(1500)
        own = card.bounding_box()
        assert own["x"] >= 0 and own["x"] + own["width"] <= 1920
        assert own["y"] >= 0 and own["y"] + own["height"] <= 1080
        for text in (".wall-sentence", ".wall-corner"):
            other = wall.locator(f".wall-scenes ~ {text}, .wall-enter {text}").last.bounding_box()
            apart = (
                own["x"] >= other["x"] + other["width"]
                or other["x"] >= own["x"] + own["width"]
                or own["y"] >= other["y"] + other["height"]
                or other["y"] >= own["y"] + own["height"]
            )
            assert apart, (name, text)


def test_the_corner_says_which_scene_of_how_many(wall: Any) -> None:
    names = wall.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    counter = wall.locator(".wall-counter")
    for number in (1, 2, len(names)):
        wall.evaluate("name => bangfu.wall.go(name)", names[number - 1])
        wall.wait_for_function(
            "name => bangfu.wall.state().scene === name && bangfu.wall.state().settled",
            arg=names[number - 1],
            timeout=PATIENCE_MS,
        )
        assert counter.inner_text() == f"{number}/{len(names)}"
