"""People sign in, change a first password, use codes and manage accounts: by the keyboard alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from geodata.ledger import accounts, screens, sessions
from geodata.ledger.roles import TERMINAL
from tests.browser.conftest import Watched, serving
from tests.dashboard import guarded
from tests.dashboard.guarded import PASSWORD, World

pytestmark = pytest.mark.browser

Visit = Callable[..., Watched]
NEW = "huoche-8-tiantang-lu"
HOSTILE = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>\'"{{7*7}}'[:40]
SIZES = ((1366, 768), (768, 1024), (360, 740))


@pytest.fixture(scope="module")
def door(
    small_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, World]]:
    own = tmp_path_factory.mktemp("door")
    world = guarded.make(
        Path(shutil.copytree(small_folder, own / "workspace")),
        own,
        sign_in_limit="1000 per minute",
        write_limit="1000 per minute",
    )
    with serving(world.app.server) as address:
        yield address, world


def typed(page: Any, *texts: str) -> None:
    """Type into the field that has the focus, on to the next, and send the form."""
    page.wait_for_function("() => document.activeElement.tagName === 'INPUT'")
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.insert_text(text)
    page.keyboard.press("Enter")


def tab_to(page: Any, name: str) -> None:
    """Press the tabulator until what is called so has the focus, and can be seen to."""
    told = """() => {
      const at = document.activeElement;
      const label = at.labels && at.labels.length ? at.labels[0].innerText : "";
      return (at.getAttribute("aria-label") || label || at.innerText || "").trim();
    }"""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(told) == name:
            ring = "() => getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(ring) != "none", f"{name} has the focus, and nobody sees it"
            return
    raise AssertionError(f"no key leads to {name}")


def enter(visit: Visit, address: str, name: str, password: str = PASSWORD, **size: int) -> Watched:
    watched = visit(f"{address}/signin?next=/account", **size)
    typed(watched.page, name, password)
    watched.page.wait_for_url(f"{address}/account")
    return watched


def test_a_first_password_is_changed_codes_are_set_up_and_asked_for(
    visit: Visit, door: tuple[str, World]
) -> None:
    address, _ = door
    person = enter(visit, address, "test-first", width=360, height=740)
    page = person.page
    page.get_by_text("换好以后就能用了").wait_for()
    typed(page, PASSWORD, NEW, NEW)
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/account")
    tab_to(page, "启用动态码")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/account/codes")
    page.get_by_alt_text("二维码").wait_for()
    assert page.evaluate("() => document.querySelector('.qr').naturalWidth > 0")
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    totp = pyotp.TOTP(secret)
    tab_to(page, "六位动态码")
    typed(page, totp.now(), NEW)
    page.get_by_text("动态码启用了").wait_for()
    page.goto(f"{address}/account")
    tab_to(page, "退出")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/signin")
    typed(page, "test-first", NEW)
    page.wait_for_url(f"{address}/signin/code")
    typed(page, "000000")
    page.get_by_role("alert").wait_for()
    page.wait_for_load_state()
    assert all("422" in one for one in person.said)
    person.said.clear()
    # The one of now was used to set them up: the next one, as a fast phone has it.
    typed(page, totp.at(int(time.time()) + 30))
    page.wait_for_url(lambda url: "/signin" not in url)


def test_one_leaves_everywhere(visit: Visit, door: tuple[str, World]) -> None:
    address, world = door
    here = enter(visit, address, "test-viewer").page
    there = enter(visit, address, "test-viewer").page
    there.get_by_role("heading", name="我的账户").wait_for()
    here.reload()
    tab_to(here, "全部退出，包括这里")
    here.keyboard.press("Enter")
    here.get_by_label("账户名").wait_for()
    assert sessions.places(world.ledger, world.accounts["viewer"].id) == []
    there.reload()
    there.get_by_label("账户名").wait_for()


def test_an_account_is_made_changed_and_shut_out(visit: Visit, door: tuple[str, World]) -> None:
    address, world = door
    page = enter(visit, address, "test-administrator").page
    tab_to(page, "账户管理")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/accounts")
    tab_to(page, "新建账户")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/accounts/new")
    page.wait_for_function("() => document.activeElement.id === 'name'")
    page.keyboard.insert_text("zhangsan")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("张三")
    tab_to(page, "角色")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "建立账户")
    page.keyboard.press("Enter")
    password = page.locator("code.secret").inner_text()
    found = accounts.sign_in(world.ledger, "zhangsan", password)
    assert isinstance(found, accounts.SignedIn)
    assert found.account.role == "member"
    page.reload()
    page.get_by_role("heading", name="张三").wait_for()
    assert page.locator("code.secret").count() == 0
    tab_to(page, "停用这个账户")
    page.keyboard.press("Enter")
    tab_to(page, "原因")
    page.keyboard.insert_text("调离")
    tab_to(page, "停用这个账户")
    page.keyboard.press("Enter")
    page.get_by_text("zhangsan 已停用").wait_for()
    page.get_by_text("原因：调离").wait_for()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_hostile_names_run_nowhere_and_nothing_is_wider_than_the_screen(
    visit: Visit, door: tuple[str, World], look: str
) -> None:
    address, world = door
    one = accounts.named(world.ledger, "hostile")
    if one is None:
        one, _ = accounts.create(
            world.ledger, TERMINAL, name="hostile", label=HOSTILE, role="viewer", unit=HOSTILE
        )
        accounts.change(world.ledger, TERMINAL, one.id, label="长" * 40, reason=HOSTILE)
        accounts.change(world.ledger, TERMINAL, one.id, label=HOSTILE, unit="w" * 80)
        screens.enrol(world.ledger, TERMINAL, HOSTILE)
    for width, height in SIZES:
        token = sessions.begin(
            world.ledger, world.accounts["administrator"].id, agent=HOSTILE, address=HOSTILE
        )
        watched = visit(f"{address}/signin", width=width, height=height, color_scheme=look)
        watched.page.context.add_cookies(
            [{"name": "bangfu_session", "value": token, "url": address}]
        )
        for path in (
            "/accounts",
            f"/accounts?q={HOSTILE}",
            f"/accounts/{one.id}",
            "/accounts/new",
            "/accounts/screens",
            "/account",
            "/account/codes",
        ):
            watched.page.goto(address + path)
            assert watched.page.evaluate("() => window.ran") is None, path
            wide = "() => document.documentElement.scrollWidth - window.innerWidth"
            assert watched.page.evaluate(wide) <= 0, (path, width)
            small = """() => [...document.querySelectorAll('button, input, select, .button')]
              .filter(one => one.offsetParent && one.type !== 'hidden' && one.type !== 'checkbox')
              .filter(one => one.getBoundingClientRect().height < 40)
              .map(one => one.outerHTML.slice(0, 80))"""
            assert watched.page.evaluate(small) == [], (path, width)


def test_the_map_leads_to_oneself_and_out(visit: Visit, door: tuple[str, World]) -> None:
    address, _ = door
    watched = enter(visit, address, "test-member", width=360, height=740)
    watched.page.get_by_role("heading", name="我的账户").wait_for()
    watched.page.goto(address)
    watched.ready()
    menu = watched.page.locator(".account-menu")
    menu.locator("summary").focus()
    watched.page.keyboard.press("Enter")
    menu.get_by_role("link", name="联系点").wait_for()
    box = menu.locator(".account-list").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    menu.get_by_role("button", name="退出").press("Enter")
    watched.page.get_by_label("账户名").wait_for()
