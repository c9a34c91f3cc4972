"""Where accounts are needed: people sign in, walls and phones are let in, cookies and all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from geodata.ledger import screens
from geodata.ledger.roles import TERMINAL
from tests.browser.conftest import PATIENCE_MS, Watched, serving
from tests.dashboard import guarded
from tests.dashboard.guarded import World

pytestmark = pytest.mark.browser

Visit = Callable[..., Watched]
SETTLED = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"


@pytest.fixture(scope="module")
def guarded_world(
    small_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, World]]:
    own = tmp_path_factory.mktemp("guarded")
    world = guarded.make(Path(shutil.copytree(small_folder, own / "workspace")), own)
    with serving(world.app.server) as address:
        yield address, world


def test_a_reader_signs_in_and_sees_what_was_asked_for(
    visit: Visit, guarded_world: tuple[str, World]
) -> None:
    address, _ = guarded_world
    place = "/?measure=collective_income&round=r3"
    reader = visit(address + place)
    reader.page.get_by_label("账户名").fill("test-viewer")
    reader.page.get_by_label("密码").fill("not-the-password")
    reader.page.get_by_role("button", name="登录").click()
    reader.page.get_by_role("alert").wait_for()
    assert all("422" in one for one in reader.said)
    reader.said.clear()
    reader.page.get_by_label("密码").fill(guarded.PASSWORD)
    reader.page.get_by_role("button", name="登录").click()
    reader.ready()
    assert "measure=collective_income" in reader.page.url
    reader.page.goto(f"{address}/account")
    reader.page.get_by_text("已登录：甲viewer").wait_for()
    reader.page.get_by_role("button", name="退出", exact=True).click()
    reader.page.get_by_label("账户名").wait_for()
    reader.page.goto(address + place)
    reader.page.get_by_label("账户名").wait_for()


def test_a_first_password_is_changed_before_anything_else(
    visit: Visit, guarded_world: tuple[str, World]
) -> None:
    address, _ = guarded_world
    person = visit(f"{address}/signin")
    person.page.get_by_label("账户名").fill("test-first")
    person.page.get_by_label("密码").fill(guarded.PASSWORD)
    person.page.get_by_role("button", name="登录").click()
    person.page.get_by_label("原密码").fill(guarded.PASSWORD)
    person.page.get_by_label("新密码", exact=True).fill("huoche-8-tiantang-lu")
    person.page.get_by_label("再输一遍新密码").fill("huoche-8-tiantang-lu")
    person.page.get_by_role("button", name="修改密码").click()
    person.ready()


def test_a_wall_is_let_in_by_its_address_and_a_phone_by_its_code(
    visit: Visit, guarded_world: tuple[str, World]
) -> None:
    address, world = guarded_world
    token = screens.enrol(world.ledger, TERMINAL, "三楼会议室")
    wall = visit(f"{address}/wall?screen={token}", width=1280, height=720)
    wall.page.wait_for_function(SETTLED, timeout=PATIENCE_MS)
    assert wall.page.url == f"{address}/wall"
    wall.page.evaluate("() => bangfu.wall.hold(true)")
    code = wall.page.locator(".shell-card-code strong").inner_text()
    phone = visit(f"{address}/remote#{code}", width=360, height=740, has_touch=True)
    keys = phone.page.locator(".remote-keys")
    keys.wait_for()
    wall.page.wait_for_function("() => bangfu.wall.state().paired === 1", timeout=PATIENCE_MS)
    names = wall.page.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    keys.get_by_role("button", name="下一幕", exact=True).click(no_wait_after=True)
    wall.page.wait_for_function(
        "name => bangfu.wall.state().scene === name", arg=names[1], timeout=PATIENCE_MS
    )
    # Pictures are asked for without the token, by the cookie.
    phone.page.get_by_role("tab", name="目录").click()
    phone.page.wait_for_function(
        "() => [...document.images].some(one => one.complete && one.naturalWidth > 0)",
        timeout=PATIENCE_MS,
    )
    cookies = {cookie["name"]: cookie for cookie in phone.page.context.cookies()}
    assert cookies["bangfu_phone"]["httpOnly"]
    assert cookies["bangfu_phone"]["sameSite"] == "Lax"
