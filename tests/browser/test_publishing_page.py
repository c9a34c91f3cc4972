"""The office publishes and takes back by keyboard alone, and sees how far it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from geodata.edition import Edition, published_id
from geodata.progress import Progress
from geodata.words import say
from tests.browser.accessibility import bring, faults
from tests.browser.conftest import PATIENCE_MS, Watched, serving

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

Visit = Callable[..., Watched]


@dataclass(frozen=True)
class Office:
    """A running server, who may ask it, and the work that waits for a sign."""

    address: str
    folder: Path
    states: dict[str, Any]
    """What a browser holds of who is signed in."""
    go_on: threading.Event


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """The tiny world behind its app; work is done in a thread, and its pages wait half way."""
    from dashboard import publications, publisher, publishing
    from tests import published_worlds as worlds
    from tests.dashboard import guarded

    folder = worlds.world(tmp_path / "world")
    world = guarded.make(folder, tmp_path)
    go_on, threads = threading.Event(), []

    def start(folder: Path, url: str, lock: int) -> None:
        held = os.dup(lock)

        def work() -> None:
            publisher.work(folder, url)
            os.close(held)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    def write(_: Edition, site: Path, progress: Progress) -> list[str]:
        site.mkdir()
        with progress.step(say("bundle.step_pages"), 2) as advance:
            advance(1)
            assert go_on.wait(PATIENCE_MS / 1000)
        (site / "index.html").write_text("<!doctype html>", "utf-8")
        return []

    monkeypatch.setattr(publications, "start", start)
    monkeypatch.setattr(publishing, "_write_site", write)
    place = {"domain": "127.0.0.1", "path": "/", "expires": -1, "sameSite": "Lax"}
    more = {"httpOnly": True, "secure": False}
    states = {}
    for name in ("office", "administrator"):
        key, token = world.askers[name].cookie() or ("", "")
        states[name] = {"cookies": [{"name": key, "value": token, **place, **more}]}
    with serving(world.app.server) as address:
        yield Office(address, folder, states, go_on)
    go_on.set()
    for thread in threads:
        thread.join()


def press(page: Any, name: str, key: str = "Enter") -> None:
    """Go on by Tab until what has the focus is called `name`, and press a key there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const one = document.activeElement;
              const label = one.labels && one.labels[0];
              return one.getAttribute("aria-label") || (label || one).innerText || "";
            }"""
        )
        if found.strip() == name:
            shown = "() => document.activeElement.matches(':focus-visible')"
            assert page.evaluate(shown), f"the focus on {name} is seen"
            page.keyboard.press(key)
            return
    raise AssertionError(f"no way to {name} by keyboard")


def test_checking_publishing_and_taking_back_by_keyboard(visit: Visit, office: Office) -> None:
    state = office.states["office"]
    person = visit(f"{office.address}/publishing", 900, 700, storage_state=state)
    page = person.page
    press(page, "检查")
    page.get_by_text("可以公布").wait_for()
    bring(page)
    found = faults(page, "checked")
    press(page, "另做单页地图", "Space")
    press(page, "发布")
    half = page.get_by_text("公开地图：网页")
    half.wait_for()
    assert page.locator("#job-label").get_attribute("role") == "status"
    assert 0 < page.locator("#job-bar").evaluate("bar => bar.value") < 100
    page.reload()
    half.wait_for()
    bring(page)
    found += faults(page, "at work")
    # Somebody else sees it, too, without scripts.
    other = visit(
        f"{office.address}/publishing",
        360,
        640,
        storage_state=office.states["administrator"],
        java_script_enabled=False,
    )
    other.page.get_by_text("正在发布").wait_for()
    assert published_id(office.folder) == ""
    office.go_on.set()
    page.get_by_role("heading", name="已经公布").wait_for()
    other.page.get_by_role("heading", name="已经公布").wait_for()
    first = published_id(office.folder)
    assert first and page.get_by_text(first).first.is_visible()
    bring(page)
    for look in ("dark", "light"):
        page.emulate_media(color_scheme=look)
        found += faults(page, f"published, {look}")

    press(page, "从公开的 3 个指标里撤回", "Space")
    press(page, "撤回“有水井的村”")
    page.get_by_role("heading", name="撤回“有水井的村”").wait_for()
    press(page, "原因", "Space")
    page.keyboard.type("数错了一口井")
    press(page, "看看读者会读到什么")
    page.get_by_role("heading", name="读者会读到").wait_for()
    bring(page)
    found += faults(page, "taking back")
    assert "撤回：数错了一口井" in page.locator("blockquote").inner_text()
    press(page, "确认撤回并重新公布")
    page.get_by_role("heading", name="“有水井的村”已经撤回").wait_for()
    assert not Edition.open_public(office.folder).has("well_share", "second")
    assert page.get_by_role("link", name="恢复“有水井的村”").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as download:
        press(page, "下载整个网站（zip）")
    assert download.value.suggested_filename == f"bangfu-{published_id(office.folder)}.zip"
    bring(page)
    found += faults(page, "taken back")
    assert not found, "\n".join(found)
