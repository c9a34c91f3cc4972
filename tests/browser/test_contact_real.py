"""Contact points against the real ledger: what is pressed is what is written down, once."""

from __future__ import annotations

import io
import re
import uuid
from typing import Any

import pytest
from PIL import Image

from geodata.ledger import accounts, picks, points, problems
from geodata.ledger.places import places
from geodata.ledger.roles import TERMINAL
from geodata.ledger.store import now
from geodata.ledger.written import after, day_of
from tests.browser.contact_pages import (
    TABLET,
    UPRIGHT,
    Visit,
    kind,
    lose_answer,
    opened,
    tap,
    wait_kind,
)
from tests.browser.contact_real import Real

pytestmark = pytest.mark.browser

PROMISED_MS = 5000
"""Within which a decision shows on every page that is open."""


def today() -> str:
    """The ledger's day."""
    return day_of(now())


def photo(size: tuple[int, int] = (640, 480)) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(buffer, "JPEG", quality=92)
    return {"name": "路.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def picked(real: Real, name: str, code: str) -> dict[str, Any]:
    return picks.pick(real.ledger, real.edition, real.people[name].actor, code)


# ---- picking ----


@pytest.mark.parametrize("screen", [TABLET, UPRIGHT], ids=["landscape", "upright"])
def test_three_taps_pick_a_village(real: Real, visit: Visit, screen: dict[str, Any]) -> None:
    seen = opened(visit, real, "zhao", **screen)
    page, code = seen.page, real.targets[1]
    polls: list[int] = []
    page.on(
        "response",
        lambda answer: polls.append(answer.status) if "/ledger/state" in answer.url else None,
    )
    assert kind(page, code) == "free"
    tap(page, code)
    button = page.get_by_role("button", name="选为联系点")
    button.wait_for()
    told = page.locator(".contact-card").inner_text()
    for what in (real.name(code), "道路硬化", "没有走访记录"):
        assert what in told
    box = button.bounding_box()
    assert box["height"] >= 44
    assert box["y"] + box["height"] <= screen["height"]
    button.tap()
    wait_kind(page, code, "mine")
    assert real.holders(code) == ["zhao"]
    page.get_by_role("tab", name="我的").tap()
    page.get_by_text("3 个名额，已用 1 个").wait_for()
    # As long as nobody decides anything, polls are told so and nothing more.
    page.wait_for_timeout(7000)
    assert polls[-1] == 304
    assert set(polls) <= {200, 304}


def test_two_members_at_once_and_one_place(real: Real, visit: Visit) -> None:
    code = real.targets[2]
    pages = {name: opened(visit, real, name) for name in ("zhao", "qian")}
    for one in pages.values():
        tap(one.page, code)
        one.page.get_by_role("button", name="选为联系点").wait_for()
        # Neither hears of the other before both have pressed.
        one.page.route("**/ledger/state", lambda route: route.abort())
    for one in pages.values():
        one.page.evaluate("() => void document.querySelector('.contact-button.big').click()")
    for one in pages.values():
        one.page.locator(".contact-toast, .contact-trouble").first.wait_for()
    (winner,) = real.holders(code)
    loser = pages["qian" if winner == "zhao" else "zhao"].page
    told = loser.locator(".contact-trouble")
    told.wait_for()
    assert real.people[winner].label in told.inner_text()
    near = told.locator(".contact-chip")
    assert near.count() == 3
    for name, one in pages.items():
        one.page.unroute("**/ledger/state")
        wait_kind(one.page, code, "mine" if name == winner else "other")
        one.said.clear()  # the browser notes the 409 and what was aborted
    where = near.first.inner_text().split()[0]
    near.first.tap()
    loser.wait_for_selector(f".contact-card h2:has-text('{where[:3]}')")


def test_the_office_decides_and_the_member_sees_it_at_once(real: Real, visit: Visit) -> None:
    mine, other, more = real.targets[0], real.targets[5], real.targets[6]
    picked(real, "zhao", mine)
    picked(real, "qian", other)
    member = opened(visit, real, "zhao").page
    office = opened(visit, real, "sun").page
    tap(office, mine)
    office.get_by_role("button", name="确认", exact=True).click()
    member.wait_for_selector(".contact-toast:has-text('已由办公室确认')", timeout=PROMISED_MS)
    office.get_by_role("button", name="对调").click()
    office.get_by_label("和谁的哪个村对调").select_option(label=f"钱进 · {real.name(other)}")
    office.get_by_label(re.compile("对调的理由")).fill("就近")
    office.locator(".contact-ask").get_by_role("button", name="对调").click()
    wait_kind(member, other, "mine", PROMISED_MS)
    assert kind(member, mine) == "other"
    assert (real.holders(mine), real.holders(other)) == (["qian"], ["zhao"])
    tap(office, other)
    office.locator(".contact-pick").get_by_role("button", name="放弃").click()
    send = office.locator(".contact-ask").get_by_role("button", name="放弃")
    assert send.get_attribute("aria-disabled") == "true"
    office.get_by_label(re.compile("放弃的理由")).fill("已经调离本单位")
    send.click()
    gone = f".contact-toast:has-text('“{real.name(other)}”不再是您的联系点')"
    member.wait_for_selector(gone, timeout=PROMISED_MS)
    assert kind(member, other) == "free"
    tap(office, more)
    office.get_by_role("button", name="指定给").click()
    office.get_by_label("指定给谁").select_option(label="钱进（1/3）")
    office.locator(".contact-ask").get_by_role("button", name="指定给").click()
    wait_kind(office, more, "other")
    assert real.holders(more) == ["qian"]
    (event,) = real.rows("event", kind="pick.released")
    assert event["reason"] == "已经调离本单位"


def test_undo_right_after_and_later(real: Real, visit: Visit) -> None:
    code = real.targets[1]
    page = opened(visit, real, "zhao").page
    for place in (".contact-toast", ".contact-pick"):
        tap(page, code)
        page.get_by_role("button", name="选为联系点").click()
        wait_kind(page, code, "mine")
        page.locator(place).get_by_role("button", name="撤销").click()
        wait_kind(page, code, "free")
        page.get_by_role("button", name="选为联系点").wait_for()
    assert real.holders(code) == []
    assert len(real.rows("event", kind="pick.undone")) == 2


def test_what_one_pressed_never_becomes_the_act_of_another(real: Real, visit: Visit) -> None:
    code = real.targets[1]
    seen = opened(visit, real, "zhao")
    page = seen.page
    tap(page, code)
    button = page.get_by_role("button", name="选为联系点")
    button.wait_for()
    page.route("**/ledger/state", lambda route: route.abort())
    page.context.add_cookies([real.cookie("qian")])
    button.click()
    page.get_by_role("link", name="重新登录").wait_for()
    assert real.rows("pick") == []
    page.context.add_cookies([real.cookie("zhao")])
    page.unroute("**/ledger/state")
    wait_kind(page, code, "mine")
    assert real.holders(code) == ["zhao"]
    seen.said.clear()


# ---- rules ----


def posted(page: Any, real: Real, name: str, village: str, override: str) -> tuple[int, Any]:
    """Status and body of a pick that is sent past the screen's buttons."""
    answer = page.request.post(
        f"{real.address}/ledger/picks",
        data={"village": village, "override": override},
        headers={
            "Origin": real.address,
            "X-Account": real.people[name].id,
            "Idempotency-Key": uuid.uuid4().hex,
        },
    )
    return answer.status, answer.json()


def test_a_rule_is_explained_before_and_set_aside_only_with_a_reason(
    real: Real, visit: Visit
) -> None:
    first, again = real.targets[:2]
    assert real.district(first) == real.district(again)
    picked(real, "zhao", first)
    page = opened(visit, real, "zhao").page
    tap(page, again)
    breach = page.locator(".contact-breach")
    breach.get_by_text("一人在同一个区最多 1 个").wait_for()
    assert breach.get_attribute("class") == "contact-breach"  # not a hard one
    assert real.holders(again) == []
    page.get_by_role("button", name="说明理由后仍然选").click()
    sure = page.get_by_role("button", name="确认破例选择")
    assert sure.get_attribute("aria-disabled") == "true"
    sure.click(force=True)
    # Nor past the button: without a reason, and with one that says nothing.
    for reason in ("", "  ", "近"):
        status, told = posted(page, real, "zhao", again, reason)
        assert (status, [one["rule"] for one in told["breaches"]]) == (422, ["spread"])
    assert real.holders(again) == []
    page.get_by_label(re.compile("为什么破例")).fill("两村相邻，一并走访")
    sure.click()
    wait_kind(page, again, "mine")
    (row,) = real.rows("pick", village=again)
    assert (row["state"], row["override"]) == ("picked", "两村相邻，一并走访")
    (event,) = real.rows("event", subject=f"pick:{row['id']}")
    assert (event["kind"], event["actor"]) == ("pick.picked", real.people["zhao"].id)
    assert event["reason"] == "两村相邻，一并走访"
    (happened,) = points.history(real.ledger, again, real.edition)
    assert happened["reason"] == "两村相邻，一并走访"
    # Whoever opens the village reads why.
    office = opened(visit, real, "sun").page
    tap(office, again)
    office.get_by_text("走访、问题和历次变动").tap()
    office.locator(".contact-events").get_by_text("两村相邻，一并走访").wait_for()


def test_what_the_settings_keep_firm_no_reason_sets_aside(real: Real, visit: Visit) -> None:
    held, own = real.targets[4], real.targets[6]
    assert "甲单位" in places(real.edition).units[own]
    accounts.change(real.ledger, TERMINAL, real.people["zhao"].id, unit="甲单位")
    picked(real, "qian", held)
    page = opened(visit, real, "zhao").page
    for code, rule, why, near in (
        (held, "taken", f"{real.name(held)}已由钱进选作联系点", 3),
        (own, "own_unit", f"甲单位正在帮扶{real.name(own)}", 3),
    ):
        page.locator(f'.contact-list [data-code="{code}"]').click()
        page.wait_for_selector(f".contact-breach.hard:has-text('{why}')")
        foot = page.locator(".contact-foot")
        assert foot.get_by_role("button", name=re.compile("选")).count() == 0
        page.keyboard.press("p")
        assert page.locator(".contact-ask").count() == 0
        assert page.locator(".contact-breach .contact-chip").count() == near
        status, told = posted(page, real, "zhao", code, "领导同意，请照此办理")
        assert status == (409 if rule == "taken" else 422)
        assert [(one["rule"], one["can_override"]) for one in told["breaches"]] == [(rule, False)]
        page.get_by_role("button", name="回到村列表").click()
    assert (real.holders(held), real.holders(own)) == (["qian"], [])
    assert [row["village"] for row in real.rows("pick")] == [held]


# ---- proposals ----


def proposed(page: Any) -> list[str]:
    page.wait_for_selector(".contact-solution .contact-choice")
    return list(
        page.eval_on_selector_all(
            ".contact-choice", "rows => rows.map((row) => row.dataset.village)"
        )
    )


def test_a_proposal_is_explained_changed_and_taken(real: Real, visit: Visit) -> None:
    page = opened(visit, real, "zhao").page
    page.get_by_role("tab", name="推荐").tap()
    page.get_by_role("button", name="为我推荐").tap()
    # It goes on while something else is read.
    page.get_by_role("tab", name="我的").tap()
    page.wait_for_function(
        "() => window.bangfu.contact.shown.filter((one) => one.kind === 'proposal').length === 3"
    )
    page.get_by_role("tab", name="推荐").tap()
    villages = proposed(page)
    assert len(villages) == 3
    first = page.locator(".contact-choice").first
    first.get_by_role("button", name="为什么是它").tap()
    assert re.search(r"\d+%", first.inner_text())
    first.get_by_role("button", name="换成次优要付出多少").tap()
    answer = first.locator(".contact-next")
    page.wait_for_function(
        "() => !/正在计算/.test(document.querySelector('.contact-next').textContent)"
    )
    assert real.name(villages[0]) in answer.inner_text()
    page.get_by_text("怎样算出来的").tap()
    assert page.locator(".contact-solution details li").count() >= 2
    # One is held fast, one is ruled out, and it is solved again.
    page.get_by_role("button", name=f"固定{real.name(villages[1])}").tap()
    page.get_by_role("button", name=f"排除{real.name(villages[0])}").tap()
    page.get_by_role("button", name="按新的要求再算一次").tap()
    page.wait_for_function(
        "code => !document.querySelector(`.contact-choice[data-village='${code}']`)"
        " && document.querySelector('.contact-choice')",
        arg=villages[0],
    )
    again = proposed(page)
    assert villages[1] in again
    assert villages[0] not in again
    pin = page.get_by_role("button", name=f"固定{real.name(villages[1])}")
    assert pin.get_attribute("aria-pressed") == "true"
    page.locator(f".contact-choice[data-village='{again[2]}'] input").uncheck()
    page.get_by_role("button", name="选定这 2 个村").tap()
    for code in again[:2]:
        wait_kind(page, code, "mine")
    assert kind(page, again[2]) == "free"
    assert {row["village"] for row in real.rows("pick")} == set(again[:2])


def test_the_office_proposes_for_all_and_members_answer(real: Real, visit: Visit) -> None:
    member = opened(visit, real, "zhao").page
    office = opened(visit, real, "sun").page
    office.get_by_role("tab", name="推荐").tap()
    office.get_by_role("button", name="为全体推荐").tap()
    assert len(proposed(office)) == 6
    headings = office.locator(".contact-solution h3").all_inner_texts()
    assert sorted(headings) == ["赵敏", "钱进"]
    office.get_by_role("button", name="发给成员（6 个村）").tap()
    member.wait_for_selector(".contact-toast:has-text('办公室推荐您选')", timeout=2 * PROMISED_MS)
    member.get_by_role("tab", name="我的").tap()
    asks = member.locator(".contact-due").get_by_role("button", name="请答复")
    asks.first.wait_for()
    assert asks.count() == 3
    asks.first.tap()
    member.get_by_role("button", name="接受", exact=True).tap()
    member.wait_for_selector(".contact-pick[data-state=picked]")
    member.get_by_role("tab", name="我的").tap()
    member.wait_for_function("() => document.querySelectorAll('.contact-due li').length === 2")
    asks.first.tap()
    member.get_by_role("button", name="不接受").tap()
    member.locator(".contact-ask").get_by_role("button", name="不接受").tap()
    member.wait_for_selector(".contact-pick[data-state=proposed]", state="detached")
    states = [row["state"] for row in real.rows("pick", member=real.people["zhao"].id)]
    assert sorted(states) == ["declined", "picked", "proposed"]


# ---- visits and problems ----


def begun(page: Any, code: str) -> None:
    tap(page, code)
    page.get_by_role("button", name="写走访").tap()
    page.wait_for_selector("#visit-seen")


def test_from_a_visit_to_struck_off_by_four_people(real: Real, visit: Visit) -> None:
    code = real.targets[0]
    picked(real, "zhao", code)
    member = opened(visit, real, "zhao").page
    begun(member, code)
    member.get_by_label("钱进").check()
    member.get_by_label("同行的人").fill("镇里的老周")
    member.get_by_label("看到了什么").fill("路还是土路")
    # The edition reports that there is a road.
    road = member.get_by_role("radiogroup", name="道路硬化")
    road.get_by_role("radio", name="没有").tap()
    member.get_by_label("道路硬化的补充说明").fill("村东三百米")
    with member.expect_file_chooser() as chooser:
        member.get_by_role("button", name="添加照片").click()
    chooser.value.set_files([photo(), photo((3200, 2400))])
    member.wait_for_function("() => document.querySelectorAll('.contact-shot img').length === 2")
    member.get_by_label("照片说明").first.fill("村口")
    member.get_by_role("button", name="加一个问题").tap()
    member.locator(".contact-found select").select_option(label="道路硬化")
    member.locator(".contact-found textarea").fill("村东路面未硬化")
    member.get_by_role("button", name="提交走访").tap()
    member.wait_for_selector(".contact-contradicts:has-text('道路硬化')")
    member.wait_for_selector(".contact-unsent-mark", state="detached")
    (made,) = real.rows("visit")
    assert (made["village"], made["day"], made["people"]) == (code, today(), "镇里的老周")
    pictures = [(row["caption"], row["width"], row["height"]) for row in real.rows("photo")]
    assert sorted(pictures) == [("", 1600, 1200), ("村口", 640, 480)]
    member.get_by_text("走访、问题和历次变动").tap()
    member.wait_for_selector(".contact-visit:has-text('路还是土路')")
    member.wait_for_function(
        "() => Array.from(document.querySelectorAll('.contact-visit img'))"
        ".filter((one) => one.scrollIntoView() || one.naturalWidth > 0).length === 2"
    )
    (problem,) = (row["id"] for row in real.rows("problem"))

    def at(page: Any, state: str) -> None:
        page.wait_for_selector(f".contact-problem[data-state={state}]")

    query = f"?tab=problems&problem={problem}"
    office = opened(visit, real, "sun", query).page
    officer = opened(visit, real, "li", query).page
    at(office, "found")
    office.get_by_role("button", name="交办").tap()
    office.get_by_label("责任方").select_option(label="甲单位")
    office.get_by_label("整改期限").fill(after(today(), 10))
    office.locator(".contact-ask").get_by_role("button", name="交办").tap()
    at(office, "assigned")

    def fix(what: str) -> None:
        at(officer, "assigned")  # by itself
        officer.get_by_role("button", name="报告已整改").tap()
        officer.get_by_label(re.compile("做了什么")).fill(what)
        officer.locator(".contact-ask").get_by_role("button", name="报告已整改").tap()
        at(officer, "fixed")

    fix("铺了一半")
    checker = opened(visit, real, "qian", query).page
    at(checker, "fixed")
    checker.get_by_role("button", name="退回").tap()
    send = checker.locator(".contact-ask").get_by_role("button", name="退回")
    assert send.get_attribute("aria-disabled") == "true"
    checker.get_by_label(re.compile("为什么退回")).fill("还有一半是土路")
    send.tap()
    at(checker, "assigned")
    checker.wait_for_selector("text=退回过 1 次")
    fix("全铺好了")
    at(checker, "fixed")
    checker.get_by_role("button", name="复查通过").tap()
    checker.locator(".contact-ask").get_by_role("button", name="复查通过").tap()
    at(office, "rechecked")
    office.get_by_role("button", name="销号").tap()
    office.locator(".contact-ask").get_by_role("button", name="销号").tap()
    at(office, "struck_off")
    office.wait_for_function(
        "() => document.querySelectorAll('.contact-events li').length === 7",
    )
    history = office.locator(".contact-events").inner_text()
    for word in ("赵敏", "孙立", "李区", "钱进", "还有一半是土路"):
        assert word in history
    assert history.count("还有一半是土路") == 1
    assert [row["state"] for row in real.rows("problem")] == ["struck_off"]


def test_a_draft_survives_a_reload_and_is_sent_once(real: Real, visit: Visit) -> None:
    code = real.targets[0]
    picked(real, "zhao", code)
    seen = opened(visit, real, "zhao")
    page = seen.page
    begun(page, code)
    page.get_by_label("看到了什么").fill("路灯亮了")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="添加照片").click()
    not_one = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"not an image"}
    chooser.value.set_files([photo(), not_one])
    page.wait_for_function("() => document.querySelectorAll('.contact-shot').length === 2")
    # Begun, not sent: a reload keeps it, and says so.
    page.reload()
    page.wait_for_selector(".contact-unsent-mark:has-text('1 件未提交')")
    page.get_by_role("tab", name="我的").tap()
    page.get_by_role("button", name="继续写").tap()
    assert page.get_by_label("看到了什么").input_value() == "路灯亮了"
    # Sent into a network that is gone.
    page.context.set_offline(True)
    page.get_by_role("button", name="提交走访").tap()
    page.wait_for_selector(".contact-foot .contact-unsent")
    page.context.set_offline(False)
    # It is back, but the first answer is lost on its way.
    lost = lose_answer(page, "**/ledger/visits")
    page.reload()
    page.wait_for_function("() => !document.querySelector('.contact-unsent-mark')", polling=200)
    page.wait_for_selector(".contact-me")
    page.wait_for_selector(".contact-unsent-mark", state="detached")
    page.wait_for_timeout(1500)
    assert lost == [201]
    assert [row["seen"] for row in real.rows("visit")] == ["路灯亮了"]
    # What is no photograph is left out; the visit is not sent again because of it.
    assert len(real.rows("photo")) == 1
    assert len(real.rows("event", kind="visit.written")) == 1
    seen.said.clear()


def test_the_board_counts_filters_and_shows_them_on_the_map(real: Real, visit: Visit) -> None:
    spots = real.targets
    then, edition = real.earlier(20), real.edition
    member, office = real.people["zhao"].actor, real.people["sun"].actor

    def found(code: str, category: str, said: str, deadline: str = "") -> str:
        asked = {"village": code, "category": category, "said": said}
        made = str(problems.find(then, edition, member, asked)["id"])
        if deadline:
            unit = next(one for one in problems.owners(edition, code) if one["kind"] == "district")
            asked = {"owner_kind": "district", "owner": unit["owner"], "deadline": deadline}
            problems.assign(then, edition, office, made, asked)
        return made

    found(spots[0], "item.paved", "超期的", after(today(), -5))
    back = found(spots[4], "item.paved", "被退回的", after(today(), 5))
    problems.fix(then, edition, office, back, "说是好了")
    problems.send_back(then, edition, member, back, "没有好")
    done = found(spots[7], "team", "已销号的", after(today(), 5))
    problems.fix(then, edition, office, done, "好了")
    problems.recheck(then, edition, member, done)
    problems.strike_off(then, edition, office, done)
    found(spots[2], "team", "刚发现的")
    page = opened(visit, real, "sun", "?tab=problems").page
    page.wait_for_selector(".contact-board")
    page.wait_for_function("() => window.bangfu.contact.shown.some((one) => one.kind === 'p-late')")
    kinds = page.evaluate(
        "() => Object.fromEntries(window.bangfu.contact.shown.map((one) => [one.code, one.kind]))"
    )
    assert [kinds[spots[n]] for n in (0, 4, 7, 2)] == ["p-late", "p-back", "struck", "p-open"]

    def rows(count: int) -> None:
        page.wait_for_function(
            "count => document.querySelectorAll('.contact-problem-row').length === count",
            arg=count,
        )

    rows(4)
    assert "超期 5 天" in page.locator(".contact-board").inner_text()
    for name, count in (("超期", 1), ("被退回", 1), ("已销号", 1), ("未销号", 3), ("全部", 4)):
        page.get_by_role("radio", name=re.compile(name)).tap()
        rows(count)
    table = page.locator(".contact-table").first
    assert table.locator("tbody tr").count() == 3
    table.get_by_role("button").first.tap()
    page.wait_for_function("() => document.querySelectorAll('.contact-problem-row').length < 4")
    assert page.locator(".contact-months tbody tr").count() >= 1


def test_drafts_are_of_the_account_that_wrote_them(real: Real, visit: Visit) -> None:
    page = opened(visit, real, "zhao").page
    begun(page, real.targets[0])
    page.get_by_label("看到了什么").fill("只有我知道")
    # The tablet is passed on.
    page.context.clear_cookies()
    page.context.add_cookies([real.cookie("sun")])
    page.goto(f"{real.address}/contact-points?tab=mine")
    page.wait_for_selector(".contact-mine h2:has-text('孙立')")
    assert page.locator(".contact-outbox").count() == 0
    assert "只有我知道" not in page.content()
