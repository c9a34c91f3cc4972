"""The public map in the oldest browser that it promises to run in, driven as a reader would.

One story in one browser: whatever the page complains of on the way is a fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geodata.edition import Edition
from geodata.words import say
from layers.page import save
from layers.public.pages import path_of
from layers.view import View
from tests.browser.chromium80 import Page, old_browser
from tests.browser.pictures import read
from tests.browser.public_fixture import FIRST, hosting, outside, write

pytestmark = pytest.mark.browser

__all__ = ["old_browser"]  # a fixture is found by its name

DISTRICT = "990002000000"
"""中洲区."""


@pytest.fixture(scope="module")
def hosted(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("old")
    write(small_edition, root)
    with hosting(root) as address:
        yield address


@pytest.fixture
def page(old_browser: Page) -> Iterator[Page]:
    """The browser's page, which must have been silent in the end."""
    old_browser.troubles.clear()
    old_browser.requests.clear()
    old_browser.size(900, 600)
    yield old_browser
    assert old_browser.troubles == []


def painted(page: Page, **wanted: object) -> None:
    """Wait until the map shows `wanted` (region, level, period, ...)."""
    page.until(
        f"(wanted => window.bangfu && window.bangfu.painted && Object.keys(wanted).every("
        f"key => window.bangfu.painted[key] === wanted[key]))({json.dumps(wanted)})"
    )


def colours(page: Page, selector: str) -> int:
    """How many colours fill at least a thousandth of what an element shows."""
    box = page.value(
        f"(() => {{ const b = document.querySelector({json.dumps(selector)})"
        ".getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })()"
    )
    left, top, right, bottom = (round(edge) for edge in box)
    pixels = read(page.screenshot())[top:bottom, left:right].reshape(-1, 3)
    _, counts = np.unique(pixels, axis=0, return_counts=True)
    return int((counts > len(pixels) / 1000).sum())


def button(name: str) -> str:
    """The button that has a label."""
    return f"button[aria-label={json.dumps(say(name), ensure_ascii=False)}]"


def test_the_map_does_in_chromium_80_what_it_does_in_new_browsers(
    page: Page, hosted: str, small_edition: Edition
) -> None:
    assert page.version.startswith("HeadlessChrome/80.")
    page.open(hosted + "index.html")
    page.until(f"({FIRST})()")
    painted(page, level="district")
    page.until("bangfu.map.loaded() && !document.querySelector('.first-look')")
    assert colours(page, "#map canvas") > 5, "a map of several classes is drawn"

    # Down by a click on the map.
    place = page.value(
        "(() => { const one = bangfu.public.atlas.known.get("
        f"{json.dumps(DISTRICT)}), box = bangfu.map.getCanvas().getBoundingClientRect();"
        " const at = bangfu.map.project([one.lon, one.lat]);"
        " return [box.left + at.x, box.top + at.y]; })()"
    )
    page.click_at(*place)
    painted(page, region=DISTRICT, level="town")
    assert page.value("document.querySelector('#crumbs').innerText").split() == ["全市", "中洲区"]

    # Another month, by the slider's own key.
    before = page.value("bangfu.painted.period")
    page.value("document.querySelector('#time input').focus()")
    key = {"key": "ArrowLeft", "code": "ArrowLeft", "windowsVirtualKeyCode": 37}
    page.send("Input.dispatchKeyEvent", type="rawKeyDown", **key)
    page.send("Input.dispatchKeyEvent", type="keyUp", **key)
    painted(page, period=before - 1)
    page.until("location.search.includes('period=')")

    # The table in the map's place.
    page.click(button("portal.actions.table_title"))
    page.until("document.querySelectorAll('#table tbody tr').length === 2")
    page.click(button("portal.actions.map_title"))
    page.until("document.querySelector('#table') === null")

    # Search by initials.
    page.click("#search-input")
    page.type("sqz")
    page.click("#search-list [role=option]")
    town = next(one for one in small_edition.search("石桥镇") if one.name == "石桥镇")
    painted(page, region=town.code)

    # Large type, traditional characters.
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    normal = page.value(size)
    page.click(button("public.screen.elder_on"))
    page.until(f"{size} >= {1.25 * normal}")
    page.click(button("public.screen.traditional"))
    page.until("document.body.innerText.includes('石橋鎮')")
    assert page.value("document.documentElement.lang") == "zh-Hant"
    assert page.value("document.documentElement.scrollWidth <= innerWidth")

    # The text page of that town knows both wishes.
    page.open(hosted + path_of(town.code))
    page.until("document.documentElement.lang === 'zh-Hant' && document.readyState === 'complete'")
    assert page.value("document.querySelector('h1').innerText") == "石橋鎮"
    assert page.value("document.documentElement.hasAttribute('data-elder')")
    page.value("localStorage.clear()")
    assert outside(page.requests, hosted) == []


def test_months_play_in_chromium_80(page: Page, hosted: str) -> None:
    page.open(hosted + "index.html?period=2021-07")
    page.until(f"({FIRST})()")
    painted(page, period=0)
    page.click(".atlas-play")
    painted(page, period=2)
    assert colours(page, "#map canvas") > 5
    assert any("/d/mesh" in url for url in page.requests)


def test_a_page_to_take_along_opens_in_chromium_80(
    page: Page, small_edition: Edition, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(save(small_edition, View(level="village"), every=True), "utf-8")
    page.open(file.as_uri())
    page.until("document.querySelectorAll('.leaflet-interactive').length > 4")
    assert colours(page, ".folium-map") > 4
    chosen: Any = page.value(
        "(() => { const s = document.querySelector('.turns select'); s.value = '0';"
        " s.dispatchEvent(new Event('change'));"
        " return document.querySelector('.now').innerText; })()"
    )
    assert chosen == "2021年7月"
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
