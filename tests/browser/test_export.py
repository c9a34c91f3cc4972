"""What a reader takes away from the portal: this view or a whole briefing, told all the while."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from dashboard import exports
from tests.browser.conftest import serving

Visit = Callable[..., Any]

DISTRICT, TOWN = "990002000000", "990002901000"
MENU = "#actions-export"


@pytest.fixture
def own(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of the app over a small world that may be written in, on a machine of its own."""
    from dashboard.app import create_app
    from dashboard.settings import Settings

    monkeypatch.setattr(exports, "machine_lock", lambda: tmp_path / "machine.lock")
    folder = Path(shutil.copytree(small_folder, tmp_path / "own"))
    with serving(create_app(Settings(workspace=folder, access="open")).server) as address:
        yield address


def menu(seen: Any) -> Any:
    """The opened menu."""
    seen.page.locator(f"{MENU} > button").click()
    return seen.page.locator(f"{MENU}-menu")


def answering(seen: Any, *told: dict[str, Any] | tuple[int, dict[str, Any]]) -> list[str]:
    """Let the server tell this of exports in turn, the last for ever; the methods asked with."""
    left = list(told)
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.method)
        said = left.pop(0) if len(left) > 1 else left[0]
        status, body = said if isinstance(said, tuple) else (202, said)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    seen.page.route("**/api/v1/exports**", answer)
    return asked


def at(done: int) -> dict[str, Any]:
    """A job at work."""
    return {"id": "0" * 20, "status": "working", "done": done, "total": 12, "label": "正在排版"}


def test_slides_of_this_view_are_made_and_saved_while_the_reader_goes_on(
    own: str, visit: Visit
) -> None:
    seen = visit(f"{own}/?region={DISTRICT}&measure=collective_income", accept_downloads=True)
    seen.painted(region=DISTRICT)
    entries = menu(seen)
    with seen.page.expect_download() as coming:
        entries.get_by_role("button", name="PPTX").first.click()
        progress = seen.page.locator(".export-progress")
        progress.wait_for()
        assert "中洲区" in entries.locator(".export-job").inner_text()
        seen.page.keyboard.press("Escape")
        seen.page.locator("#ranking").get_by_role("link", name="柳湾镇", exact=True).click()
        seen.painted(region=TOWN)
    name = coming.value.suggested_filename
    assert name.startswith("云泽市帮扶一张图-中洲区-集体收入-") and name.endswith(".pptx")
    (slide,) = Presentation(coming.value.path()).slides
    assert any("中洲区" in shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
    links = [rel.target_ref for rel in slide.part.rels.values() if rel.is_external]
    assert any(link.startswith(own) and DISTRICT in link for link in links)
    # The link opens the view that was exported, not the one that came after.
    again = visit(next(link for link in links if DISTRICT in link))
    again.painted(region=DISTRICT)


def test_a_whole_briefing_is_offered_and_saved(own: str, visit: Visit) -> None:
    seen = visit(own, accept_downloads=True)
    seen.painted()
    entries = menu(seen)
    with seen.page.expect_download() as coming:
        entries.get_by_role("button", name="导出为 PDF").click()
    assert coming.value.suggested_filename.endswith(".pdf")
    assert Path(coming.value.path()).read_bytes().startswith(b"%PDF-")
    assert "已下载" in entries.locator(".export-job").inner_text()


def test_progress_is_told_in_place_and_on_the_button(own: str, visit: Visit) -> None:
    seen = visit(own)
    seen.painted()
    entries = menu(seen)
    answering(seen, at(0), at(3), at(3), at(7))
    entries.get_by_role("button", name="PPTX").first.click()
    seen.page.wait_for_function("() => document.querySelector('.export progress').value === 3")
    shown = seen.page.locator(f"{MENU} > button").inner_text()
    seen.page.wait_for_function("() => document.querySelector('.export progress').value === 7")
    assert shown.strip() == "3/12"
    assert "7/12 · 正在排版" in entries.locator(".export-progress").inner_text()
    # One at a time: the others wait until this one is there or given up.
    assert entries.get_by_role("button", name="PNG").get_attribute("aria-disabled") == "true"
    entries.get_by_role("button", name="不等了").click()
    assert entries.locator(".export-job").count() == 0
    assert entries.get_by_role("button", name="PNG").get_attribute("aria-disabled") == "false"


def test_a_picture_has_the_pixels_of_the_screen(own: str, visit: Visit) -> None:
    seen = visit(own, device_scale_factor=2)
    seen.painted()
    asked: list[Any] = []
    entries = menu(seen)
    seen.page.on(
        "request", lambda r: asked.append(r.post_data_json) if r.method == "POST" else None
    )
    answering(seen, at(1))
    entries.get_by_role("button", name="PNG").click()
    seen.page.locator(".export-progress").wait_for()
    wish = next(body for body in asked if body and body.get("format") == "png")
    screen = seen.page.evaluate("() => [screen.width, screen.height]")
    assert [wish["width"], wish["height"]] == [side * 2 for side in screen]


def test_what_went_wrong_is_said_and_can_be_tried_again(own: str, visit: Visit) -> None:
    seen = visit(own)
    seen.painted()
    entries = menu(seen)
    asked = answering(
        seen,
        (503, {"error": "等着做的文件太多。过一两分钟再试"}),
        at(2),
        {**at(2), "status": "failed", "error": "这张图没有数据"},
    )
    entries.get_by_role("button", name="PPTX").first.click()
    alert = entries.get_by_role("alert")
    alert.wait_for()
    assert "过一两分钟再试" in alert.inner_text()
    entries.get_by_role("button", name="再试一次").click()
    seen.page.wait_for_function(
        "() => /没有数据/.test((document.querySelector('.export-error') || {}).textContent)"
    )
    assert asked == ["POST", "POST", "GET"]
    seen.said.clear()  # the browser logs a 503 by itself


def test_a_server_that_is_gone_for_a_while_is_waited_for(own: str, visit: Visit) -> None:
    seen = visit(own)
    seen.painted()
    entries = menu(seen)
    answering(seen, at(2), (502, {}), (503, {"error": "no edition"}), at(5))
    entries.get_by_role("button", name="PPTX").first.click()
    seen.page.wait_for_function(
        "() => (document.querySelector('.export progress')||{}).value === 5"
    )
    assert entries.get_by_role("alert").count() == 0
    seen.said.clear()


def test_the_menu_is_worked_by_key_alone(own: str, visit: Visit) -> None:
    seen = visit(own)
    seen.painted()
    button = seen.page.locator(f"{MENU} > button")
    button.focus()
    seen.page.keyboard.press("ArrowDown")
    focused = "() => document.activeElement.textContent"
    seen.page.wait_for_function("() => document.activeElement.matches('.export-entry')")
    assert "网页" in seen.page.evaluate(focused)
    for name in ("PNG", "PDF", "PPTX"):
        seen.page.keyboard.press("ArrowDown")
        assert name in seen.page.evaluate(focused)
    seen.page.keyboard.press("Escape")
    assert button.get_attribute("aria-expanded") == "false"
    assert seen.page.evaluate("() => document.activeElement.closest('.export') !== null")
    assert "region" not in seen.page.url, "Escape closed the menu, and went nowhere"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_menu_lies_within_the_screen(own: str, visit: Visit, width: int) -> None:
    seen = visit(own, width=width, height=740)
    seen.painted()
    box = menu(seen).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 740
