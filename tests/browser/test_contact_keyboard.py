"""Contact points with the keyboard alone: the race, the proposal, and from a visit to struck off.

No test here clicks or taps: what cannot be reached by keys fails. Each stop of the focus is seen.
"""

from __future__ import annotations

from typing import Any

import pytest

from geodata.ledger import picks
from geodata.ledger.store import now
from geodata.ledger.written import after, day_of
from tests.browser.contact_pages import Visit, opened, wait_kind
from tests.browser.contact_real import Real

pytestmark = pytest.mark.browser

FOCUSED = """([selector, text]) => {
  const one = document.activeElement;
  if (!one || !one.matches(selector)) return false;
  const labels = Array.from(one.labels || []).map((label) => label.textContent);
  const said = [one.getAttribute("aria-label"), one.textContent, ...labels].join(" ");
  return said.includes(text);
}"""
RING = """() => {
  const style = getComputedStyle(document.activeElement);
  const near = getComputedStyle(document.activeElement.parentElement);
  const drawn = (one) => (one.outlineStyle !== "none" && parseFloat(one.outlineWidth) > 0)
    || one.boxShadow !== "none";
  return drawn(style) || drawn(near);
}"""
TABBED = """() => Array.from(document.querySelectorAll(
    "a, button, input, select, textarea, [tabindex]"))
  .filter((one) => one.tabIndex >= 0 && one.offsetParent).length"""


def reach(page: Any, selector: str, text: str = "", key: str = "Tab") -> None:
    """Press `key` until the focus is on what is meant; it must be seen there."""
    # Once round the page, and some more for what appears meanwhile.
    for _ in range(page.evaluate(TABBED) + 20):
        if page.evaluate(FOCUSED, [selector, text]):
            assert page.evaluate(RING), f"no focus is seen on {selector} {text}"
            return
        page.keyboard.press(key)
    here = page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")
    pytest.fail(f"no key leads to {selector} {text}; the focus is on {here}")


def press(page: Any, selector: str, text: str = "") -> None:
    """Reach a button by Tab, and press it."""
    reach(page, selector, text)
    page.keyboard.press("Enter")


def turn_to(page: Any, tab: str) -> None:
    """Open a tab of the panel by arrow keys."""
    reach(page, "[role=tab]")
    for _ in range(6):
        if page.evaluate(FOCUSED, ["[role=tab][aria-selected=true]", tab]):
            return
        page.keyboard.press("ArrowRight")
    pytest.fail(f"no arrow leads to the tab {tab}")


def looked_up(page: Any, real: Real, code: str) -> None:
    """Open a village's card by the search."""
    page.keyboard.press("/")
    page.keyboard.type(real.name(code))
    page.wait_for_selector(".search-list li")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".contact-card h2:has-text('{real.name(code)}')")


def choose(page: Any, selector: str, option: str) -> None:
    """Reach a drop-down, and go down to one of its options."""
    page.wait_for_selector(selector)
    reach(page, selector)
    chosen = "() => document.activeElement.selectedOptions[0].textContent"
    for _ in range(page.evaluate("() => document.activeElement.options.length")):
        if option in page.evaluate(chosen):
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"no arrow leads to the option {option}")


def typed_day(page: Any, day: str) -> None:
    """Fill the date field that has the focus as a person types it.

    In which order it wants year, month and day is the browser's own language.
    """
    year, month, date = day.split("-")
    for parts in ((month, date, year), (year, "ArrowRight", month, date)):
        for part in parts:
            if part.isdigit():
                page.keyboard.type(part)
            else:
                page.keyboard.press(part)
        if page.evaluate("() => document.activeElement.value") == day:
            return
        # Back to the first part of the field.
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
    pytest.fail(f"the date cannot be typed: {day}")


def test_the_race_for_one_place(real: Real, visit: Visit) -> None:
    code = real.targets[2]
    pages = {name: opened(visit, real, name, has_touch=False) for name in ("zhao", "qian")}
    for one in pages.values():
        looked_up(one.page, real, code)
        one.page.wait_for_selector(".contact-card .contact-big")
        # Neither hears of the other before both have pressed.
        one.page.route("**/ledger/state", lambda route: route.abort())
    for one in pages.values():
        press(one.page, "button", "选为联系点")
    for one in pages.values():
        one.page.locator(".contact-toast, .contact-trouble").first.wait_for()
    (winner,) = real.holders(code)
    loser = pages["qian" if winner == "zhao" else "zhao"].page
    told = loser.locator(".contact-trouble")
    told.wait_for()
    assert real.people[winner].label in told.inner_text()
    for one in pages.values():
        one.page.unroute("**/ledger/state")
        one.said.clear()  # the browser notes the 409 and what was aborted
    near = told.locator(".contact-chip").first.inner_text().split()[0]
    press(loser, ".contact-trouble .contact-chip", near[:3])
    loser.wait_for_selector(f".contact-card h2:has-text('{near[:3]}')")


def test_the_proposal(real: Real, visit: Visit) -> None:
    page = opened(visit, real, "zhao", has_touch=False).page
    turn_to(page, "推荐")
    press(page, "button", "为我推荐")
    page.wait_for_selector(".contact-solution .contact-choice")
    villages = page.eval_on_selector_all(
        ".contact-choice", "rows => rows.map((row) => row.dataset.village)"
    )
    assert len(villages) == 3
    # The focus goes to the answer, so that a screen reader reads on from there.
    page.wait_for_function("() => document.activeElement.matches('.contact-solution')")
    press(page, ".contact-choice .contact-more", "为什么是它")
    press(page, ".contact-choice button", "换成次优要付出多少")
    page.wait_for_function(
        "() => { const one = document.querySelector('.contact-next');"
        " return one && !/正在计算/.test(one.textContent); }"
    )
    press(page, "button", f"排除{real.name(villages[2])}")
    reach(page, "button", "按新的要求再算一次", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "code => !document.querySelector(`.contact-choice[data-village='${code}']`)"
        " && document.querySelector('.contact-choice')",
        arg=villages[2],
    )
    press(page, "button", "选定这 ")
    page.wait_for_function("() => window.bangfu.contact.shown.some((one) => one.kind === 'mine')")
    held = {row["village"] for row in real.rows("pick", state="picked")}
    assert len(held) == 3
    assert villages[2] not in held


def test_from_a_visit_to_struck_off(real: Real, visit: Visit) -> None:
    code = real.targets[0]
    today = day_of(now())
    picks.pick(real.ledger, real.edition, real.people["zhao"].actor, code)
    member = opened(visit, real, "zhao", has_touch=False).page
    looked_up(member, real, code)
    press(member, "button", "写走访")
    member.wait_for_selector("#visit-seen")
    reach(member, "#visit-seen")
    member.keyboard.type("路还是土路")
    # A group of radio buttons is one stop of Tab; arrows choose.
    road = "[role=radiogroup][aria-label='道路硬化'] [role=radio]"
    reach(member, road)
    for _ in range(4):
        if member.evaluate(FOCUSED, [f"{road}[aria-checked=true]", "没有"]):
            break
        member.keyboard.press("ArrowRight")
        member.wait_for_timeout(200)  # the choice is drawn, and the focus follows it
    press(member, "button", "加一个问题")
    choose(member, ".contact-found select", "道路硬化")
    reach(member, ".contact-found textarea")
    member.keyboard.type("村东路面未硬化")
    press(member, "button", "提交走访")
    member.wait_for_selector(".contact-contradicts:has-text('道路硬化')")
    (problem,) = (row["id"] for row in real.rows("problem"))
    query = f"?tab=problems&problem={problem}"

    def at(page: Any, state: str) -> None:
        page.wait_for_selector(f".contact-problem[data-state={state}]")

    office = opened(visit, real, "sun", query, has_touch=False).page
    at(office, "found")
    press(office, "button", "交办")
    choose(office, ".contact-ask select", "甲单位")
    reach(office, ".contact-ask input[type=date]")
    typed_day(office, after(today, 10))
    press(office, ".contact-ask button", "交办")
    at(office, "assigned")
    officer = opened(visit, real, "li", query, has_touch=False).page
    at(officer, "assigned")
    press(officer, "button", "报告已整改")
    reach(officer, ".contact-ask textarea")
    officer.keyboard.type("全铺好了")
    press(officer, ".contact-ask button", "报告已整改")
    at(officer, "fixed")
    checker = opened(visit, real, "qian", query, has_touch=False).page
    at(checker, "fixed")
    press(checker, "button", "复查通过")
    press(checker, ".contact-ask button", "复查通过")
    at(checker, "rechecked")
    at(office, "rechecked")
    press(office, "button", "销号")
    press(office, ".contact-ask button", "销号")
    at(office, "struck_off")
    (row,) = real.rows("problem")
    assert (row["state"], row["deadline"]) == ("struck_off", after(today, 10))
    (seen,) = real.rows("visit")
    assert seen["seen"] == "路还是土路"
    wait_kind(office, code, "struck")
