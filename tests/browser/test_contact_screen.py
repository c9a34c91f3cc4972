"""The frame of the contact-points screen: who one is, the way back in, refused fields, board."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from geodata.ledger import problems, sessions
from geodata.ledger.places import places
from geodata.ledger.store import now
from geodata.ledger.written import day_of
from tests.browser.contact_pages import PHONE, TABLET, Visit, opened
from tests.browser.contact_real import Real

pytestmark = pytest.mark.browser

INVALID = '[aria-invalid="true"]'


def test_a_phone_has_the_way_to_ones_account_and_out(real: Real, visit: Visit) -> None:
    seen = opened(visit, real, "zhao", **PHONE)
    page = seen.page
    menu = page.locator(".contact-menu")
    summary = menu.locator("summary")
    box = summary.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 44
    summary.tap()
    assert "赵敏" in menu.inner_text()
    for name, href in (("我的账户", "/account"), ("地图", "/"), ("图集", "/maps")):
        link = menu.get_by_role("link", name=name, exact=True)
        assert link.get_attribute("href") == href
        assert link.bounding_box()["height"] >= 44
    assert menu.locator("form[method=post][action='/signout'] button").inner_text() == "退出"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    page.keyboard.press("Escape")
    assert not menu.evaluate("menu => menu.open")
    summary.tap()
    menu.get_by_role("button", name="我的联系点").tap()
    page.wait_for_selector(".contact-view[data-tab='mine']")
    assert not menu.evaluate("menu => menu.open")


def test_a_wide_bar_shows_the_pages_itself(real: Real, visit: Visit) -> None:
    seen = opened(visit, real, "zhao", **{**TABLET, "width": 1280})
    page = seen.page
    page.locator(".contact-menu summary").click()
    shown = page.locator(".contact-menu .account-list a:visible").all_inner_texts()
    assert shown == ["我的账户"]
    assert page.locator(".pages a:visible").all_inner_texts() == ["地图", "图集", "联系点"]


def test_signing_in_again_leads_back_to_the_same_view(real: Real, visit: Visit) -> None:
    village = real.targets[0]
    seen = opened(visit, real, "zhao", f"?village={village}", **TABLET)
    sessions.end_all(real.ledger, real.people["zhao"].id)
    link = seen.page.locator(".contact-banner a")
    link.wait_for(timeout=15000)
    where = urlsplit(link.get_attribute("href"))
    assert where.path == "/signin"
    assert parse_qs(where.query)["next"] == [f"/contact-points?village={village}"]
    seen.page.close()
    expected(seen, "401")


def expected(seen: Any, status: str) -> None:
    """Forget what the browser says of answers that were wanted."""
    seen.said[:] = [one for one in seen.said if f"status of {status}" not in one]


def told(page: Any) -> str:
    return str(page.locator("#contact-trouble").inner_text())


def test_the_field_that_is_refused_is_marked_and_has_the_focus(real: Real, visit: Visit) -> None:
    village = real.targets[0]
    seen = opened(visit, real, "zhao", f"?village={village}", **PHONE)
    page = seen.page
    if not page.get_by_role("button", name="写走访").is_visible():
        page.locator(".contact-handle").tap()
    page.get_by_role("button", name="写走访").tap()
    page.wait_for_selector("#visit-seen")

    # What the screen itself knows to be missing.
    page.locator(".contact-foot button[type=submit]").tap()
    assert page.locator(INVALID).get_attribute("id") == "visit-seen"
    assert page.evaluate("() => document.activeElement.id") == "visit-seen"
    assert page.evaluate("() => document.querySelector('.contact').scrollTop") == 0
    page.fill("#visit-seen", "看了道路")
    assert page.locator(INVALID).count() == 0

    # What only the server knows.
    page.fill("#visit-day", "2035-01-01")
    page.locator(".contact-foot button[type=submit]").tap()
    page.wait_for_selector(INVALID)
    assert page.locator(INVALID).get_attribute("id") == "visit-day"
    assert page.evaluate("() => document.activeElement.id") == "visit-day"
    assert page.locator(INVALID).get_attribute("aria-describedby") == "contact-trouble"
    assert "日期" in told(page)
    page.fill("#visit-day", day_of(now()))
    page.locator(".contact-foot button[type=submit]").tap()
    page.wait_for_selector(".contact-card")
    assert len(real.rows("visit")) == 1
    expected(seen, "422")


def test_the_chosen_district_stands_among_the_others(real: Real, visit: Visit) -> None:
    district = places(real.edition).district_of
    codes = {district(code): code for code in real.targets}
    for code in list(codes.values())[:2]:
        asked = {"village": code, "category": "other", "said": "土路"}
        problems.find(real.ledger, real.edition, real.people["zhao"].actor, asked)
    seen = opened(visit, real, "zhao", "?tab=problems", **TABLET)
    page = seen.page
    rows = page.locator(".contact-table").first.locator("tbody tr")
    rows.first.wait_for()
    before = rows.all_inner_texts()
    rows.nth(1).locator("button").tap()
    page.wait_for_selector(".contact-table [data-chosen]")
    page.wait_for_function("() => document.querySelectorAll('.contact-problem-row').length < 2")
    assert rows.all_inner_texts() == before
    assert page.locator(".contact-table [data-chosen]").count() == 1
    rows.nth(0).locator("button").tap()
    page.wait_for_selector(".contact-table tbody tr:first-child[data-chosen]")
