"""A member picks contact points on the map: by finger, by keys, within rules, against others."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from geodata.ledger import picks
from tests.browser.contact_pages import (
    PHONE,
    Visit,
    lose_answer,
    opened,
    spot,
    tap,
    wait_kind,
)
from tests.browser.contact_real import Real

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "assets/contact").glob("*.js"))


def test_every_word_of_the_scripts_is_in_the_catalogue_and_none_is_left_over() -> None:
    words = tomllib.loads((ROOT / "geodata/words/zh/contact.toml").read_text("utf-8"))
    known = set()
    for name, value in words.items():
        known |= {f"{name}.{key}" for key in value} if isinstance(value, dict) else {name}
    used: set[str] = set()
    starts: set[str] = set()
    for script in SCRIPTS:
        text = script.read_text("utf-8")
        for call in re.findall(r"\bsay\(((?:[^()]|\([^()]*\))*)", text):
            first = call.split(", {")[0]
            used |= {word for word in re.findall(r'"([a-z_.]+)"', first) if word in known}
            for word in re.findall(r'"([a-z_.]+)"', first):
                if word.endswith((".", "_")):
                    starts.add(word)
                elif "." in word:
                    assert word in known, f"{script.name}: {word}"
        used |= {word for word in re.findall(r'"([a-z_]+\.[a-z_]+)"', text) if word in known}
    used |= {word for word in known if any(word.startswith(start) for start in starts)}
    page = (ROOT / "dashboard/pages/contact_points.py").read_text("utf-8")
    used |= set(re.findall(r'say\("contact\.([a-z_.]+)"', page))
    assert used == known


def test_a_finger_beside_a_mark_still_means_it(real: Real, visit: Visit) -> None:
    seen = opened(visit, real, "zhao")
    code = real.targets[4]
    x, y = spot(seen.page, code)
    seen.page.touchscreen.tap(x + 12, y - 10)
    seen.page.wait_for_selector(f".contact-card h2:has-text('{real.name(code)}')")


def test_with_the_keyboard_alone(real: Real, visit: Visit) -> None:
    seen = opened(visit, real, "zhao", has_touch=False)
    page = seen.page
    # By the list that stands for the map.
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('.contact-list [data-code]')"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    code = page.evaluate("() => document.activeElement.dataset.code")
    assert code in real.targets
    page.keyboard.press("Enter")
    page.wait_for_selector(".contact-card .contact-big")
    assert page.evaluate("() => document.activeElement.tagName") == "H2"
    page.keyboard.press("p")
    wait_kind(page, code, "mine")
    page.keyboard.press("Escape")
    page.wait_for_selector(".contact-list")
    assert page.evaluate("() => document.activeElement.dataset.code") == code
    # By search, and back with the browser.
    other = next(
        one
        for one in real.targets
        if not real.holders(one) and real.district(one) != real.district(code)
    )
    page.keyboard.press("/")
    page.keyboard.type(real.name(other))
    page.wait_for_selector(".search-list li")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".contact-card h2:has-text('{real.name(other)}')")
    page.wait_for_selector(".contact-card .contact-big")
    page.keyboard.press("p")
    wait_kind(page, other, "mine")
    page.go_back()
    page.wait_for_selector(".contact-list")
    # Tabs by arrows.
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".contact-mine")
    assert page.evaluate("() => document.activeElement.getAttribute('aria-selected')") == "true"


def test_a_pick_whose_answer_was_lost_is_not_made_twice(real: Real, visit: Visit) -> None:
    code = real.targets[1]
    seen = opened(visit, real, "zhao")
    tap(seen.page, code)
    lost = lose_answer(seen.page, "**/ledger/picks", 502)
    seen.page.get_by_role("button", name="选为联系点").click()
    seen.page.wait_for_selector(".contact-toast:has-text('未提交')")
    wait_kind(seen.page, code, "mine")
    seen.page.wait_for_selector(".contact-unsent-mark", state="detached")
    assert lost == [200]
    assert [row["village"] for row in real.rows("pick")] == [code]
    assert len(real.rows("event", kind="pick.picked")) == 1
    seen.said.clear()


def test_an_unsent_pick_survives_a_reload_says_so_and_can_be_given_up(
    real: Real, visit: Visit
) -> None:
    one, other = real.targets[1], real.targets[4]
    seen = opened(visit, real, "zhao")
    page = seen.page
    page.route("**/ledger/picks", lambda route: route.abort())
    for code in (one, other):
        tap(page, code)
        page.get_by_role("button", name="选为联系点").click()
        page.wait_for_selector(".contact-foot .contact-unsent")
    page.reload()
    mark = page.wait_for_selector(".contact-unsent-mark")
    assert "2 件未提交" in mark.inner_text()
    mark.click()
    rows = page.locator(".contact-outbox li")
    assert rows.count() == 2
    assert "未提交" in rows.first.inner_text()
    rows.last.get_by_role("button", name="丢弃").click()
    page.unroute("**/ledger/picks")
    wait_kind(page, one, "mine")
    page.wait_for_selector(".contact-outbox", state="detached")
    assert [row["village"] for row in real.rows("pick")] == [one]
    seen.said.clear()


def test_when_the_ledger_is_away_the_last_picture_stays_and_says_when(
    real: Real, visit: Visit
) -> None:
    seen = opened(visit, real, "zhao")
    away = {"error": "台账暂时连不上", "cure": "请稍后"}
    seen.page.route("**/ledger/state", lambda route: route.fulfill(status=503, json=away))
    seen.page.wait_for_selector(".contact-banner:has-text('连接中断')")
    assert seen.page.evaluate("() => window.bangfu.contact.shown.length") == len(real.targets)
    seen.page.unroute("**/ledger/state")
    seen.page.wait_for_selector(".contact-banner:has-text('连接中断')", state="detached")
    seen.said.clear()


def test_polls_never_pile_up(real: Real, visit: Visit) -> None:
    seen = opened(visit, real, "zhao")
    waiting: list[Any] = []

    def hold(route: Any) -> None:
        waiting.append(route)

    seen.page.route("**/ledger/state", hold)
    seen.page.wait_for_timeout(8000)
    assert len(waiting) <= 1
    for route in waiting:
        route.continue_()
    seen.page.unroute("**/ledger/state")


def test_on_a_phone_the_sheet_rises_and_the_village_stays_in_sight(
    real: Real, visit: Visit
) -> None:
    seen = opened(visit, real, "zhao", **PHONE)
    page, code = seen.page, real.targets[0]
    tap(page, code)
    page.get_by_role("button", name="选为联系点").wait_for()
    page.wait_for_function("() => !window.bangfu.map.isMoving()")
    page.wait_for_timeout(600)
    sheet = page.locator(".contact-panel").bounding_box()
    assert spot(page, code)[1] < sheet["y"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_targets_for_fingers_are_large_enough(real: Real, visit: Visit) -> None:
    picks.pick(real.ledger, real.edition, real.people["zhao"].actor, real.targets[0])
    page = opened(visit, real, "zhao").page
    small = """() => Array.from(document.querySelectorAll(
        '.contact button, .contact select, .contact-view a, .contact-view input[type=checkbox]'))
      .filter((one) => !one.closest('details:not([open])'))
      .map((one) => one.closest('label') || one)
      .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
      .filter(([box]) => box.width && (box.height < 43.5 || box.width < 43.5))
      .map(([, text]) => text)"""
    for tab in ("我的", "推荐", "问题", "村"):
        page.get_by_role("tab", name=tab).tap()
        page.wait_for_timeout(400)
        assert page.evaluate(small) == [], tab
    tap(page, real.targets[0])
    page.get_by_role("button", name="写走访").tap()
    page.wait_for_selector("#visit-seen")
    assert page.evaluate(small) == []
