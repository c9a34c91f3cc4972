"""Not only one city: a hand-drawn two-level world with letters for codes opens like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from geodata import build
from tests.browser.conftest import serving
from tests.tiny import write_tiny

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the portal over the tiny world."""
    from dashboard.app import create_app
    from dashboard.settings import Settings

    folder = write_tiny(tmp_path_factory.mktemp("other"))
    build.build(folder)
    with serving(create_app(Settings(workspace=folder, access="open")).server) as address:
        yield address


def test_two_levels_and_letters_for_codes_drill_down_and_back(tiny: str, visit: Visit) -> None:
    seen = visit(f"{tiny}/?measure=harvest_mean")
    seen.painted(region="N", level="parish")
    assert seen.page.locator("h1").inner_text() == "北境一张图"
    seen.page.locator("#ranking").get_by_role("link", name="乙村", exact=True).click()
    seen.painted(region="NB")
    assert seen.page.locator("#crumbs li").all_inner_texts() == ["全境", "乙村"]
    seen.page.go_back()
    seen.painted(region="N")


def test_its_own_words_and_no_one_elses(tiny: str, visit: Visit) -> None:
    seen = visit(tiny)
    seen.painted(region="N")
    text = seen.page.locator("body").inner_text()
    assert "演示数据" not in text
    for foreign in ("天津", "区排名", "镇排名", "工作队"):
        assert foreign not in text
