"""A check that contradicts a report stands beside the figure, for whoever reads the portal."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.access import SESSION
from dashboard.app import create_app
from dashboard.settings import Settings
from geodata.edition import Edition
from geodata.ledger import Role, accounts, sessions, visits
from geodata.ledger.roles import TERMINAL
from geodata.ledger.store import Ledger
from tests.browser.conftest import PATIENCE_MS, Watched, serving

pytestmark = pytest.mark.browser

Visit = Callable[..., Watched]
VILLAGE = "990001901001"
PAYLOAD = "<img src=x onerror=\"document.title='ran'\"> 泥路</script>"


@pytest.fixture(scope="module")
def site(
    small_folder: Path, small_edition: Edition, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Ledger, str]]:
    """Address of an open app, its ledger, and who wrote down what in it."""
    folder = tmp_path_factory.mktemp("observed") / "workspace"
    shutil.copytree(small_folder, folder)
    book = Ledger.of(folder)
    found, _ = accounts.create(
        book, TERMINAL, name="test-member", label="王成员", role=Role.MEMBER, must_change=False,
        password="mulan-zhuozi-42-qingwa",
    )  # fmt: skip
    asked = {
        "village": VILLAGE,
        "day": "2021-12-18",
        "seen": "村口一段没有硬化",
        "observations": [
            {"indicator": "paved", "value": False, "note": PAYLOAD},
            {"indicator": "water", "value": True, "note": ""},
            {"indicator": "income", "value": 8, "note": ""},
        ],
        "problems": [{"category": "item.paved", "said": "土路"}],
    }
    visits.write(book, small_edition, found.actor, asked)
    app = create_app(Settings(workspace=folder, access="open"))
    with serving(app.server) as address:
        yield address, book, found.id
    book.dispose()


def checked(seen: Watched) -> Any:
    head = seen.page.locator(".details .checked.against")
    head.wait_for(timeout=PATIENCE_MS)
    return head


def test_a_reader_sees_the_contradiction_and_no_name(
    visit: Visit, site: tuple[str, Ledger, str]
) -> None:
    address, _, _ = site
    seen = visit(f"{address}/?region={VILLAGE}")
    seen.painted(region=VILLAGE)
    assert "走访发现 3 项与上报不符" in checked(seen).inner_text()
    item = seen.page.locator(".item.checked", has_text="道路硬化")
    assert item.locator(".item-state").inner_text() == "已有"
    line = item.locator(".seen.against")
    told = " ".join(line.inner_text().split())
    assert told.startswith("现场核查 2021年12月18日：没有")
    assert "≠" in told and "与上报不符" in told
    seen.page.locator(".provenance summary").click()
    row = seen.page.locator(".provenance tbody tr", has_text="第三轮 道路硬化")
    assert "没有，2021年12月18日" in row.locator(".seen.against").inner_text()
    assert seen.page.locator(".chart .seen.against").count() == 1
    body = seen.page.locator("body").inner_text()
    assert "王成员" not in body and "泥路" not in body
    assert seen.page.locator(".open-problems").count() == 0


@pytest.mark.parametrize(
    ("width", "height", "look"),
    [(1280, 1000, "light"), (1280, 1000, "dark"), (360, 740, "light"), (360, 740, "dark")],
)
def test_who_may_read_the_ledger_sees_who_and_the_way_to_the_problems(
    visit: Visit, site: tuple[str, Ledger, str], width: int, height: int, look: str
) -> None:
    address, book, account = site
    cookie = {"name": SESSION, "value": sessions.begin(book, account), "url": address}
    seen = visit(
        f"{address}/?region={VILLAGE}",
        width=width,
        height=height,
        color_scheme=look,
        storage_state={"cookies": [cookie], "origins": []},
    )
    seen.painted(region=VILLAGE)
    head = checked(seen)
    assert "核查人：王成员" in head.inner_text()
    assert PAYLOAD in head.inner_text(), "what people wrote is text"
    assert seen.page.title() != "ran"
    section = seen.page.locator(".open-problems")
    assert "1 个问题未销号" in section.inner_text()
    link = section.get_by_role("link", name="到联系点查看")
    assert link.get_attribute("href") == f"/contact-points?village={VILLAGE}"
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= width
    over = seen.page.evaluate(
        """() => [...document.querySelectorAll('.details > :not(.provenance) .seen, .checked')]
          .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5).length"""
    )
    assert over == 0


def test_a_profile_that_stays_open_is_renewed_and_keeps_nobody_signed_in(
    visit: Visit, site: tuple[str, Ledger, str], small_edition: Edition
) -> None:
    address, book, _ = site
    seen = visit(f"{address}/?region={VILLAGE}")
    seen.painted(region=VILLAGE)
    checked(seen)
    asked: list[dict[str, str]] = []

    def note(request: Any) -> None:
        asks = "/_dash-update-component" in request.url
        if asks and '"quiet":true' in (request.post_data or ""):
            asked.append(request.headers)

    seen.page.on("request", note)
    # A poll has told where the ledger stands; nothing has changed, and nothing is asked for.
    seen.page.wait_for_timeout(7000)
    assert not asked
    other, _ = accounts.create(
        book, TERMINAL, name="test-other", label="李成员", role=Role.MEMBER, must_change=False,
        password="mulan-zhuozi-42-qingwa",
    )  # fmt: skip
    later = {
        "village": VILLAGE,
        "day": "2021-12-20",
        "seen": "又看了一次",
        "observations": [{"indicator": "paved", "value": False, "note": ""}],
        "problems": [],
    }
    visits.write(book, small_edition, other.actor, later)
    line = seen.page.locator(".item.checked .seen", has_text="2021年12月20日")
    line.wait_for(timeout=15000)
    assert asked and all(one.get("x-background") == "1" for one in asked)
