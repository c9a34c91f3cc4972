"""The benchmarks of the public maps: they run, count what they should, and stop by themselves."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

pytest.importorskip("playwright.sync_api")

from dashboard.bench import bundles, disclosure, public
from dashboard.publishing import Wished, publish
from geodata.edition import Edition
from geodata.ledger import Ledger
from tests import published_worlds
from tests.dashboard import published
from tests.ledgers import OFFICE


def test_whoever_is_told_to_wait_is_no_error_of_a_flood() -> None:
    flood = public.Flood(counting=True)
    for status in (200, 429, 429, 500, 0):
        flood.note("flood", time.perf_counter(), status)
    assert (len(flood.times["flood"]), flood.refused, flood.errors) == (
        1, {"flood": 2}, {"flood": 2},
    )  # fmt: skip


def test_it_asks_for_what_was_published(tmp_path: Path, edition: Edition) -> None:
    published.publish(tmp_path, edition.folder)
    asked = public.what_there_is(tmp_path)
    assert asked["values"] == [f"/{published.DATA}"]
    assert f"/{published.SCRIPT}" in asked["asset"]
    assert f"/{published.SCRIPT}.gz" not in asked["asset"]
    client = published.app(tmp_path).test_client()
    for paths in asked.values():
        assert paths
        for path in paths:
            assert client.get(path).status_code == 200, path


@pytest.mark.server
def test_readers_go_on_beside_a_flood(
    tmp_path: Path, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.publish(tmp_path, edition.folder)
    monkeypatch.setattr(public, "WARM_UP", 0.5)
    monkeypatch.setattr(public, "THINKS", (0.1, 0.4))
    monkeypatch.setenv("BANGFU_PUBLIC_LIMIT", "200 per minute")
    rows = public.measure(tmp_path, seconds=2, readers=10)
    alone, beside, flood = (row for row in rows if row["request"] in {"all", "flood"})
    assert alone["count"] > 0
    assert beside["count"] > 0
    assert alone["errors"] == beside["errors"] == alone["refused"] == beside["refused"] == 0
    assert flood["refused"] > 0
    assert flood["errors"] == 0


# ---- beside what else there is ----


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """The tiny world, published."""
    folder = published_worlds.world(tmp_path / "world")
    ledger = Ledger.of(folder)
    ledger.prepare()
    done = publish(folder, ledger, OFFICE, Wished(), protect=published_worlds.protect)
    ledger.dispose()
    assert done.public, done.gate.refusals
    return folder


def test_the_rivals_draw_what_was_published_and_ask_no_other_host(
    tmp_path: Path, edition: Edition
) -> None:
    published.publish(tmp_path, edition.folder)
    book = Edition.open_public(tmp_path)
    frame, view = bundles.last_level(book)
    leaf = book.levels[-1].id
    asked = dict(parse_qsl(view))
    assert len(frame) == book.count(leaf) == frame["value"].notna().sum()
    told = book.values(asked["measure"], asked["round"], leaf).value[-1]
    assert frame["value"].tolist() == told.tolist()
    for write in (bundles.write_folium, bundles.write_plotly):
        text = write(tmp_path / write.__name__, frame).read_text("utf-8")
        assert all(code in text for code in frame["code"])
        assert "benchReady" in text
        assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="?(?:https?:)?//', text)


def test_medians_leave_out_a_map_that_never_came() -> None:
    runs = [{"first_map_ms": time, "heap_mb": heap} for time, heap in ((9, 1.0), (3, None), (5, 3))]
    assert bundles._middle([*runs, {"first_map_ms": None}]) == {"first_map_ms": 5, "heap_mb": 2.0}
    assert bundles._middle([{"first_map_ms": None}]) == {"first_map_ms": None}


@pytest.mark.soak
def test_three_maps_are_opened_and_measured(sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "SHAPES", {"": 0.0})
    monkeypatch.setattr(bundles, "REST_MS", 200)
    # In a thread of its own: one in which other tests drive a browser cannot open a second one.
    with ThreadPoolExecutor(1) as apart:
        rows = apart.submit(bundles.measure, sent, runs=1).result()
    assert [row["map"] for row in rows] == ["bangfu", "folium", "plotly"]
    for row in rows:
        assert row["first_map_ms"] > 0 and row["heap_mb"] > 0, row
        assert 0 < row["kb_until_first_map"] <= row["kb_unpacked"], row


def test_small_numbers_are_protected_and_counted(tmp_path: Path) -> None:
    text = published_worlds.atlas(
        counts={published_worlds.COUNTED: "people"},
        publication=published_worlds.PUBLICATION + "small_number = 40\n",
    )
    rows = disclosure.measure(published_worlds.edition(tmp_path / "world", text), worlds=2)
    assert [(row["world"], row["worlds"]) for row in rows] == [("demo", 1), ("random", 2)]
    for row in rows:
        assert 0 < row["hidden"] < row["cells"]
        assert row["lost_percent"] == round(100 * row["hidden"] / row["cells"], 2)
        assert row["blocks"] > 0 and row["unfinished"] == row["exposed"] == 0
