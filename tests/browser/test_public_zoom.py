"""The public map for eyes that need more: 320 px, 200 %, wide letters, contrast, paper.

Numbers are taken from the page as the browser laid it out, in one window that changes its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from geodata.edition import Edition
from geodata.words import say
from tests.browser.public_fixture import FIRST, PLACE, hosting, suppress, write

Visit = Callable[..., Any]

INCOME = "collective_income"
TARGET = 24
"""WCAG 2.5.8, in CSS px."""
APART = 6.0
"""Least distance of neighbouring classes in CIELAB, seen with full or with red-green blind eyes."""

SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"""
"""WCAG 1.4.12."""

SEEN = """
const seen = (one) => {
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return box.width > 1 && box.height > 1 && style.visibility === "visible" && !one.closest(
    ".unseen, .atlas-unseen, .skip, .maplibregl-canvas-container, .watermark, [hidden]");
};
const own = (one) => Array.from(one.childNodes).filter(
  (node) => node.nodeType === 3 && node.nodeValue.trim());
const everything = () => Array.from(document.querySelectorAll("#bangfu-root *")).filter(seen);
"""

CUT = (
    "() => {"
    + SEEN
    + """
  const cut = [];
  for (const one of everything()) {
    if (one.closest("option, svg")) continue;
    for (const node of own(one)) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const text = range.getBoundingClientRect();
      if (text.left < -1 || text.right > innerWidth + 1) {
        if (!scrolls(one)) cut.push([node.nodeValue, "outside the window"]);
        continue;
      }
      for (let at = one; at; at = at.parentElement) {
        const style = getComputedStyle(at);
        if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
        if (at.getAttribute("data-open") === "0") break; // its handle raises it
        if (style.overflowX === "visible" || at === document.body) continue;
        const box = at.getBoundingClientRect();
        if (text.left < box.left - 1 || text.right > box.right + 1
          || text.top < box.top - 2 || text.bottom > box.bottom + 2) {
          // Without the mark that the map writes of its source: the panel has it in whole.
          if (!one.closest(".atlas-source")) cut.push([node.nodeValue, at.className]);
          break;
        }
      }
    }
  }
  function scrolls(one) {
    for (let at = one; at && at !== document.body; at = at.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  }
  return cut;
}"""
)
"""Texts that are cut off: [text, by what]."""

SMALL = (
    "least => {"
    + SEEN
    + """
  return everything()
    .filter((one) => one.matches("a[href], button, input, select, textarea, summary, canvas"))
    // In a sentence a link is as high as its line; a tick is hit by its label.
    .filter((one) => !one.closest("p.note, label"))
    .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
    .filter(([, box]) => box.width < least - 0.5 || box.height < least - 0.5)
    .map(([html, box]) => [html, Math.round(box.width), Math.round(box.height)]);
}"""
)
"""Controls that are too small to hit."""

CONTRAST = (
    "() => {"
    + SEEN
    + """
  const parts = (text) => {
    const found = (text.match(/[\\d.]+/g) || []).map(Number);
    return found.length > 3 ? found : [...found, 1];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((n, at) => n * a + below[at] * (1 - a));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, one) => over(one, below), [255, 255, 255]);
  };
  const light = ([r, g, b]) => {
    const part = (n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const poor = [];
  const note = (one, what, found, least) => {
    const told = one.textContent.slice(0, 24) || one.outerHTML.slice(0, 90);
    if (found < least) poor.push([what, told, found.toFixed(2)]);
  };
  for (const one of everything()) {
    const style = getComputedStyle(one);
    if (one.disabled) continue;
    if (own(one).length) {
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const below = ground(one);
      const ink = over(parts(one.closest("svg") ? style.fill : style.color), below);
      note(one, "text", ratio(ink, below), large ? 3 : 4.5);
    }
    if (one.matches("input:not([type=range]), select, textarea, .button, .measure-now")) {
      const edge = parts(style.borderTopColor);
      const filled = ratio(ground(one), ground(one.parentElement));
      note(one, "edge", Math.max(filled, ratio(edge, ground(one.parentElement))), 3);
    }
    if (one.matches(".atlas-swatch")) {
      const edge = parts(style.boxShadow);
      note(one, "swatch", ratio(edge, ground(one.parentElement)), 3);
    }
    if (one.matches(".icon")) {
      note(one, "icon", ratio(parts(style.color), ground(one.parentElement)), 3);
    }
  }
  return poor;
}"""
)
"""What stands out too little: [kind, text, ratio]."""


@pytest.fixture(scope="module")
def address(small_edition: Edition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bundle with a district that is not published, so that all patterns are there."""
    root = tmp_path_factory.mktemp("zoom")
    write(small_edition, root)
    suppress(root / PLACE, "r3", INCOME, "district", 1)
    with hosting(root) as found:
        yield found


def whole(page: Any, at: str) -> None:
    """Nothing is cut off, too small or to be had by scrolling sideways."""
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], (at, wide)
    assert page.evaluate(CUT) == [], at
    assert page.evaluate(SMALL, TARGET) == [], at


def test_nothing_is_lost_at_320_px_at_200_percent_and_with_wide_letters(
    address: str, visit: Visit
) -> None:
    seen = visit(address, width=320, height=640)
    page = seen.page
    seen.ready(FIRST)
    page.locator(".fold").click()
    whole(page, "320 px, legend")
    page.locator(".fold").click()
    page.locator(".sheet-handle").click()
    whole(page, "320 px")
    # As a reader's own style sheet comes: the page's policy lets no other text be a style.
    page.evaluate(
        """text => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(text);
          document.adoptedStyleSheets = [sheet];
        }""",
        SPACED,
    )
    whole(page, "320 px, wide letters")
    page.set_viewport_size({"width": 640, "height": 512})
    whole(page, "200 %, wide letters")
    # The page scrolls down as far as its last link.
    page.locator(".more-links a").last.scroll_into_view_if_needed()
    assert page.evaluate("() => window.scrollY") > 0
    page.locator(".measure-now").click()
    whole(page, "200 %, list of measures")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=say("public.screen.share_title")).click()
    page.locator("#share[open]").wait_for()
    whole(page, "200 %, sharing")


def test_large_type_on_a_phone_leaves_the_map_half_of_the_screen(
    address: str, visit: Visit
) -> None:
    seen = visit(address + "?elder=1", width=360, height=740)
    page = seen.page
    seen.ready(FIRST)
    assert page.locator("#map").bounding_box()["height"] >= 740 / 2
    whole(page, "长者模式")
    page.locator(".more-links a").last.scroll_into_view_if_needed()
    assert page.evaluate("() => window.scrollY") > 0
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.locator("#map").bounding_box()["height"] >= 640 / 2
    whole(page, "长者模式, 320 px")


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of sRGB colours of 0 to 255, shape (n, 3)."""
    part = rgb / 255
    line = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = line @ matrix.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def without_green(rgb: np.ndarray) -> np.ndarray:
    """sRGB colours as deuteranopes see them, after Machado, Oliveira and Fernandes (2009)."""
    matrix = np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    )
    return np.clip(rgb @ matrix.T, 0, 255)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_letters_edges_classes_and_patterns_stand_out(
    address: str, visit: Visit, look: str
) -> None:
    seen = visit(f"{address}?look={look}", width=1100, height=760)
    page = seen.page
    seen.ready(FIRST)
    assert page.evaluate(CONTRAST) == []
    page.locator(".measure-now").click()
    assert page.evaluate(CONTRAST) == []
    page.keyboard.press("Escape")
    swatches = page.evaluate(
        """() => Array.from(document.querySelectorAll("#legend .atlas-swatch")).map((one) => {
          const style = getComputedStyle(one);
          return [style.backgroundColor.match(/\\d+/g).map(Number), style.backgroundImage];
        })"""
    )
    classes = np.array([rgb for rgb, image in swatches if image == "none"], float)
    for colours in (classes, without_green(classes)):
        steps = np.linalg.norm(np.diff(lab(colours), axis=0), axis=1)
        assert steps.min() >= APART, steps
    # What has no class is told by its lines: two ways to have none, and neither looks like a class.
    images = [image for _, image in swatches if image != "none"]
    assert len(images) == 2
    assert all(a != b for a, b in combinations(images, 2))
    assert images[1].count("repeating-linear-gradient") == 2


def test_own_colours_and_no_movement_are_respected(address: str, visit: Visit) -> None:
    seen = visit(address, width=1000, height=640, forced_colors="active", reduced_motion="reduce")
    page = seen.page
    seen.ready(FIRST)
    looks = page.evaluate(
        """() => Array.from(document.querySelectorAll("#legend .atlas-swatch")).map((one) => {
          const style = getComputedStyle(one);
          return style.backgroundColor + style.backgroundImage;
        })"""
    )
    assert len(set(looks)) == len(looks)  # classes and patterns are still told apart
    for place in (".tool", ".measure-now", "#search-input", ".atlas-play"):
        style = page.locator(place).first.evaluate(
            "one => [getComputedStyle(one).borderTopStyle, getComputedStyle(one).backgroundColor]"
        )
        assert style[0] != "none" or style[1] != "rgba(0, 0, 0, 0)", place
    slow = page.evaluate(
        """() => Array.from(document.querySelectorAll("#bangfu-root *"))
          .map((one) => getComputedStyle(one))
          .filter((one) => parseFloat(one.transitionDuration) > 0.001 || (
            one.animationName !== "none" && parseFloat(one.animationDuration) > 0.001)).length"""
    )
    assert slow == 0
    moved = page.evaluate(
        """() => new Promise((done) => {
          let frames = 0;
          const map = window.bangfu.map, count = () => { frames += 1; };
          map.on("move", count);
          document.querySelector("#ranking tbody a").click();
          map.once("moveend", () => window.setTimeout(() => done(frames), 300));
        })"""
    )
    assert moved <= 2  # it is there at once; it does not fly


def test_paper_has_the_map_its_legend_the_table_and_what_a_map_must_say(
    address: str, visit: Visit
) -> None:
    seen = visit(f"{address}?look=dark&table=1", width=1000, height=640)
    page = seen.page
    seen.ready(FIRST)
    page.emulate_media(media="print")
    for place in (
        "#map canvas", "#legend", ".atlas-approval", ".atlas-source", ".watermark",
        ".headline", "#ranking table", ".notes dl",
    ):  # fmt: skip
        box = page.locator(place).first.bounding_box()
        assert box and box["width"] > 20 and box["height"] > 8, place
        assert page.locator(place).first.is_visible(), place
    for place in (".search", ".toolbar", ".actions", ".time-dock", "#table"):
        assert not page.locator(place).first.is_visible(), place
    assert say("public.notes.no_approval") in page.locator("#map").inner_text()
    dark = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(dark) == "rgb(255, 255, 255)"  # ink is for letters
    assert page.evaluate(CONTRAST) == []
    # A WebGL drawing is nothing on paper: the browser's own sign to print puts a copy there.
    page.evaluate("() => window.addEventListener('beforeprint', () => { window.printing = 1; })")
    assert page.pdf(print_background=True).startswith(b"%PDF")
    assert page.evaluate("() => window.printing") == 1
    assert page.locator(".printed-map").count() == 0  # and it is gone again
    paper = page.evaluate(
        """() => {
          const swatch = () => document.querySelector("#legend .atlas-swatch").style.background;
          const before = swatch();
          window.dispatchEvent(new Event("beforeprint"));
          const copy = document.querySelector(".printed-map");
          const { data } = copy.getContext("2d").getImageData(0, 0, copy.width, copy.height);
          const printed = swatch();
          window.dispatchEvent(new Event("afterprint"));
          return { colours: new Set(new Uint32Array(data.buffer)).size, corner: data[0],
            swatches: [before, printed, swatch()] };
        }"""
    )
    assert paper["colours"] > 50
    # The screen is dark; map and legend are printed in light colours, and the screen stays.
    assert paper["corner"] > 200
    before, printed, after = paper["swatches"]
    assert printed != before == after
