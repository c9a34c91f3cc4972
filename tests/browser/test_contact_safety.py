"""What people wrote runs nowhere, and marks are told apart without their colour."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.contact_fixture import Contact, contact_server
from tests.browser.contact_pages import Visit, opened, tap

pytestmark = pytest.mark.browser

TAGS = (
    "img src=x onerror",
    "svg onload",
    "body onload",
    "input autofocus onfocus",
    "details open ontoggle",
)
WRAPS = ("<{tag}={run}>", '"><{tag}={run}>', "'><{tag}={run} ", "</script><{tag}={run}>")
RUNS = (
    "window.bitten=1",
    "window['bitten']=1",
    "eval(`bitten=1`)",
    "javascript:bitten=1",
    "{{{{bitten=1}}}}",
)
PAYLOADS = [wrap.format(tag=tag, run=run) for tag in TAGS for wrap in WRAPS for run in RUNS]
KINDS = ("free", "mine", "other", "proposal")


@pytest.fixture
def contact(small_folder: Path, tmp_path: Path) -> Iterator[Contact]:
    with contact_server(small_folder, tmp_path) as running:
        yield running


def test_a_hundred_script_payloads_run_nowhere(contact: Contact, visit: Visit) -> None:
    assert len(set(PAYLOADS)) == 100
    ledger = contact.ledger
    everything = " ".join(PAYLOADS) + "<script>window.bitten=1</script>"
    ledger.note = everything
    ledger.people["qian"]["label"] = everything
    ledger.pick("zhao", ledger.targets[0])
    ledger.pick("qian", ledger.targets[4])
    ledger.picks[-1]["override"] = everything
    said = {
        "owner": everything,
        "owner_kind": "unit",
        "state": "assigned",
        "deadline": "2024-01-01",
    }
    ledger.found("qian", ledger.targets[0], "road", everything, **said)
    ledger.visit(
        "qian",
        {
            "village": ledger.targets[0],
            "day": "2024-01-01",
            "people": everything,
            "seen": everything,
            "observations": [{"indicator": "paved", "value": False, "note": everything}],
            "problems": [],
        },
    )
    page = opened(visit, contact, "zhao").page
    for code in (ledger.targets[0], ledger.targets[4]):
        tap(page, code)
        page.wait_for_selector(".contact-card .contact-big")
        page.mouse.move(300, 300)
        page.get_by_text("走访、问题和历次变动").tap()
        page.wait_for_selector(".contact-fold[open]")
        page.wait_for_timeout(400)
    page.get_by_role("button", name="回到村列表").first.click()
    page.wait_for_selector(".contact-list")
    for tab in ("我的", "问题", "推荐"):
        page.get_by_role("tab", name=tab).tap()
        page.wait_for_timeout(600)
    page.get_by_role("button", name="为我推荐").tap()
    page.wait_for_selector(".contact-solution")
    page.get_by_role("button", name="为什么是它").first.tap()
    page.goto(f"{contact.address}/contact-points?tab=problems&problem={ledger.problems[0]['id']}")
    page.wait_for_selector(".contact-problem")
    assert PAYLOADS[0] in page.locator(".contact-problem").inner_text()
    assert page.evaluate("() => window.bitten") is None
    assert page.locator(".contact-view img[src=x], .contact-view svg[onload]").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_marks_differ_in_shape_also_without_colour(
    contact: Contact, visit: Visit, look: str
) -> None:
    page = opened(visit, contact, "zhao", color_scheme=look).page

    def drawn(kind: str, initial: str = "") -> np.ndarray:
        """A mark on the map's ground, in grey, 0 to 1."""
        data = page.evaluate(
            """([kind, initial]) => {
              const mark = window.bangfu.contact.canvasOf(kind, initial, 2);
              const canvas = document.createElement("canvas");
              canvas.width = mark.width;
              canvas.height = mark.height;
              const pen = canvas.getContext("2d");
              pen.fillStyle = "#808080";
              pen.fillRect(0, 0, mark.width, mark.height);
              pen.drawImage(mark, 0, 0);
              return canvas.toDataURL("image/png").split(",")[1];
            }""",
            [kind, initial],
        )
        import base64

        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L")) / 255

    marks = {kind: drawn(kind, "张" if kind == "other" else "") for kind in KINDS}
    marks |= {
        name: drawn(name) for name in ("p-open", "p-late", "p-back", "struck", "due", "problem")
    }
    ground = 128 / 255
    for one, other in combinations(marks, 2):
        a, b = marks[one], marks[other]
        # As shapes: what is dark and what is light, whatever the hue.
        apart = (np.abs(a - b) > 0.25).sum()
        inked = max((np.abs(a - ground) > 0.1).sum(), (np.abs(b - ground) > 0.1).sum())
        assert apart / inked > 0.3, (one, other, apart / inked)


def test_the_legend_says_what_each_mark_is(contact: Contact, visit: Visit) -> None:
    page = opened(visit, contact, "zhao").page
    legend = page.locator(".contact-legend")
    assert [one.strip() for one in legend.locator("ul").first.locator("li").all_inner_texts()] == [
        "我的",
        "他人的（姓）",
        "可选",
        "推荐",
        "已确认",
        "该走访",
        "有问题",
    ]
    page.get_by_role("tab", name="问题").tap()
    legend.get_by_text("超期").wait_for()


def test_eight_hundred_marks_are_shown_and_pan(contact: Contact, visit: Visit) -> None:
    page = opened(visit, contact, "zhao").page
    shown = page.evaluate(
        """async () => {
          const { map, contact } = window.bangfu;
          const first = contact.shown[0];
          const features = [];
          for (let at = 0; at < 800; at++) {
            features.push({ type: "Feature", geometry: { type: "Point", coordinates:
              [first.lon + (at % 40) * 0.001, first.lat + Math.floor(at / 40) * 0.001] },
              properties: {
                code: String(at), kind: "free", order: 0, dim: false, image: "free" } });
          }
          map.getSource("contact-marks").setData({ type: "FeatureCollection", features });
          map.jumpTo({ center: features[410].geometry.coordinates, zoom: 12.5 });
          const rest = () => new Promise((done) => {
            map.once("idle", done);
            map.triggerRepaint();
          });
          await rest();
          const before = map.queryRenderedFeatures({ layers: ["contact-marks"] }).length;
          for (let step = 0; step < 10; step++) {
            map.panBy([14, 6], { duration: 0 });
            await new Promise((done) => window.requestAnimationFrame(done));
          }
          await rest();
          return [before, map.queryRenderedFeatures({ layers: ["contact-marks"] }).length];
        }"""
    )
    # None is left out where they stand close to one another.
    assert shown[0] > 300
    assert shown[1] > 250
