"""The public map by keys alone, and what a screen reader is told on the way.

No test here clicks. Every stop of the focus has a role and a name in the accessibility tree, a ring
that can be seen, and is not covered by what floats above it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geodata.edition import Edition
from geodata.words import say
from tests.browser.public_fixture import FIRST, hosting, write

Visit = Callable[..., Any]

CITY, DISTRICT = "990000000000", "990002000000"
"""The root, and 中洲区."""
INCOME = "collective_income"
MOST = 90
"""Stops from one end of a page to the other."""
RING = 3.0
"""WCAG 1.4.11: what shows the focus differs from what is around it."""

STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const parts = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (a > 0.85) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = ([r, g, b]) => {
    const part = (n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const words = (element) => {
    const heard = element.cloneNode(true);
    heard.querySelectorAll("[aria-hidden=true]").forEach((sign) => sign.remove());
    return heard.textContent;
  };
  const style = getComputedStyle(one);
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const within = parseFloat(style.outlineOffset) < 0;
  const around = ground(within ? one : one.parentElement);
  const [a, b] = [light(parts(style.outlineColor)), light(around)];
  const box = one.getBoundingClientRect();
  const at = (x, y) => document.elementFromPoint(
    Math.min(innerWidth - 1, Math.max(0, box.left + box.width * x)),
    Math.min(innerHeight - 1, Math.max(0, box.top + box.height * y)));
  const mine = (hit) => hit && (one.contains(hit) || hit.contains(one)
    || Array.from(one.labels || []).some((label) => label.contains(hit)));
  return {
    html: one.outerHTML.slice(0, 160),
    text: words(one),
    ring: drawn ? (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) : 0,
    seen: [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]].some(
      ([x, y]) => mine(at(x, y))),
  };
}"""


class Reader:
    """A page, its keys and its accessibility tree."""

    def __init__(self, seen: Any) -> None:
        self.seen, self.page = seen, seen.page
        self.tools = self.page.context.new_cdp_session(self.page)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def held(self) -> tuple[str, str]:
        """Role and name of what has the focus; it is a stop that everybody can find."""
        stop = self.page.evaluate(STOP)
        assert stop is not None, "the focus is nowhere"
        if stop["ring"] < RING or not stop["seen"]:
            # A frame later: a ring that fades in, or a list that is still scrolling to it.
            self.page.wait_for_timeout(120)
            stop = self.page.evaluate(STOP)
        role, name = self.spoken()
        assert role not in ("", "generic", "none"), stop["html"]
        assert name, f"no name: {stop['html']}"
        # WCAG 2.5.3: who steers by voice says what stands there.
        seen, told = ("".join(text.split()) for text in (stop["text"], name))
        assert role not in ("button", "link") or seen in told, f"{seen} is not in {told}"
        assert stop["ring"] >= RING, f"the focus is not seen ({stop['ring']:.1f}): {stop['html']}"
        assert stop["seen"], f"the focus is covered: {stop['html']}"
        return role, name

    def spoken(self) -> tuple[str, str]:
        """Role and name of what has the focus, in the accessibility tree."""
        found = self.tools.send("Runtime.evaluate", {"expression": "document.activeElement"})
        (node,) = self.tools.send(
            "Accessibility.getPartialAXTree",
            {"objectId": found["result"]["objectId"], "fetchRelatives": False},
        )["nodes"]
        return node["role"]["value"], node.get("name", {}).get("value", "")

    def reach(self, role: str, name: str, key: str = "Tab") -> None:
        """Press `key` until the focus is on what is meant; every stop between is a good one."""
        passed = []
        for _ in range(MOST):
            self.press(key)
            if self.page.evaluate("() => document.activeElement === document.body"):
                continue  # the end of the page; the next stop is its beginning
            passed.append(self.held())
            if passed[-1][0] == role and name in passed[-1][1]:
                return
        pytest.fail(f"no key leads to {role} {name}; the stops are {passed}")

    def tree(self) -> list[tuple[str, str]]:
        """Roles and names of all that a screen reader meets."""
        nodes = self.tools.send("Accessibility.getFullAXTree")["nodes"]
        return [
            (one["role"]["value"], one.get("name", {}).get("value", ""))
            for one in nodes
            if not one["ignored"] and one.get("name", {}).get("value")
        ]

    def hears(self, *parts: str) -> None:
        """Wait until the page announces a sentence with all `parts`."""
        self.page.wait_for_function(
            """parts => {
              const live = document.querySelector(".notices [role=status][aria-live=polite]");
              return live && parts.every((part) => live.textContent.includes(part));
            }""",
            arg=list(parts),
        )


@pytest.fixture(scope="module")
def address(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("keys")
    write(small_edition, root)
    with hosting(root) as found:
        yield found


@pytest.fixture
def reading(address: str, visit: Visit) -> Callable[..., Reader]:
    """Opens a view, with nothing but keys from then on."""

    def opened(query: str = "", **options: Any) -> Reader:
        seen = visit(address + query, **{"width": 1100, "height": 640, **options})
        seen.ready(FIRST)
        return Reader(seen)

    return opened


def test_a_village_is_found_read_and_left(
    reading: Callable[..., Reader], small_edition: Edition
) -> None:
    reader = reading()
    page = reader.page
    town = small_edition.children(DISTRICT)[0]
    village = small_edition.children(town.code)[0]
    reader.press("/")
    assert reader.held() == ("combobox", say("portal.search.label"))
    page.keyboard.type(village.name)
    page.locator("#search-list [aria-selected=true]").wait_for()
    assert any(role == "option" and village.name in name for role, name in reader.tree())
    chosen = page.locator("#search-list [aria-selected=true]")
    for _ in range(page.locator("#search-list [role=option]").count()):
        if town.name in chosen.inner_text():
            break
        reader.press("ArrowDown")
    reader.press("Enter")
    reader.seen.painted(region=village.code)
    page.wait_for_function("name => document.activeElement.textContent === name", arg=village.name)
    assert reader.held() == ("heading", village.name)
    reader.hears(village.name, "集体收入")
    told = {name for _, name in reader.tree()}
    figure = page.locator(".hero").first.inner_text().split()[0]
    assert figure in told
    series = page.locator(".series .note").inner_text()
    assert series in told and village.name in series
    reader.reach("link", "全市")
    reader.press("Enter")
    reader.seen.painted(region=CITY)
    reader.hears("全市")
    # The link is gone, since it led here: reading goes on at the new name.
    page.wait_for_function("() => document.activeElement.className === 'region-name'")
    assert reader.held() == ("heading", "全市")


def test_measure_and_month_are_changed_and_heard_and_the_ranking_read(
    reading: Callable[..., Reader], small_edition: Edition
) -> None:
    reader = reading()
    reader.reach("button", "集体收入")
    reader.press("Enter")
    assert any(
        role == "group" and name == say("portal.toolbar.measures") for role, name in reader.tree()
    )
    reader.reach("link", "收入达标")
    reader.press("Enter")
    reader.seen.painted(measure="income_met")
    reader.hears("全市", "收入达标", "2021年12月")
    reader.reach("slider", say("map.time.slider"))
    reader.press("ArrowLeft", "ArrowLeft")
    reader.seen.painted(period=3)
    reader.hears("收入达标", "2021年10月")
    values = small_edition.values("income_met", "r3", "district").value[3]
    ranked = sorted(
        (one for one in small_edition.children(CITY) if not np.isnan(values[one.position])),
        key=lambda one: (-values[one.position], one.code),
    )
    tree = reader.tree()
    table = tree.index(next(one for one in tree if one[0] == "table" and "2021年10月" in one[1]))
    heads = [name for role, name in tree[table:] if role == "rowheader"]
    # A region that reported in part says so beside its name.
    assert [head.split()[0] for head in heads[: len(ranked)]] == [one.name for one in ranked]


def test_the_table_is_reached_sorted_walked_and_taken_along(
    reading: Callable[..., Reader], small_edition: Edition
) -> None:
    reader = reading(accept_downloads=True)
    page = reader.page
    reader.reach("button", say("portal.actions.table_title"))
    reader.press("Enter")
    page.locator("#table tbody tr").first.wait_for()
    assert reader.held() == ("button", say("portal.actions.map_title"))
    reader.reach("button", say("portal.ranking.name"))
    reader.press("Enter")
    assert page.locator("#table th[aria-sort=descending]").inner_text().startswith("地区")
    before = page.locator("#table tbody th").all_inner_texts()
    reader.press("Enter")
    assert page.locator("#table th[aria-sort=ascending]").count() == 1
    assert page.locator("#table tbody th").all_inner_texts() != before
    names = page.locator("#table tbody th").all_inner_texts()
    reader.reach("link", names[0])
    for name in names[1:]:
        reader.press("Tab")
        assert reader.held() == ("link", name)
    reader.reach("link", "中洲区", key="Shift+Tab")
    reader.press("Enter")
    reader.seen.painted(region=DISTRICT)
    page.wait_for_function("() => document.activeElement.id === 'table'")
    page.wait_for_function(
        "() => document.activeElement.getAttribute('aria-label').startsWith('中洲区')"
    )
    role, name = reader.held()
    assert role == "region" and name.startswith("中洲区各镇")
    reader.reach("button", say("public.screen.take_title"))
    reader.press("Enter")
    page.locator("#take[open]").wait_for()
    reader.reach("button", say("public.take.csv"))
    with page.expect_download() as waiting:
        reader.press("Enter")
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text("utf-8-sig"))))
    towns = {one.code for one in small_edition.children(DISTRICT)}
    assert towns <= {row[0] for row in rows if row}
    page.wait_for_function(
        "text => document.querySelector('#take [role=status]').textContent.includes(text)",
        arg=say("public.take.csv"),
    )
    reader.press("Escape")
    page.locator("#take").wait_for(state="detached")
    assert reader.held() == ("button", say("public.screen.take_title"))


def test_a_link_is_copied_and_the_map_itself_is_walked_by_keys(
    reading: Callable[..., Reader], address: str
) -> None:
    reader = reading(f"?region={DISTRICT}", permissions=["clipboard-read", "clipboard-write"])
    page = reader.page
    reader.reach("button", say("public.screen.share_title"))
    reader.press("Enter")
    page.locator("#share[open]").wait_for()
    link = say("public.share.link")
    reader.reach("button", say("public.share.copy_what", what=link))
    reader.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#share [role=status]').textContent === text",
        arg=say("public.share.copied"),
    )
    assert page.evaluate("() => navigator.clipboard.readText()") == f"{address}?region={DISTRICT}"
    reader.press("Escape")
    page.locator("#share").wait_for(state="detached")
    assert reader.held() == ("button", say("public.screen.share_title"))

    reader.reach("region", say("map.keys"))
    centre = "() => window.bangfu.map.getCenter().lng"
    before = page.evaluate(centre)
    reader.press("ArrowRight")
    page.wait_for_function("was => window.bangfu.map.getCenter().lng > was + 1e-6", arg=before)
    page.wait_for_function("() => !window.bangfu.map.isMoving()")
    reader.press("ArrowLeft")
    page.wait_for_function("() => !window.bangfu.map.isMoving()")
    # What lies under the cross is said, and Enter goes there.
    page.wait_for_function("() => document.querySelector('#map .atlas-unseen').textContent")
    name = page.locator("#map .atlas-unseen").text_content().split("，")[0]
    reader.press("Enter")
    page.wait_for_function("was => window.bangfu.painted.region !== was", arg=DISTRICT)
    reader.hears(name)
    assert reader.held()[0] == "region"  # still on the map
    reader.press("Escape")
    reader.seen.painted(region=DISTRICT)


def test_large_type_and_traditional_characters_leave_everything_in_reach(
    reading: Callable[..., Reader],
) -> None:
    reader = reading()
    page = reader.page
    reader.reach("button", say("public.screen.elder_on"))
    reader.press("Enter")
    page.wait_for_function("() => document.documentElement.hasAttribute('data-elder')")
    assert reader.held() == ("button", say("public.screen.elder_off"))
    reader.reach("button", say("public.screen.traditional"))
    reader.press("Enter")
    page.wait_for_function("() => document.documentElement.lang === 'zh-Hant'")
    page.wait_for_function("() => document.querySelector('.region-name').textContent === '全市'")
    stops: list[tuple[str, str]] = []
    for _ in range(MOST):
        reader.press("Tab")
        if page.evaluate("() => document.activeElement === document.body"):
            continue  # the end of the page; the next stop is its beginning
        stops.append(reader.held())
        if len(stops) > 1 and stops[-1] == stops[0]:
            break
    names = " ".join(name for _, name in stops)
    for part in (
        "用表格看這張圖", "退出長者模式", "換回簡體字", "集體收入",
        "輪次", "中洲區", "方向鍵", "縮小",
    ):  # fmt: skip
        assert part in names, (part, stops)
    assert {"combobox", "slider", "region", "link", "button"} <= {role for role, _ in stops}
