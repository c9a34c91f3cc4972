"""Playing through the months: what the mesh shows, and when it takes over and gives back."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from callbacks import ids
from geodata.edition import Edition
from geodata.vocabulary import Status
from layers import classify
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.test_map_component import (
    LEAF,
    MEASURE,
    QUERY,
    ROUND,
    on_screen,
    opened,
    rgb,
    without,
)

__all__ = ["opened"]

pytestmark = pytest.mark.browser

Visit = Callable[..., Watched]
Colours = np.ndarray[Any, Any]

CANVAS = """(points) => new Promise(done => {
    const {map} = window.bangfu;
    map.once('render', () => {
      const gl = map.painter.context.gl;
      const dense = gl.canvas.width / map.getCanvas().clientWidth;
      const at = points
        ? points.map(([lon, lat]) => {
            const {x, y} = map.project([lon, lat]);
            return [Math.floor(x * dense), Math.floor(gl.canvas.height - y * dense), 1, 1];
          })
        : [[0, 0, gl.canvas.width, gl.canvas.height]];
      const reader = new FileReader();
      reader.onload = () => done(reader.result.split(',')[1]);
      reader.readAsDataURL(new Blob(at.map(box => {
        const found = new Uint8Array(4 * box[2] * box[3]);
        gl.readPixels(...box, gl.RGBA, gl.UNSIGNED_BYTE, found);
        return found;
      })));
    });
    map.triggerRepaint();
})"""
"""Pixels of the map's own canvas, at places or all of them, as the next frame draws them: base64,
since millions of numbers one by one would take the browser's wire a minute."""

DRAWING = """() => window.bangfu.map.getLayer('mesh')
  && window.bangfu.map.getLayoutProperty('mesh', 'visibility') !== 'none'"""


def middles(seen: Watched, edition: Edition, level: str = LEAF) -> Colours:
    """The colour at the inner point of every region of a level: [regions, 3]."""
    frame = edition.regions(level)
    points = frame[["lon", "lat"]].to_numpy().tolist()
    return _pixels(seen, points)


def whole(seen: Watched) -> Colours:
    """All pixels of the map: [pixels, 3]."""
    return _pixels(seen, None)


def _pixels(seen: Watched, points: list[list[float]] | None) -> Colours:
    found = base64.b64decode(seen.page.evaluate(CANVAS, points))
    return np.frombuffer(found, np.uint8).reshape(-1, 4)[:, :3].astype(int)


def still(seen: Watched) -> None:
    """Wait until the tiles draw and nothing moves."""
    seen.ready(f"""() => !({DRAWING})() && window.bangfu.map.loaded()
      && window.bangfu.map.areTilesLoaded() && !window.bangfu.map.isMoving()""")


def show(seen: Watched, position: float) -> None:
    """Show a position by the mesh, which has to be there."""
    assert seen.page.evaluate("() => window.bangfu.mesh.load()")
    seen.page.evaluate("position => window.bangfu.mesh.play(position)", position)
    seen.ready(DRAWING)


def period(seen: Watched, index: int) -> None:
    """Choose a period as the time bar does; the tiles show it."""
    seen.page.evaluate(
        "([id, period]) => window.dash_clientside.set_props(id, {period})", [ids.TIME, index]
    )
    seen.painted(period=index)
    still(seen)


def hatched(edition: Edition, index: int, level: str = LEAF) -> Colours:
    """Which regions have no data: their colour depends on where a line runs."""
    return np.asarray(edition.values(MEASURE, ROUND, level).status[index] == Status.MISSING)


@pytest.mark.parametrize(
    ("level", "look"),
    [("city", "light"), ("district", "dark"), ("town", "light"), ("village", "dark")],
)
def test_the_mesh_has_the_colours_of_the_tiles(
    visit: Visit, served: str, small_edition: Edition, level: str, look: str
) -> None:
    seen = visit(f"{served}/?round={ROUND}&measure={MEASURE}&level={level}&hide=labels&look={look}")
    seen.painted(level=level)
    last = len(small_edition.periods(MEASURE, ROUND)) - 1
    for index in (0, last):
        period(seen, index)
        tiles = middles(seen, small_edition, level)
        show(seen, index)
        mesh = middles(seen, small_edition, level)
        plain = ~hatched(small_edition, index, level)
        assert plain.any()
        np.testing.assert_allclose(mesh[plain], tiles[plain], atol=1)
        seen.page.evaluate("() => window.bangfu.mesh.stop()")
        still(seen)


def test_no_seam_shows_when_mesh_and_tiles_change_places(opened: Watched) -> None:
    last = opened.painted()["period"]
    still(opened)
    before = whole(opened)
    show(opened, last)
    between = whole(opened)
    opened.page.evaluate("() => window.bangfu.mesh.stop()")
    still(opened)
    after = whole(opened)
    assert (before == after).all()
    # Along borders a triangle and a tile may decide differently whose a pixel is; and a hatching
    # line may be a little softer. No region, nor a piece of one, looks different.
    differ = np.abs(before - between).max(axis=1)
    assert (differ > 8).mean() < 0.002


@pytest.mark.parametrize("motion", ["no-preference"])
def test_a_position_between_two_months_has_a_mixed_colour(
    opened: Watched, small_edition: Edition
) -> None:
    values = small_edition.values(MEASURE, ROUND, LEAF)
    found = classify.classes(small_edition, MEASURE, ROUND, LEAF)
    known = (values.status >= Status.SELF_REPORTED).all(axis=0)
    codes = np.array(
        [
            classify.assign(values.value[p], found, values.status[p])
            for p in range(len(values.value))
        ]
    )
    pairs = [
        (p, n)
        for p in range(len(codes) - 1)
        for n in np.flatnonzero(known & (codes[p] != codes[p + 1]))
    ]
    assert pairs, "some village changes its class"
    index, position = pairs[0]
    show(opened, index + 0.25)
    colour = middles(opened, small_edition)[position]
    a, b = (np.array(rgb(found[int(codes[p][position])].light)) for p in (index, index + 1))
    np.testing.assert_allclose(colour, a + 0.25 * (b - a), atol=1.5)


def test_the_first_map_does_not_fetch_the_mesh_and_playing_does_once(
    opened: Watched, small_edition: Edition
) -> None:
    opened.settle()
    assert not [url for url in opened.requests if "mesh.bin" in url]
    play = opened.page.locator(".atlas-play")
    for _ in range(2):
        play.click()
        opened.ready(DRAWING)
        play.click()
        still(opened)
    assert [
        url for url in opened.asked if "mesh" in url or "/tiles/" in url or "/data/" in url
    ] == [url for url in opened.asked if url.endswith(f"/data/{small_edition.id}/mesh.bin")]
    assert len(opened.asked) == 1


def test_a_frame_runs_no_script_a_village_and_asks_for_nothing(opened: Watched) -> None:
    show(opened, 0)
    opened.settle()
    opened.page.evaluate(
        """() => {
            window.calls = 0;
            const {map} = window.bangfu;
            for (const name of ['setFeatureState', 'setPaintProperty', 'setLayoutProperty']) {
              const real = map[name];
              map[name] = function (...rest) { window.calls += 1; return real.apply(this, rest); };
            }
        }"""
    )
    opened.page.locator(".atlas-play").click()
    opened.page.evaluate("() => window.bangfu.mesh.stop()")
    last = opened.page.evaluate("() => Number(document.querySelector('.atlas-time input').max)")
    opened.painted(period=1)
    opened.page.evaluate("() => { window.calls = 0; }")
    opened.painted(period=last - 1)
    assert opened.page.evaluate("() => window.calls") == 0
    assert opened.asked == []


def test_each_month_is_told_of_once_and_the_tiles_end_on_the_last(
    opened: Watched, small_edition: Edition
) -> None:
    assert opened.page.evaluate("() => window.bangfu.mesh.load()")
    opened.page.evaluate(
        """() => {
            window.seen = [];
            window.addEventListener('bangfu-painted', e => window.seen.push(e.detail.period));
        }"""
    )
    opened.page.locator(".atlas-play").click()
    last = len(small_edition.periods(MEASURE, ROUND)) - 1
    opened.page.wait_for_function(
        "last => window.seen.includes(0) && window.seen[window.seen.length - 1] === last",
        arg=last,
        timeout=PATIENCE_MS,
    )
    opened.page.wait_for_selector('.atlas-play[aria-pressed="false"]')
    still(opened)
    shown = opened.page.evaluate("() => window.seen")
    assert [one for one in shown if one != last] == list(range(last))
    plain = ~hatched(small_edition, last)
    end = middles(opened, small_edition)[plain]
    show(opened, last)
    np.testing.assert_allclose(middles(opened, small_edition)[plain], end, atol=1)


def test_zooming_in_gives_way_to_the_tiles_and_out_again_takes_over(
    opened: Watched, small_edition: Edition
) -> None:
    until = (small_edition.mesh_zoom or 0) + 1
    start = opened.page.evaluate("() => window.bangfu.map.getZoom()")
    assert start < until
    show(opened, 2)
    opened.page.evaluate("zoom => window.bangfu.map.jumpTo({zoom})", until - 0.02)
    opened.ready("() => window.bangfu.map.loaded() && window.bangfu.map.areTilesLoaded()")
    assert opened.page.evaluate(DRAWING)
    by_mesh = whole(opened)
    opened.page.evaluate("zoom => window.bangfu.map.jumpTo({zoom})", until + 0.02)
    still(opened)
    opened.page.evaluate("zoom => window.bangfu.map.jumpTo({zoom})", until - 0.02)
    opened.ready(DRAWING)
    opened.page.evaluate("() => window.bangfu.mesh.stop()")
    still(opened)
    period(opened, 2)
    differ = np.abs(whole(opened) - by_mesh).max(axis=1)
    assert (differ > 8).mean() < 0.002


def test_a_filter_a_highlight_and_a_region_fade_the_mesh_as_they_fade_the_tiles(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    district = small_edition.children(small_edition.root.code)[0]
    seen = visit(
        f"{served}/?round={ROUND}&measure={MEASURE}&level={LEAF}&region={district.code}"
        "&off=0,1&hide=labels&look=light"
    )
    last = seen.painted(region=district.code)["period"]
    still(seen)
    tiles = middles(seen, small_edition)
    show(seen, last)
    inside = on_screen_all(seen, small_edition)
    plain = ~hatched(small_edition, last) & inside
    np.testing.assert_allclose(middles(seen, small_edition)[plain], tiles[plain], atol=1)
    seen.page.locator(".atlas-class").nth(3).hover()
    seen.page.wait_for_timeout(400)
    lit = middles(seen, small_edition)
    seen.page.evaluate("() => window.bangfu.mesh.stop()")
    still(seen)
    np.testing.assert_allclose(lit[plain], middles(seen, small_edition)[plain], atol=1)
    assert (lit[plain] != tiles[plain]).any()


def on_screen_all(seen: Watched, edition: Edition) -> Colours:
    """Which villages' inner points are on the map's canvas."""
    size = seen.page.evaluate(
        """() => {
            const box = window.bangfu.map.getCanvas().getBoundingClientRect();
            return [box.x, box.y, box.x + box.width, box.y + box.height];
        }"""
    )
    places = [on_screen(seen, edition, n) for n in range(edition.count(LEAF))]
    return np.array(
        [size[0] < p["x"] < size[2] and size[1] < p["y"] < size[3] for p in places], np.bool_
    )


def test_no_data_is_hatched_by_the_mesh_too(opened: Watched, small_edition: Edition) -> None:
    still(opened)
    last = opened.painted()["period"]
    place = on_screen(opened, small_edition, without(small_edition, Status.MISSING))
    clip = {"x": place["x"] - 12, "y": place["y"] - 12, "width": 24, "height": 24}
    before = _shades(opened, clip)
    show(opened, last)
    after = _shades(opened, clip)
    assert before.std() > 2
    assert np.abs(before - after).mean() < 0.25 * before.std() + 1


def _shades(seen: Watched, clip: dict[str, float]) -> Colours:
    """How light the pixels of a piece of the page are."""
    with Image.open(io.BytesIO(seen.page.screenshot(clip=clip))) as image:
        return np.asarray(image.convert("RGB"), float).reshape(-1, 3).mean(axis=1)


def test_who_wants_no_motion_sees_months_change_at_once(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    seen = visit(served + QUERY, reduced_motion="reduce")
    seen.painted(level=LEAF)
    show(seen, 1.6)
    mesh = middles(seen, small_edition)
    seen.page.evaluate("() => window.bangfu.mesh.stop()")
    period(seen, 2)
    plain = ~hatched(small_edition, 2)
    np.testing.assert_allclose(mesh[plain], middles(seen, small_edition)[plain], atol=1)


def test_without_a_mesh_the_tiles_play(visit: Visit, served: str, small_edition: Edition) -> None:
    seen = visit("about:blank")
    seen.page.route("**/mesh.bin", lambda route: route.fulfill(status=404, body="{}"))
    seen.page.goto(served + QUERY)
    seen.painted(level=LEAF)
    seen.page.locator(".atlas-play").click()
    seen.painted(period=0)
    seen.painted(period=2)
    assert not seen.page.evaluate(DRAWING)
    assert not seen.page.evaluate("() => window.bangfu.mesh.ready")
    seen.page.evaluate("() => window.bangfu.mesh.play(3.4)")
    seen.painted(period=3)
    assert "Failed to load resource" in seen.said[0]
    seen.said.clear()  # Chromium itself reports the 404


def test_playing_goes_on_after_the_graphics_card_was_away(
    opened: Watched, small_edition: Edition
) -> None:
    show(opened, 1)
    before = middles(opened, small_edition)
    opened.page.evaluate("() => { window.before = window.bangfu.map; window.bangfu.rebuild(); }")
    opened.ready("() => window.bangfu.map && window.bangfu.map !== window.before")
    opened.ready(DRAWING)
    plain = ~hatched(small_edition, 1)
    np.testing.assert_allclose(middles(opened, small_edition)[plain], before[plain], atol=1)
