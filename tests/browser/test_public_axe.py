"""axe finds nothing on any public page in any state: WCAG 2.2 A and AA, and axe's best practice.

Each page is loaded once and led from state to state as a reader would; after each of them axe looks
at all that is there. Whatever it finds fails the test, however small.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dashboard.public_answers import respond
from geodata.edition import Edition
from geodata.words import say
from layers.page import save
from layers.public.pages import path_of
from layers.view import View
from tests.browser.accessibility import bring, faults
from tests.browser.public_fixture import FIRST, GONE, hosting, suppress, withhold, write

pytestmark = pytest.mark.browser

Visit = Callable[..., Any]

ASSETS = Path(__file__).parents[2] / "assets"
STATUSES = (404, 429, 503)
HIDDEN = 1
"""Position of the district whose values are suppressed."""
DISTRICT = "990002000000"
INCOME = "collective_income"


@pytest.fixture(scope="module")
def site(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bundle with a suppressed district, a level that is not published, a measure taken back;
    beside it the pages that the server answers with when there is no page, and one to mail.
    """
    root = tmp_path_factory.mktemp("axe")
    folder = write(small_edition, root)
    suppress(folder, "r3", INCOME, "district", HIDDEN)
    withhold(folder, INCOME, "town")
    app = Flask("answers")
    for status in STATUSES:
        with app.test_request_context():
            answer = respond(status, say("api.status_other", status=status))
        (folder / f"{status}.html").write_bytes(answer.data)
    shutil.copy(ASSETS / "favicon.ico", root)  # these pages name no icon
    page = save(small_edition, View(level="village"), every=True)
    (folder / "mail.html").write_text(page, "utf-8")
    with hosting(root) as address:
        yield address


class Audit:
    """One page, and what axe said in each of its states."""

    def __init__(self, visit: Visit, site: str) -> None:
        self._site = site
        self.seen = visit("about:blank", 1280, 800, reduced_motion="reduce")
        self.page = self.seen.page
        self.found: list[str] = []

    def open(self, path: str, ready: str = "") -> None:
        """Go to a page of the bundle; axe comes with it."""
        self.page.goto(self._site + path)
        if ready:
            self.seen.ready(ready)
        bring(self.page)

    def look(self, state: str) -> None:
        """Let axe look at what is there now."""
        self.found += faults(self.page, state)

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=say(name)).first.click()

    def both_looks(self, state: str) -> None:
        """Light and dark."""
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.look(f"{state}, {scheme}")


@pytest.fixture
def audit(visit: Visit, site: str) -> Iterator[Audit]:
    audit = Audit(visit, site)
    yield audit
    assert not audit.found, "\n".join(audit.found)


def test_the_map_in_every_state(audit: Audit) -> None:
    page, seen = audit.page, audit.seen
    audit.open("index.html", FIRST)
    audit.both_looks("first")
    page.locator(".measure-now").click()
    audit.look("choice of measures, one taken back")
    page.keyboard.press("Escape")
    page.locator("#search-input").fill("镇")
    page.locator("#search-list [role=option]").first.wait_for()
    audit.look("results of the search")
    page.locator("#search-input").fill("没有这个地方")
    page.wait_for_function("() => !document.querySelector('#search-list [role=option]')")
    audit.look("no results")
    page.locator("#search-input").fill("")
    page.keyboard.press("Escape")
    page.locator("#legend [data-class='255']").click()
    page.locator(".atlas-play").click()
    audit.look("playing, one class taken off")
    page.locator(".atlas-play").click()
    for dialog, name in (
        ("#take", "public.screen.take_title"),
        ("#share", "public.screen.share_title"),
        ("dialog[open]", "portal.actions.help_title"),
    ):
        audit.press(name)
        page.locator(dialog).first.wait_for()
        audit.look(name)
        page.keyboard.press("Escape")
    audit.press("portal.actions.table_title")
    page.locator("#table tbody tr").first.wait_for()
    audit.both_looks("table")
    audit.press("portal.actions.map_title")
    audit.press("public.screen.elder_on")
    audit.press("public.screen.traditional")
    page.wait_for_function("() => document.documentElement.lang === 'zh-Hant'")
    audit.both_looks("large type, traditional characters")
    page.emulate_media(media="print", color_scheme="light")
    audit.look("print")
    page.emulate_media(media="screen")
    assert seen.page.locator("[role=main]").count() == 1


def test_the_map_on_a_phone_and_where_there_is_no_figure(
    audit: Audit, small_edition: Edition
) -> None:
    page = audit.page
    page.set_viewport_size({"width": 320, "height": 640})
    audit.open(f"index.html?region={small_edition.at('district', HIDDEN).code}", FIRST)
    audit.both_looks("suppressed region, phone")
    audit.press("public.screen.elder_on")
    audit.look("large type, phone")
    audit.open(f"index.html?region={DISTRICT}&level=village&table=1", FIRST)
    audit.look("table of villages, phone")
    audit.open(f"index.html?measure={GONE.id}", "() => document.querySelector('.problem')")
    audit.look("a measure taken back")
    audit.open(f"embed.html?region={DISTRICT}&lock=region,measure", FIRST)
    audit.both_looks("embedded")


def test_every_kind_of_text_page(audit: Audit, small_edition: Edition) -> None:
    regions = [path_of(small_edition.at(level.id, 0).code) for level in small_edition.levels]
    for path in ("list.html", "about.html", *regions, *(f"{one}.html" for one in STATUSES)):
        audit.open(path)
        audit.both_looks(path)
    audit.open(regions[-1])
    audit.page.set_viewport_size({"width": 320, "height": 640})
    for name in ("长者模式", "繁体字"):
        audit.page.get_by_role("button", name=name).click()
    audit.page.wait_for_function("() => document.documentElement.lang === 'zh-Hant'")
    audit.look("large type and traditional characters, phone")
    audit.page.emulate_media(media="print")
    audit.look("print")


def test_the_page_to_take_along(audit: Audit) -> None:
    audit.open("mail.html", "() => document.querySelector('.leaflet-interactive')")
    audit.look("mail")
    audit.page.locator(".leaflet-interactive").first.click()
    audit.page.locator(".leaflet-popup").wait_for()
    audit.look("mail, popup")
    audit.page.set_viewport_size({"width": 320, "height": 640})
    audit.look("mail, phone")
