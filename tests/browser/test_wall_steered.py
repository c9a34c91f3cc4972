"""A phone in a browser of its own steers a wall in another, over the real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from geodata.edition import Edition
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.real_server import RealServer, real_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

SETTLED = "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled"
Visit = Callable[..., Watched]


@pytest.fixture(scope="module")
def server(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    folder = tmp_path_factory.mktemp("steered") / "own"
    shutil.copytree(small_folder, folder)
    with real_server(folder) as running:
        yield running


def paired(visit: Visit, server: RealServer) -> tuple[Watched, Watched]:
    """A wall, and a phone that was paired with the code on it."""
    wall = visit(f"{server.address}/wall", width=1280, height=720)
    wall.page.wait_for_function(SETTLED, timeout=PATIENCE_MS)
    wall.page.evaluate("() => bangfu.wall.hold(true)")
    code = wall.page.locator(".shell-card-code strong").inner_text()
    phone = visit(f"{server.address}/remote#{code}", width=360, height=740, has_touch=True)
    phone.page.locator(".remote-keys").wait_for()
    wall.page.wait_for_function("() => bangfu.wall.state().paired === 1", timeout=PATIENCE_MS)
    return wall, phone


def press(phone: Watched, name: str) -> None:
    keys = phone.page.locator(".remote-keys")
    keys.get_by_role("button", name=name, exact=True).click(no_wait_after=True)


def reached(wall: Watched, condition: str, arg: object = None) -> None:
    wall.page.wait_for_function(condition, arg=arg, timeout=PATIENCE_MS)


def test_a_phone_steers_a_wall(visit: Visit, server: RealServer, small_edition: Edition) -> None:
    wall, phone = paired(visit, server)
    names = wall.page.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    press(phone, "下一幕")
    reached(wall, "name => bangfu.wall.state().scene === name", names[1])
    phone.page.get_by_text(f"第 2 / {len(names)} 幕").wait_for()
    press(phone, "上一幕")
    reached(wall, "name => bangfu.wall.state().scene === name", names[0])
    press(phone, "黑屏")
    reached(wall, "() => bangfu.wall.state().blank")
    press(phone, "亮屏")
    reached(wall, "() => !bangfu.wall.state().blank")
    # Jump to a region by search, and back.
    district = small_edition.regions("district").iloc[1]
    phone.page.get_by_role("tab", name="跳转").click()
    phone.page.get_by_label("跳到一个地区").fill(str(district["name"]))
    phone.page.locator(".remote-found button").first.click()
    reached(wall, "code => bangfu.wall.state().region === code", str(district["code"]))
    phone.page.get_by_role("button", name="返回汇报").click()
    reached(wall, "() => bangfu.wall.state().region === null")


def test_walls_do_not_mix_and_a_pairing_survives_the_server(
    visit: Visit, server: RealServer
) -> None:
    wall, phone = paired(visit, server)
    other, _ = paired(visit, server)
    names = wall.page.evaluate("() => bangfu.wall.scenes.map(one => one.id)")
    press(phone, "下一幕")
    reached(wall, "name => bangfu.wall.state().scene === name", names[1])
    assert other.page.evaluate("() => bangfu.wall.state().scene") == names[0]
    server.kill()
    server.start()
    reached(wall, "() => bangfu.wall.state().alive && !bangfu.wall.mark")
    phone.page.get_by_text("已连接").wait_for()
    press(phone, "下一幕")
    reached(wall, "name => bangfu.wall.state().scene === name", names[2])
    for watched in (wall, phone, other, _):
        watched.said[:] = [
            line for line in watched.said if not re.search("Failed to load resource|ERR_", line)
        ]
