"""What each scene looks like in each layout, held against approved pictures.

They are changed deliberately: `APPROVE=1 pytest tests/browser/test_wall_pictures.py`, look at
them, commit them. The tolerance is stated in `pictures.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.pictures import approve

pytestmark = pytest.mark.browser

PASSING = ".shell-toast, .shell-card-place"

LAYOUTS = {"hd": (1920, 1080), "uhd": (3840, 2160), "strip": (5760, 1080)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_scene_looks_as_approved(
    visit: Callable[..., Watched], served: str, layout: str
) -> None:
    width, height = LAYOUTS[layout]
    watched = visit(f"{served}/wall?pace=20", width=width, height=height, reduced_motion="reduce")
    page = watched.page
    there = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"
    page.wait_for_function(there, timeout=PATIENCE_MS)
    page.evaluate("() => { bangfu.wall.hold(true); bangfu.wall.pairing(false); }")
    assert page.evaluate("() => document.documentElement.dataset.layout") == layout
    # What comes and goes says nothing about the layout.
    page.add_style_tag(content=f"{PASSING} {{ visibility: hidden !important; }}")
    names = page.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    # One region stands for all.
    first = next(name for name in names if name.startswith("region-"))
    for name in [one for one in names if not one.startswith("region-") or one == first]:
        page.evaluate("name => bangfu.wall.go(name)", name)
        page.wait_for_function(
            "name => bangfu.wall.state().scene === name && bangfu.wall.state().settled",
            arg=name,
            timeout=PATIENCE_MS,
        )
        approve(f"wall-{layout}-{'region' if name == first else name}", still(page))


def still(page: Any) -> bytes:
    """A screenshot once two in a row are the same: software GL draws a large screen in pieces."""
    before = b""
    for _ in range(30):
        page.wait_for_timeout(300)
        now = bytes(page.screenshot())
        if now == before:
            return now
        before = now
    raise AssertionError("the screen never comes to rest")
