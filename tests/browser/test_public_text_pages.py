"""The public's text pages in a browser: narrow, zoomed, by keyboard, in large type, on paper."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from geodata.edition import Edition
from layers.public import hant
from layers.public.pages import Assets, Pages, path_of
from tests.worlds import build_small

pytestmark = pytest.mark.browser

ASSETS = Path(__file__).parents[2] / "assets"
FILES = ("tokens.css", "public/pages.css", "public/pages.js", "favicon.ico")


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a word."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return build_small(tmp_path_factory.mktemp("text-pages"))


@pytest.fixture(scope="module")
def site(edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "r").mkdir()
    assets = Assets(
        styles=("tokens.css", "pages.css"),
        script="pages.js",
        hant="hant.json",
        icon="favicon.ico",
        atlas="atlas.json",
    )
    for path, text in Pages(edition, assets=assets).all():
        (folder / path).write_text(text, "utf-8")
    for name in FILES:
        shutil.copyfile(ASSETS / name, folder / Path(name).name)
    (folder / "hant.json").write_text(json.dumps(hant.of(edition)), "utf-8")
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(chromium: Any, site: str) -> Iterator[Any]:
    """Opens a page of the site at a size; whatever its console says is a fault."""
    contexts, said = [], []

    def go(path: str, width: int = 1280, **wishes: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 740}, **wishes)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(site + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert said == []


def every_kind(edition: Edition) -> list[str]:
    regions = [path_of(edition.at(level.id, 0).code) for level in edition.levels]
    return ["index.html", "embed.html", "list.html", "about.html", *regions]


def test_nothing_is_cut_off_on_a_narrow_screen_or_at_twice_the_size(
    edition: Edition, opened: Any
) -> None:
    for path in every_kind(edition):
        # 640 CSS pixels are a screen of 1280 at 200 %.
        for width in (320, 640):
            page = opened(path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.evaluate("document.documentElement.setAttribute('data-elder', '')")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_first_key_leads_past_the_head_to_the_text(edition: Edition, opened: Any) -> None:
    page = opened(path_of(edition.at("town", 0).code))
    page.keyboard.press("Tab")
    box = page.locator("a.sk").bounding_box()
    assert page.evaluate("document.activeElement.className") == "sk"
    assert box["x"] >= 0, "it is seen as soon as it has the focus"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def test_large_type_and_characters_are_switched_by_key_and_kept(
    edition: Edition, opened: Any
) -> None:
    code = edition.at("village", 0).code
    page = opened(path_of(code))
    size = "parseFloat(getComputedStyle(document.querySelector('td')).fontSize)"
    small = page.evaluate(size)
    plain = page.inner_text("body")
    elder = page.get_by_role("button", name="长者模式")
    elder.focus()
    page.keyboard.press("Enter")
    assert elder.get_attribute("aria-pressed") == "true"
    assert page.evaluate(size) > small * 1.2
    page.get_by_role("button", name="繁体字").press("Enter")
    page.locator("html[lang=zh-Hant]").wait_for(state="attached")
    table = hant.of(edition)
    assert hant.convert(table, edition.at("village", 0).name) in page.inner_text("h1")
    assert "數值" in page.inner_text("table")
    # The next page knows.
    page.goto(page.url.replace(code, edition.at("village", 1).code))
    page.locator("html[lang=zh-Hant]").wait_for(state="attached")
    assert page.evaluate(size) > small * 1.2
    page.goto(page.url.replace(edition.at("village", 1).code, code))
    page.locator("html[lang=zh-Hant]").wait_for(state="attached")
    page.locator(".tg button").nth(1).press("Enter")
    page.locator("html[lang=zh-CN]").wait_for(state="attached")
    page.locator(".tg button").nth(0).press("Enter")
    assert page.inner_text("body") == plain


def test_both_looks_show_their_own_map(opened: Any) -> None:
    for scheme, shown, other in (("light", "lt", "dk"), ("dark", "dk", "lt")):
        page = opened("index.html", color_scheme=scheme)
        assert page.locator(f"svg.fm .{shown}").is_visible()
        assert not page.locator(f"svg.fm .{other}").is_visible()
        page.emulate_media(media="print")
        assert page.locator("svg.fm .lt").is_visible()


def test_pages_read_without_style_and_without_script(
    edition: Edition, chromium: Any, site: str
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route("**/*.css", lambda route: route.abort())
    page.goto(site + "index.html")
    text = page.inner_text("body")
    for child in edition.children(edition.root.code):
        assert child.name in text
    page.get_by_role("link", name=edition.at("district", 0).name).first.click()
    page.get_by_role("link", name=edition.at("town", 0).name).first.click()
    page.get_by_role("link", name=edition.at("village", 0).name).first.click()
    assert page.url.endswith(path_of(edition.at("village", 0).code))
    assert page.locator("h1").inner_text() == edition.at("village", 0).name
    context.close()
