"""A page that is left open while its session ends says so, stays, and goes on once there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard import access
from geodata.ledger import Role, screens, sessions
from geodata.ledger.roles import TERMINAL
from tests.browser.conftest import PATIENCE_MS, Watched, serving
from tests.dashboard import guarded
from tests.dashboard.guarded import World

pytestmark = pytest.mark.browser

Visit = Callable[..., Watched]
DISTRICT, TOWN = "990002000000", "990002901000"
BAR = ".session-bar"


@pytest.fixture(scope="module")
def site(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    own = tmp_path_factory.mktemp("session")
    world = guarded.make(Path(shutil.copytree(small_folder, own / "workspace")), own)
    with serving(world.app.server) as address:
        yield address, world


def begin(world: World) -> str:
    """A session of a viewer's; its token."""
    return sessions.begin(world.ledger, world.accounts[Role.VIEWER].id)


def holding(address: str, name: str, token: str) -> dict[str, Any]:
    """A browser's state with one of our cookies."""
    return {"cookies": [{"name": name, "value": token, "url": address}], "origins": []}


def sign_in_elsewhere(seen: Watched, address: str, token: str) -> None:
    """As in another tab of the browser."""
    seen.page.context.add_cookies(
        [{"name": access.SESSION, "value": token, "url": address, "httpOnly": True}]
    )


def ended(seen: Watched) -> None:
    """Wait for the bar; what the browser and Dash say of the refusals themselves is no fault."""
    seen.page.locator(BAR).wait_for()
    # Dash reads the body of a 401 twice.
    known = ("status of 401", "body stream already read")
    assert all(any(part in one for part in known) for one in seen.said), seen.said


def down(seen: Watched, name: str) -> None:
    seen.page.locator("#ranking").get_by_role("link", name=name, exact=True).click()


def test_a_session_that_ended_is_told_and_the_page_stays(visit: Visit, site: Any) -> None:
    address, world = site
    token = begin(world)
    seen = visit(
        f"{address}/?measure=collective_income&round=r3",
        storage_state=holding(address, access.SESSION, token),
    )
    seen.painted(region="990000000000")
    seen.settle()
    assert seen.page.locator(BAR).count() == 0
    seen.page.evaluate("() => { window.same = true; }")
    sessions.end(world.ledger, token)
    down(seen, "中洲区")
    ended(seen)
    assert seen.page.locator(BAR).inner_text() == "登录已结束，重新登录"
    link = seen.page.locator(BAR).get_by_role("link", name="重新登录")
    link.hover()
    target = urlsplit(link.get_attribute("href"))
    assert target.path == "/signin"
    here = parse_qs(target.query)["next"][0]
    assert here.startswith("/?") and f"region={DISTRICT}" in here and "round=r3" in here

    # Polls that anybody may ask go on meanwhile and are no sign of a session; neither is what
    # everybody may ask for.
    seen.page.evaluate("() => fetch('/healthz')")
    seen.page.wait_for_timeout(500)
    assert seen.page.locator(BAR).is_visible()
    assert seen.page.evaluate("() => window.same"), "nothing was loaded anew"

    sign_in_elsewhere(seen, address, begin(world))
    seen.page.go_back()
    seen.painted(region="990000000000")
    down(seen, "中洲区")
    seen.painted(region=DISTRICT)
    seen.page.locator(BAR).wait_for(state="detached")
    assert seen.page.evaluate("() => window.same")
    room = seen.page.evaluate("() => document.querySelector('.portal').getBoundingClientRect().top")
    assert room == 0
    seen.said.clear()


def test_signing_in_again_leads_back_to_what_was_shown(visit: Visit, site: Any) -> None:
    address, world = site
    token = begin(world)
    seen = visit(
        f"{address}/?region={DISTRICT}",
        width=360,
        height=740,
        storage_state=holding(address, access.SESSION, token),
    )
    seen.painted(region=DISTRICT)
    sessions.end(world.ledger, token)
    down(seen, "柳湾镇")
    ended(seen)
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    box = seen.page.evaluate("() => document.querySelector('.portal').getBoundingClientRect()")
    bar = seen.page.locator(BAR).bounding_box()
    assert box["top"] >= bar["y"] + bar["height"] - 0.5, "nothing lies under the bar"
    seen.page.locator(BAR).get_by_role("link").click()
    seen.page.get_by_label("账户名").fill("test-viewer")
    seen.page.get_by_label("密码").fill(guarded.PASSWORD)
    seen.page.get_by_role("button", name="登录").click()
    seen.painted(region=TOWN)
    assert seen.page.locator(BAR).count() == 0
    seen.said.clear()


def test_an_answer_that_was_on_its_way_is_no_sign_of_a_session(visit: Visit, site: Any) -> None:
    address, world = site
    token = begin(world)
    seen = visit(f"{address}/maps", storage_state=holding(address, access.SESSION, token))
    seen.page.locator(".card").first.wait_for()
    on_its_way: list[Any] = []

    def wait(route: Any) -> None:
        on_its_way.append(route)

    seen.page.route("**/api/v1/slow", wait)
    seen.page.route("**/api/v1/refused", lambda route: route.fulfill(status=401, json={}))
    seen.page.route("**/api/v1/later", lambda route: route.fulfill(json={}))
    seen.page.evaluate(
        """async () => {
          window.slow = fetch('/api/v1/slow');
          await fetch('/api/v1/refused');
        }"""
    )
    ended(seen)
    on_its_way[0].fulfill(json={})
    seen.page.evaluate("() => window.slow.then(() => undefined)")
    seen.page.wait_for_timeout(200)
    assert seen.page.locator(BAR).is_visible()
    seen.page.evaluate("() => fetch('/api/v1/later')")
    seen.page.locator(BAR).wait_for(state="detached")
    seen.said.clear()


def test_a_wall_has_no_session(visit: Visit, site: Any) -> None:
    address, world = site
    token = screens.enrol(world.ledger, TERMINAL, "二楼")
    wall = visit(f"{address}/wall?screen={token}", width=1280, height=720)
    wall.page.wait_for_function(
        "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled", timeout=PATIENCE_MS
    )
    (screen,) = [one for one in screens.all_screens(world.ledger) if one.label == "二楼"]
    screens.revoke(world.ledger, TERMINAL, screen.id)
    assert wall.page.evaluate("async () => (await fetch('/api/v1/edition')).status") == 401
    wall.page.wait_for_timeout(500)
    assert wall.page.locator(BAR).count() == 0
    wall.said.clear()
