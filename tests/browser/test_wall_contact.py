"""The wall's scene of contact points and problems, in every layout, of any ledger."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.live import take
from dashboard.settings import Settings
from geodata.edition import Edition
from geodata.ledger import Ledger, board
from geodata.ledger.store import default_url
from geodata.live_edition import LiveEdition
from layers import briefing
from layers.briefing import Kind
from tests.browser.conftest import Watched
from tests.browser.test_wall_scenes import (  # noqa: F401 - fixtures
    SIZES,
    edition,
    folder,
    on_stage,
    shown,
    staged,
)
from tests.live_worlds import TODAY, Hand

pytestmark = pytest.mark.browser

Json = dict[str, Any]


def live(book: Ledger, of: Edition) -> LiveEdition:
    """The edition with the ledger as it is."""
    return LiveEdition(of, take(book), board.totals(book, of))


def contact_scene(of: LiveEdition) -> Json:
    """What the built-in briefing's scene of contact points shows."""
    (scene,) = [one for one in briefing.scenes(of, briefing.default()) if one.kind is Kind.CONTACT]
    return briefing.content(of, scene)


BUSY = "busy"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ledgers lie, a folder each."""
    return tmp_path_factory.mktemp("books")


@pytest.fixture(scope="module")
def stage(
    folder: Path,  # noqa: F811
    books: Path,
    contents: dict[str, Json],
) -> Iterator[str]:
    """The stage, with the busy ledger behind it."""
    url = default_url(books / BUSY)
    with staged(Settings(workspace=folder, access="open", ledger=url)) as address:
        yield address


@pytest.fixture(scope="module")
def contents(edition: Edition, books: Path) -> dict[str, Json]:  # noqa: F811
    """A scene of a busy ledger, of one pick, and of problems of one month."""
    found: dict[str, Json] = {}
    for name in (BUSY, "one", "month"):
        (books / name).mkdir()
        book = Ledger.of(books / name)
        hand = Hand(book, edition, TODAY)
        if name == BUSY:
            hand.months(points=min(60, len(hand.targets) // 2), months=14)
        else:
            hand.pick(hand.targets[0])
        if name == "month":
            for village in hand.targets[:7]:
                hand.problem(village)
        found[name] = contact_scene(live(book, edition))
        book.dispose()
    return found


@pytest.mark.parametrize("size", list(SIZES), ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_scene_is_whole_and_legible(
    on_stage: Callable[..., Watched],  # noqa: F811
    contents: dict[str, Json],
    size: tuple[int, int],
) -> None:
    seen = on_stage(*size)
    for name, content in contents.items():
        audit = shown(seen, content, SIZES[size], mark="暂时连不上服务器，显示的是上一次的画面")
        keep = os.environ.get("KEEP_PICTURES")
        if keep:
            seen.page.screenshot(path=Path(keep) / f"contact-{name}-{size[0]}x{size[1]}.png")
        assert audit["wrong"] == [], name


def test_large_numbers_and_many_districts_fit(
    on_stage: Callable[..., Watched],  # noqa: F811
    contents: dict[str, Json],
) -> None:
    content = copy.deepcopy(contents["busy"])
    content["sentence"] = (
        "800 个扶持村中 118 个有人联系，本月走访 63 个；问题 1632 个，整改 1607 个"
    )
    for one, value in zip(content["figures"], ("63", "1632", "1607", "1580", "25"), strict=True):
        one["text"], one["value"] = value, int(value)
    rows = content["ranking"]["rows"]
    content["ranking"]["rows"] = [
        {**rows[at % len(rows)], "code": f"c{at}", "rank": at + 1, "text": "18 个，15.0%"}
        for at in range(16)
    ]
    content["problems"] = [
        {**one, "found": 100 + at * 17, "fixed": 90 + at * 16}
        for at, one in enumerate(content["problems"])
    ]
    for size, layout in SIZES.items():
        audit = shown(on_stage(*size), content, layout)
        assert audit["wrong"] == [], size
