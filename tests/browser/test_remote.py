"""A phone steers a wall: what the presenter sees and presses, and what reaches the wall."""

from __future__ import annotations

import json
import re
import tomllib
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.browser.conftest import PATIENCE_MS
from tests.browser.real_server import RealServer, real_server

pytestmark = pytest.mark.browser

Visit = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}
BRIEFING = """
title = "年中汇报"
[[scenes]]
kind = "overview"
notes = "先看全市。\\n停一停。"
[[scenes]]
kind = "map"
id = "fugai"
[[scenes]]
kind = "progress"
notes = "讲慢一点"
"""


class Wall:
    """A wall without a screen: it registers, listens and tells, as the real one does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.said = self._call("POST", "/steer/walls", {"briefing": "nianzhong"})
        self.path = f"/steer/walls/{self.said['wall']}"
        self.secret = {"X-Wall-Secret": self.said["secret"]}
        self.after = self.said["seq"]
        told = self.poll()
        place = f"/briefings/{told['edition']}/{told['briefing']}/{told['fingerprint']}"
        self.scenes = self._call("GET", f"{place}/scenes.json")["scenes"]
        self.showing = {
            "scene": "",
            "index": 0,
            "total": len(self.scenes),
            "title": "",
            "hold": False,
            "blank": False,
            "playing": False,
            "period_label": "2024年12月",
            "edition": told["edition"],
            "fingerprint": told["fingerprint"],
            "region": None,
        }

    def _call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        head = {"Content-Type": "application/json", **headers}
        request = Request(self.address + path, data=data, headers=head, method=method)
        with urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def poll(self) -> Any:
        told = self._call("GET", f"{self.path}?after={self.after}", **self.secret)
        self.after = told["seq"]
        return told

    def heard(self, page: Any, count: int = 1) -> list[dict[str, Any]]:
        """Wait for commands: what they say without their number."""
        found: list[dict[str, Any]] = []
        for _ in range(100):
            found += [
                {key: value for key, value in one.items() if key != "seq"}
                for one in self.poll()["commands"]
            ]
            if len(found) >= count:
                break
            page.wait_for_timeout(100)
        return found

    def lit(self, page: Any, on: bool) -> Any:
        """Wait until the pointer is there, or gone."""
        for _ in range(60):
            spot = self.poll()["pointer"]
            if bool(spot) == on:
                return spot
            page.wait_for_timeout(100)
        raise AssertionError(f"pointer on: {not on}")

    def show(self, index: int | None = None, **changed: object) -> None:
        if index is not None:
            scene = self.scenes[index]
            self.showing |= {"scene": scene["id"], "index": index, "title": scene["title"]}
        self.showing |= changed
        self._call("PUT", f"{self.path}/showing", self.showing, **self.secret)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The real server over the small world, with a briefing that has notes."""
    from tests.worlds import build_small

    folder = tmp_path_factory.mktemp("remote")
    build_small(folder)
    (folder / "briefings").mkdir()
    (folder / "briefings" / "nianzhong.toml").write_text(BRIEFING, "utf-8")
    with real_server(folder) as running:
        yield running


@pytest.fixture
def wall(server: RealServer) -> Wall:
    made = Wall(server.address)
    made.show(0)
    return made


def paired(visit: Visit, wall: Wall, **screen: Any) -> Any:
    """A phone that scanned the wall's QR code and shows the first scene."""
    seen = visit(wall.poll()["remote_url"], **{**PHONE, **screen})
    seen.page.wait_for_selector(".remote-sentence", timeout=PATIENCE_MS)
    return seen


def test_every_word_of_the_script_is_in_the_catalogue_and_none_is_left_over() -> None:
    script = (ROOT / "assets/remote/70-remote.js").read_text("utf-8")
    words = tomllib.loads((ROOT / "geodata/words/zh/remote.toml").read_text("utf-8"))
    used = set(re.findall(r"\bwords\.([a-z_]+)", script))
    # Named as text: of a view, of a key.
    views = re.search(r"const VIEWS = \[(.*?)\]", script)
    assert views
    used |= {f"view_{name}" for name in re.findall(r'"(\w+)"', views[1])}
    used |= set(re.findall(r'"([a-z_]+)"', script)) & set(words)
    assert used == set(words)


def test_six_digits_pair_the_phone_and_it_shows_what_the_wall_shows(
    server: RealServer, wall: Wall, visit: Visit
) -> None:
    seen = visit(f"{server.address}/remote", **PHONE)
    field = seen.page.get_by_label("大屏上的六位数")
    assert field.get_attribute("inputmode") == "numeric"
    field.fill(wall.poll()["code"])
    seen.page.wait_for_selector(".remote-sentence", timeout=PATIENCE_MS)
    page = seen.page
    assert page.locator("h1").inner_text() == wall.scenes[0]["title"]
    assert wall.said["name"] in page.locator(".remote-head").inner_text()
    assert "已连接" in page.locator(".remote-head").inner_text()
    assert "第 1 / 3 幕" in page.locator(".remote-now").inner_text()
    assert "2024年12月" in page.locator(".remote-now").inner_text()
    notes = page.locator(".remote-view").inner_text()
    assert wall.scenes[0]["sentence"] in notes
    assert "先看全市。\n停一停。" in notes
    assert f"下一幕：{wall.scenes[1]['title']}" in notes
    assert wall.said["name"] in page.title()
    # Another scene on the wall is another one on the phone.
    wall.show(2)
    page.wait_for_selector("text=讲慢一点")
    assert page.locator("h1").inner_text() == wall.scenes[2]["title"]


def test_a_wrong_code_is_told_and_can_be_tried_again(
    server: RealServer, wall: Wall, visit: Visit
) -> None:
    seen = visit(f"{server.address}/remote", **PHONE)
    code = wall.poll()["code"]
    field = seen.page.get_by_label("大屏上的六位数")
    field.fill(f"{(int(code) + 1) % 1_000_000:06}")
    seen.page.wait_for_selector("text=这个六位数不对")
    assert field.input_value() == ""
    seen.said.clear()  # the browser itself notes the 403
    field.fill(code)
    seen.page.wait_for_selector(".remote-sentence", timeout=PATIENCE_MS)


def test_a_scanned_code_is_taken_off_the_address_and_the_pairing_is_kept(
    server: RealServer, wall: Wall, visit: Visit
) -> None:
    seen = paired(visit, wall)
    assert seen.page.url == f"{server.address}/remote"
    seen.page.reload()
    seen.page.wait_for_selector(".remote-sentence", timeout=PATIENCE_MS)
    assert wall.poll()["paired"] == 1


def test_keys_reach_the_wall_and_show_that_they_did(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    keys = seen.page.locator(".remote-keys")
    following = keys.get_by_role("button", name="下一幕")
    following.click()
    seen.page.wait_for_selector('.remote-main[data-state="done"]')
    assert wall.heard(seen.page) == [{"do": "next"}]
    for name, order, shown in (
        ("上一幕", {"do": "previous"}, {}),
        ("保持", {"do": "hold", "on": True}, {"hold": True}),
        ("继续轮播", {"do": "hold", "on": False}, {"hold": False}),
        ("播放", {"do": "play", "on": True}, {"playing": True}),
        ("暂停", {"do": "play", "on": False}, {"playing": False}),
        ("黑屏", {"do": "blank", "on": True}, {"blank": True}),
        ("亮屏", {"do": "blank", "on": False}, {"blank": False}),
    ):
        keys.get_by_role("button", name=name, exact=True).click()
        assert wall.heard(seen.page) == [order]
        wall.show(**shown)


def test_quick_presses_arrive_in_their_order_each_once(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    names = ["下一幕", "下一幕", "上一幕", "下一幕"]
    for name in names:
        seen.page.locator(".remote-keys").get_by_role("button", name=name).click(no_wait_after=True)
    heard = [one["do"] for one in wall.heard(seen.page, len(names))]
    assert heard == ["next", "next", "previous", "next"]
    seen.page.wait_for_timeout(500)
    assert wall.poll()["commands"] == []


def test_a_scene_is_chosen_from_the_list(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    seen.page.get_by_role("tab", name="目录").click()
    rows = seen.page.locator(".remote-scene")
    assert [
        row.strip() for row in rows.locator(".remote-label > span:nth-child(2)").all_inner_texts()
    ] == [scene["title"] for scene in wall.scenes]
    assert rows.nth(0).get_attribute("aria-current") == "true"
    assert rows.locator("img").count() == sum(1 for one in wall.scenes if one["thumbnail"])
    rows.nth(1).click()
    assert wall.heard(seen.page) == [{"do": "go", "scene": "fugai"}]
    wall.show(1)
    seen.page.wait_for_selector('.remote-scene[aria-current]:has-text("正在放") >> nth=0')
    seen.page.wait_for_function(
        "() => document.querySelectorAll('.remote-scene')[1].getAttribute('aria-current')"
    )


def test_a_jump_to_a_region_and_back(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    page = seen.page
    page.get_by_role("tab", name="跳转").click()
    page.get_by_label("跳到一个地区").fill("9900")
    page.wait_for_selector(".remote-found button")
    name = page.locator(".remote-found .remote-name").nth(1).inner_text()
    page.locator(".remote-found button").nth(1).click()
    (order,) = wall.heard(page)
    assert order["do"] == "region"
    wall.show(region=order["code"], title=name)
    page.wait_for_selector(f"h1:has-text('正在看 {name}')")
    # There is a map to point at also where the briefing has no scene: cut out of the whole one.
    page.get_by_role("tab", name="指点").click()
    page.wait_for_selector(".remote-surface")
    page.get_by_role("button", name="返回汇报").click()
    assert wall.heard(page) == [{"do": "return"}]
    wall.show(0, region=None)
    page.wait_for_selector("text=返回汇报", state="detached")


def test_the_pointer_follows_the_finger_and_goes_out_with_it(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    page = seen.page
    page.get_by_role("tab", name="指点").click()
    page.wait_for_selector(".remote-surface img")
    page.wait_for_function("() => document.querySelector('.remote-surface img').naturalWidth")
    page.wait_for_timeout(500)  # the part that is shown comes with the scene's content
    part = page.evaluate(
        """() => {
          const box = document.querySelector(".remote-surface").getBoundingClientRect();
          const img = document.querySelector(".remote-surface img").getBoundingClientRect();
          const at = (x, from, size) => (x - from) / size;
          return {x: at(box.left + box.width * 0.6, img.left, img.width),
                  y: at(box.top + box.height * 0.4, img.top, img.height)};
        }"""
    )
    west, south, east, north = wall.scenes[0]["thumbnail"]["bounds"]
    box = page.locator(".remote-surface").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    seen.requests.clear()
    page.mouse.down()
    for step in range(31):
        across, down = 0.3 + 0.01 * step, 0.3 + 0.1 * step / 30
        page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        page.wait_for_timeout(30)
    page.wait_for_timeout(300)
    spot = wall.lit(page, on=True)
    assert spot["lon"] == pytest.approx(west + part["x"] * (east - west), abs=(east - west) / 200)
    assert spot["lat"] == pytest.approx(
        north - part["y"] * (north - south), abs=(north - south) / 200
    )
    sent = [one for one in seen.requests if one.endswith("/commands")]
    assert 3 <= len(sent) <= 12 * 3
    # Held still for longer than the server waits for news, it stays.
    page.wait_for_timeout(3500)
    wall.lit(page, on=True)
    page.mouse.up()
    wall.lit(page, on=False)
    assert wall.poll()["commands"] == []


def test_notes_grow_and_stay_as_large_as_they_were_made(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    size = """() => {
      const text = document.querySelector('.remote-text');
      return text && parseFloat(getComputedStyle(text).fontSize);
    }"""
    before = seen.page.evaluate(size)
    grown = f"before => ({size})() > before * 1.25"
    seen.page.get_by_role("button", name="字大一些").click()
    seen.page.get_by_role("button", name="字大一些").click()
    seen.page.wait_for_function(grown, arg=before)
    seen.page.reload()
    seen.page.wait_for_function(grown, arg=before, timeout=PATIENCE_MS)


def test_a_phone_that_leaves_steers_no_more_and_keeps_nothing(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    seen.page.get_by_role("tab", name="跳转").click()
    seen.page.get_by_role("button", name="断开配对").click()
    seen.page.wait_for_selector(".remote-code")
    for _ in range(30):
        if wall.poll()["paired"] == 0:
            break
        seen.page.wait_for_timeout(100)
    assert wall.poll()["paired"] == 0
    assert seen.page.evaluate("() => localStorage.getItem('bangfu.remote')") is None


def test_a_pairing_that_ended_asks_for_a_code_again(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    token = seen.page.evaluate("() => JSON.parse(localStorage.getItem('bangfu.remote')).token")
    request = Request(
        f"{wall.address}/steer/remote",
        headers={"Authorization": f"Bearer {token}"},
        method="DELETE",
    )
    urlopen(request, timeout=10).close()
    seen.page.wait_for_selector("text=配对已到期或已断开")
    assert seen.page.evaluate("() => localStorage.getItem('bangfu.remote')") is None
    seen.said.clear()  # the browser itself notes the 401


def test_another_walls_code_takes_the_phone_there(
    server: RealServer, wall: Wall, visit: Visit
) -> None:
    seen = paired(visit, wall)
    other = Wall(server.address)
    other.show(2)
    seen.page.evaluate("code => { location.hash = code; }", other.poll()["code"])
    seen.page.wait_for_selector(f"text={other.said['name']}")
    seen.page.wait_for_selector("text=讲慢一点")
    seen.page.wait_for_timeout(300)
    assert (wall.poll()["paired"], other.poll()["paired"]) == (0, 1)
    assert seen.page.url.endswith("/remote")


def test_a_wall_that_went_dark_is_told(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    # Nobody polls for it now.
    seen.page.wait_for_selector("text=大屏没有响应", timeout=20_000)
    wall.poll()
    seen.page.wait_for_selector("text=已连接")


def test_a_hidden_phone_asks_nothing_and_polls_never_pile_up(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    page = seen.page
    waiting = 0
    most = 0

    def begin(request: Any) -> None:
        nonlocal waiting, most
        if request.url.endswith("/steer/remote"):
            waiting += 1
            most = max(most, waiting)

    def end(request: Any) -> None:
        nonlocal waiting
        if request.url.endswith("/steer/remote"):
            waiting -= 1

    page.on("request", begin)
    page.on("requestfinished", end)
    page.on("requestfailed", end)
    # A server that takes the question and never answers.
    page.route("**/steer/remote", lambda route: None)
    page.wait_for_timeout(9000)
    page.wait_for_selector("text=服务器没有回应")
    assert most == 1
    page.unroute("**/steer/remote")
    page.wait_for_selector("text=服务器没有回应", state="detached", timeout=10_000)
    hide = """hidden => {
      Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(1500)
    seen.requests.clear()
    page.wait_for_timeout(2500)
    assert seen.asked == []
    wall.show(2)
    page.evaluate(hide, False)
    page.wait_for_selector("text=讲慢一点", timeout=3000)


def test_a_killed_server_is_told_quietly_and_the_pairing_outlives_it(
    server: RealServer, wall: Wall, visit: Visit
) -> None:
    seen = paired(visit, wall)
    page = seen.page
    server.kill()
    page.wait_for_selector("text=服务器没有回应，正在重连")
    # What was known stays, and a press says that it did not arrive.
    assert wall.scenes[0]["title"] == page.locator("h1").inner_text()
    page.locator(".remote-keys").get_by_role("button", name="下一幕").click()
    page.wait_for_selector('.remote-main[data-state="failed"]')
    assert "没有送到" in page.locator(".remote-keys").inner_text()
    server.start()
    wall.poll()
    page.wait_for_selector("text=已连接", timeout=10_000)
    page.locator(".remote-keys").get_by_role("button", name="下一幕").click()
    assert wall.heard(page) == [{"do": "next"}]
    seen.said.clear()  # the browser itself notes each refused connection


def test_nobody_steers_without_a_code(server: RealServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urlopen(f"{server.address}/steer/remote", timeout=10)
    assert refused.value.code == 401
    refused.value.close()


@pytest.mark.parametrize(
    ("width", "height"), [(360, 740), (320, 568), (412, 915), (740, 360), (820, 1180), (1180, 820)]
)
@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_key_is_on_the_screen_and_large_enough_for_a_thumb(
    wall: Wall, visit: Visit, width: int, height: int, look: str
) -> None:
    seen = paired(visit, wall, width=width, height=height, color_scheme=look)
    wall.show(region=None, hold=True, blank=True)
    page = seen.page
    page.wait_for_selector("text=已黑屏")
    for button in page.locator(
        ".remote-keys button, .remote-tabs button, .remote-sizes button"
    ).all():
        box = button.bounding_box()
        assert box["width"] >= 40 and box["height"] >= 40, button.inner_text()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= 0 and box["y"] + box["height"] <= height
    for name in ("previous", "next"):
        word = {"previous": "上一幕", "next": "下一幕"}[name]
        box = page.locator(".remote-keys").get_by_role("button", name=word).bounding_box()
        assert box["width"] >= 90 and box["height"] >= 70
    ground = page.evaluate(
        "() => getComputedStyle(document.querySelector('.remote')).backgroundColor"
    )
    dark = sum(map(int, re.findall(r"\d+", ground)[:3])) < 200
    assert dark == (look == "dark")
    sideways = page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    assert not sideways


def test_it_speaks_no_english_and_every_control_has_a_name(wall: Wall, visit: Visit) -> None:
    seen = paired(visit, wall)
    page = seen.page
    for tab in ("讲稿", "指点", "目录", "跳转"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(200)
        text = page.locator("body").inner_text().replace(wall.said["name"], "")
        assert not re.findall(r"[A-Za-z]{3,}", text), tab
        nameless = page.evaluate(
            """() => Array.from(document.querySelectorAll("button, input"))
              .filter(one => !(one.innerText || one.getAttribute("aria-label")
                || (one.labels && one.labels.length)))
              .map(one => one.outerHTML)"""
        )
        assert nameless == []
    # By keyboard, too: tabs turn with the arrows.
    page.get_by_role("tab", name="跳转").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="讲稿").get_attribute("aria-selected") == "true"
