"""What people wrote runs nowhere, and marks are told apart without their colour."""

from __future__ import annotations

import io
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from geodata.ledger import picks, problems, visits
from geodata.ledger.store import now
from geodata.ledger.written import day_of
from tests.browser.contact_pages import SHOWN, Visit, opened, tap
from tests.browser.contact_real import Real

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
DECLARED = ("gap", "income")
"""In answers: measures, whose words the workspace's own author declares."""
KINDS = ("free", "mine", "other", "proposal")


def salted(value: Any, salt: str) -> Any:
    """An answer in which every Chinese text, which somebody has written, ends in `salt`."""
    if isinstance(value, dict):
        return {name: one if name in DECLARED else salted(one, salt) for name, one in value.items()}
    if isinstance(value, list):
        return [salted(one, salt) for one in value]
    return value + salt if isinstance(value, str) and not value.isascii() else value


def salt_answers(page: Any, salt: str) -> None:
    """From now on every text that the ledger answers ends in `salt`; the map's own are as ever."""

    def handle(route: Any) -> None:
        if "/ledger/picture" in route.request.url:
            route.continue_()
            return
        answer = route.fetch()
        if answer.status == 200 and "json" in answer.headers.get("content-type", ""):
            route.fulfill(response=answer, json=salted(answer.json(), salt))
        else:
            route.fulfill(response=answer)

    page.route("**/ledger/**", handle)


def written_by_qian(real: Real) -> str:
    """Every payload stands in the ledger, wherever a person may write; id of a problem."""
    ledger, edition = real.ledger, real.edition
    qian, sun = real.people["qian"].actor, real.people["sun"].actor
    here, same, other = (real.targets[n] for n in (0, 5, 4))
    picks.pick(ledger, edition, qian, other)
    picks.pick(ledger, edition, qian, same, override=" ".join(PAYLOADS[:5]))
    for at in range(0, len(PAYLOADS), 10):
        some = PAYLOADS[at : at + 10]
        asked = {
            "village": here,
            "day": day_of(now()),
            "people": some[0],
            "seen": " ".join(some),
            "observations": [{"indicator": "paved", "value": False, "note": some[1]}],
            "problems": [],
        }
        visits.write(ledger, edition, qian, asked)
    found = {"village": here, "category": "other", "said": " ".join(PAYLOADS[:4])}
    problem = str(problems.find(ledger, edition, qian, found)["id"])
    owner = problems.owners(edition, here)[-1]
    asked = {"owner_kind": owner["kind"], "owner": owner["owner"], "deadline": day_of(now())}
    problems.assign(ledger, edition, sun, problem, asked | {"reason": PAYLOADS[5]})
    return problem


def test_a_hundred_script_payloads_run_nowhere(real: Real, visit: Visit) -> None:
    assert len(set(PAYLOADS)) == 100
    problem = written_by_qian(real)
    picks.pick(real.ledger, real.edition, real.people["zhao"].actor, real.targets[0])
    seen = opened(visit, real, "zhao")
    page = seen.page
    salt_answers(page, " ".join(PAYLOADS) + "<script>window.bitten=1</script>")
    page.reload()
    seen.ready(SHOWN)
    for code in (real.targets[0], real.targets[4]):
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
    page.goto(f"{real.address}/contact-points?tab=problems&problem={problem}")
    page.wait_for_selector(".contact-problem")
    told = page.locator(".contact-problem").inner_text()
    assert " ".join(PAYLOADS[:4]) in told
    assert PAYLOADS[-1] in told
    assert page.evaluate("() => window.bitten") is None
    assert page.locator(".contact-view img[src=x], .contact-view svg[onload]").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.unroute("**/ledger/**")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_marks_differ_in_shape_also_without_colour(real: Real, visit: Visit, look: str) -> None:
    page = opened(visit, real, "zhao", color_scheme=look).page

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


def test_the_legend_says_what_each_mark_is(real: Real, visit: Visit) -> None:
    page = opened(visit, real, "zhao").page
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


def test_eight_hundred_marks_are_shown_and_pan(real: Real, visit: Visit) -> None:
    page = opened(visit, real, "zhao").page
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
