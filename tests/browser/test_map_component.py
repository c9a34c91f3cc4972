"""The map as a reader sees it: colours, hatching, pointing, time; and what it never does."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from callbacks import ids
from dashboard.app import create_app
from dashboard.settings import Settings
from geodata import arrays
from geodata.edition import Edition
from geodata.vocabulary import Status
from layers import classify
from layers.legend import counts
from layers.picture import picture
from layers.view import View
from tests.browser.conftest import PATIENCE_MS, Watched, serving

pytestmark = pytest.mark.browser

ROUND, MEASURE, LEAF = "r3", "collective_income", "village"
QUERY = f"/?round={ROUND}&measure={MEASURE}&level={LEAF}&hide=labels&look=light"
Visit = Callable[..., Watched]


def state(seen: Watched, position: int, level: str = LEAF) -> dict[str, Any]:
    """What the map was told about a region: class `c` and colour `v`."""
    return dict(
        seen.page.evaluate(
            """([level, id]) => window.bangfu.map.getFeatureState(
                {source: level, sourceLayer: level, id})""",
            [level, position],
        )
    )


def on_screen(
    seen: Watched, edition: Edition, position: int, level: str = LEAF
) -> dict[str, float]:
    """Where a region's inner point is on the page, in pixels."""
    row = edition.regions(level).iloc[position]
    return dict(
        seen.page.evaluate(
            """([lon, lat]) => {
                const point = window.bangfu.map.project([lon, lat]);
                const box = window.bangfu.map.getCanvas().getBoundingClientRect();
                return {x: box.x + point.x, y: box.y + point.y};
            }""",
            [float(row["lon"]), float(row["lat"])],
        )
    )


def pixels(seen: Watched, x: float, y: float, size: int = 4) -> set[tuple[int, int, int]]:
    """The colours in a small square of the page."""
    clip = {"x": x - size / 2, "y": y - size / 2, "width": size, "height": size}
    with Image.open(io.BytesIO(seen.page.screenshot(clip=clip))) as image:
        return set(image.convert("RGB").get_flattened_data())


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def packed(colour: str) -> int:
    return int(colour[1:], 16)


def known(edition: Edition, period: int = -1) -> tuple[int, classify.Class]:
    """A village with a value, and its class."""
    values = edition.values(MEASURE, ROUND, LEAF)
    position = int(np.flatnonzero(values.status[period] >= Status.SELF_REPORTED)[0])
    found = classify.classes(edition, MEASURE, ROUND, LEAF)
    place = classify.assign(values.value[period], found, values.status[period])[position]
    return position, found[int(place)]


def without(edition: Edition, status: Status) -> int:
    """A village of this status at the last period."""
    values = edition.values(MEASURE, ROUND, LEAF)
    return int(np.flatnonzero(values.status[-1] == status)[0])


@pytest.fixture
def opened(visit: Visit, served: str) -> Watched:
    """The villages of the last period, without names, light."""
    seen = visit(served + QUERY)
    seen.painted(level=LEAF, measure=MEASURE)
    return seen


def test_an_array_means_the_same_in_the_browser_as_in_python(
    opened: Watched, small_edition: Edition
) -> None:
    for level in small_edition.levels:
        path = small_edition.array_path(MEASURE, ROUND, level.id)
        ours = arrays.decode(path.read_bytes())
        theirs = opened.page.evaluate(
            """async url => {
                const got = await window.bangfu.arrays.load(url);
                const all = read => got.periods.map((_, p) =>
                  Array.from({length: got.count}, (_, i) => read(p, i)));
                return {periods: got.periods, flags: Array.from(got.flags),
                  values: all((p, i) => got.value(p, i)), words: all((p, i) => got.status(p, i))};
            }""",
            f"/data/{small_edition.id}/{ROUND}/{MEASURE}/{level.id}.bin",
        )
        assert theirs["periods"] == list(ours.periods)
        flags = np.array(theirs["flags"]).reshape(ours.status.shape)
        np.testing.assert_array_equal(flags, ours.status)
        values = np.array(theirs["values"], dtype=np.float64)
        np.testing.assert_array_equal(values, np.where(ours.status >= 2, ours.value, np.nan))
        assert theirs["words"] == [[Status(s).word for s in row] for row in ours.status.tolist()]


def test_the_browser_classes_and_counts_as_the_server_does(
    opened: Watched, small_edition: Edition
) -> None:
    for level in small_edition.levels:
        found = classify.classes(small_edition, MEASURE, ROUND, level.id)
        values = small_edition.values(MEASURE, ROUND, level.id)
        theirs = opened.page.evaluate(
            """async ([url, classes]) => {
                const got = await window.bangfu.arrays.load(url);
                return got.periods.map((_, p) => {
                  const codes = got.classes(p, classes);
                  return {codes: Array.from(codes),
                    counts: window.bangfu.arrays.counts(codes, classes.length, null)};
                });
            }""",
            [
                f"/data/{small_edition.id}/{ROUND}/{MEASURE}/{level.id}.bin",
                [one.as_dict() for one in found],
            ],
        )
        for period, got in enumerate(theirs):
            value, status = values.value[period], values.status[period]
            assert got["codes"] == classify.assign(value, found, status).tolist()
            ours = counts(value, found, status)
            assert got["counts"]["classes"] == list(ours.classes)
            assert got["counts"]["missing"] == ours.missing
            assert got["counts"]["out_of_scope"] == ours.out_of_scope


def test_bounds_are_compared_as_the_float_that_the_server_compares(opened: Watched) -> None:
    # 0.1 * 3 is not 0.3: a bound times the scale would put 0.3 one class too low.
    bounds = [None, 0.3, 0.7, 1.1, 2.3, 4.35]
    raw = list(range(500))
    theirs = opened.page.evaluate(
        """([bounds, raw]) => {
            const classes = bounds.map((lower, i) => ({lower, upper: bounds[i + 1] || null}));
            const header = {periods: ['all'], count: raw.length, digits: 2, missing: -32768};
            const got = new window.bangfu.arrays.Values(
              header, Int16Array.from(raw), new Uint8Array(raw.length).fill(3));
            return [Array.from(got.classes(0, classes)),
              raw.map(v => window.bangfu.arrays.classOf(v / 100, classes))];
        }""",
        [bounds, raw],
    )
    steps = [
        classify.Class(i, "", lower, None, "#000000", "#000000") for i, lower in enumerate(bounds)
    ]
    ours = classify.assign(np.array(raw) / 100, steps).tolist()
    assert theirs == [ours, ours]


def test_a_village_has_the_colour_of_its_class(opened: Watched, small_edition: Edition) -> None:
    position, one = known(small_edition)
    assert state(opened, position) == {"c": one.index, "v": packed(one.light)}
    where = on_screen(opened, small_edition, position)
    (seen,) = pixels(opened, where["x"], where["y"])
    assert max(abs(a - b) for a, b in zip(seen, rgb(one.light), strict=True)) <= 1


def test_no_data_is_hatched_and_out_of_scope_is_flat(
    opened: Watched, small_edition: Edition
) -> None:
    missing = without(small_edition, Status.MISSING)
    assert state(opened, missing)["c"] == classify.MISSING
    where = on_screen(opened, small_edition, missing)
    assert len(pixels(opened, where["x"], where["y"], 20)) > 2
    outside = without(small_edition, Status.OUT_OF_SCOPE)
    assert state(opened, outside)["c"] == classify.OUT_OF_SCOPE
    where = on_screen(opened, small_edition, outside)
    assert len(pixels(opened, where["x"], where["y"], 8)) == 1


def test_a_look_changes_every_colour_and_loads_no_map_again(
    opened: Watched, small_edition: Edition
) -> None:
    position, one = known(small_edition)
    opened.settle()
    opened.page.evaluate("() => window.bangfu.look.choose('dark')")
    opened.page.wait_for_function(
        """([id, v]) => window.bangfu.map.getFeatureState(
            {source: 'village', sourceLayer: 'village', id}).v === v""",
        arg=[position, packed(one.dark)],
        timeout=PATIENCE_MS,
    )
    assert [url for url in opened.asked if "/tiles/" in url or "/data/" in url] == []


def test_another_period_recolours_without_a_request(
    opened: Watched, small_edition: Edition
) -> None:
    opened.settle()
    slider = opened.page.locator(".atlas-time input[type=range]")
    slider.focus()
    slider.press("Home")
    opened.painted(period=0)
    values = small_edition.values(MEASURE, ROUND, LEAF)
    found = classify.classes(small_edition, MEASURE, ROUND, LEAF)
    expected = classify.assign(values.value[0], found, values.status[0])
    for position, code in enumerate(expected.tolist()):
        assert state(opened, position)["c"] == code
    told = opened.page.evaluate("() => window.bangfu.recolour(3)")
    assert told["period"] == 3
    assert told["script_ms"] >= 0
    assert opened.asked == []


def test_only_what_changed_is_told(opened: Watched, small_edition: Edition) -> None:
    values = small_edition.values(MEASURE, ROUND, LEAF)
    found = classify.classes(small_edition, MEASURE, ROUND, LEAF)
    first, second = (
        classify.assign(values.value[p], found, values.status[p]).astype(int) for p in (0, 1)
    )
    opened.page.evaluate("() => window.bangfu.recolour(0)")
    told = opened.page.evaluate("() => window.bangfu.recolour(1)")
    changed = int((first != second).sum())
    if changed:
        assert told["n"] == changed


def test_playing_goes_through_all_periods_and_asks_for_the_mesh_only(
    opened: Watched, small_edition: Edition
) -> None:
    opened.settle()
    opened.page.evaluate(
        """() => {
            window.seen = [];
            window.addEventListener('bangfu-painted', e => window.seen.push(e.detail.period));
        }"""
    )
    opened.page.locator(".atlas-play").click()
    last = len(small_edition.periods(MEASURE, ROUND)) - 1
    opened.page.wait_for_function(
        "last => window.seen.includes(0) && window.seen.includes(last)",
        arg=last,
        timeout=PATIENCE_MS,
    )
    opened.page.wait_for_selector('.atlas-play[aria-pressed="false"]')
    shown = opened.page.evaluate("() => window.seen")
    assert [p for i, p in enumerate(shown) if not i or p != shown[i - 1]] == list(range(last + 1))
    assert [url.rsplit("/", 1)[1] for url in opened.asked] == ["mesh.bin"]


def test_pointing_names_the_region_and_its_value(opened: Watched, small_edition: Edition) -> None:
    position, _ = known(small_edition)
    where = on_screen(opened, small_edition, position)
    opened.page.mouse.move(where["x"], where["y"])
    tip = opened.page.locator(".atlas-tip")
    tip.wait_for(state="visible")
    values = small_edition.values(MEASURE, ROUND, LEAF)
    digits = small_edition.space.measure(MEASURE).digits
    assert small_edition.regions(LEAF)["name"].iloc[position] in tip.inner_text()
    assert f"{values.value[-1][position]:.{digits}f}" in tip.inner_text()
    marks = opened.page.evaluate(
        """() => new Promise(done => {
            const look = () => {
              const found = window.bangfu.map.querySourceFeatures('marks');
              if (found.length) done(found.map(one => one.properties.kind));
              else setTimeout(look, 50);
            };
            look();
        })"""
    )
    assert "hover" in marks
    missing = on_screen(opened, small_edition, without(small_edition, Status.MISSING))
    opened.page.mouse.move(missing["x"], missing["y"])
    opened.page.wait_for_selector(".atlas-tip-status.atlas-is-missing")
    assert "没有数据" in tip.inner_text()


def test_the_legend_brings_a_class_forward_and_filters_it_out(
    opened: Watched, small_edition: Edition
) -> None:
    position, one = known(small_edition)
    plain = state(opened, position)["v"]
    row = opened.page.locator(f'.atlas-class[data-class="{one.index}"]')
    row.hover()
    other = without(small_edition, Status.OUT_OF_SCOPE)
    opened.page.wait_for_function(
        """([id, v]) => window.bangfu.map.getFeatureState(
            {source: 'village', sourceLayer: 'village', id}).v !== v""",
        arg=[other, packed("#e3e6e8")],
        timeout=PATIENCE_MS,
    )
    assert state(opened, position)["v"] == plain
    opened.settle()
    row.click()
    assert row.get_attribute("aria-pressed") == "false"
    opened.page.mouse.move(2, 2)
    opened.page.wait_for_function(
        """([id, v]) => window.bangfu.map.getFeatureState(
            {source: 'village', sourceLayer: 'village', id}).v !== v""",
        arg=[position, plain],
        timeout=PATIENCE_MS,
    )
    assert opened.asked == []


def test_a_click_goes_down_and_the_region_is_outlined(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    seen = visit(f"{served}/?round={ROUND}&measure={MEASURE}&hide=labels&look=light")
    shown = seen.painted(region=small_edition.root.code)
    district = small_edition.children(small_edition.root.code)[0]
    where = on_screen(seen, small_edition, district.position, shown["level"])
    seen.page.mouse.click(where["x"], where["y"])
    below = seen.painted(region=district.code)
    assert below["level"] == "town"
    assert (
        seen.page.evaluate(
            "() => window.bangfu.map.getLayoutProperty('region-district', 'visibility')"
        )
        == "visible"
    )
    inside = set(small_edition.descendants(district.code, "town").tolist())
    outside = next(p for p in range(small_edition.count("town")) if p not in inside)
    found = classify.classes(small_edition, MEASURE, ROUND, "town")
    colours = {packed(one.light) for one in found}
    assert state(seen, outside, "town")["v"] not in colours
    assert _twice(seen.requests) == []


def _twice(requests: list[str]) -> list[str]:
    """Tiles and arrays that were asked for more than once."""
    ours = [url for url in requests if "/tiles/" in url or "/data/" in url]
    return sorted({url for url in ours if ours.count(url) > 1})


def test_levels_come_and_go_without_loading_anything_twice(
    visit: Visit, small_folder: Path
) -> None:
    app = create_app(Settings(workspace=small_folder, access="open")).server
    fetched: list[str] = []

    def counting(environ: dict[str, Any], start: Any) -> Any:
        fetched.append(environ["PATH_INFO"])
        return app(environ, start)

    with serving(counting) as address:
        seen = visit(f"{address}/?round={ROUND}&measure={MEASURE}&level=zoom&look=light")
        # A tile that is still under way when the level goes is given up, and asked for again.
        there = "() => window.bangfu.map.loaded() && window.bangfu.map.areTilesLoaded()"
        seen.ready()
        seen.ready(there)
        start = seen.page.evaluate("() => window.bangfu.map.getZoom()")
        levels = set()
        for zoom in (start - 3, start, start - 3, start):
            seen.page.evaluate("zoom => window.bangfu.map.jumpTo({zoom})", zoom)
            seen.page.wait_for_timeout(300)
            seen.ready(f"{there} && !window.bangfu.map.isMoving()")
            levels.add(seen.page.evaluate("() => window.bangfu.level.level"))
        seen.settle()
        seen.page.close()
    assert len(levels) > 1
    assert _twice(fetched) == []


def test_keys_alone_find_a_region_and_enter_it(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    seen = visit(f"{served}/?round={ROUND}&measure={MEASURE}&look=light")
    seen.painted(region=small_edition.root.code)
    seen.page.evaluate("() => document.querySelector('.maplibregl-canvas').focus()")
    seen.page.keyboard.press("ArrowUp")
    seen.page.wait_for_function("() => !document.querySelector('.atlas-cross').hidden")
    seen.ready("() => !window.bangfu.map.isMoving()")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_function(
        "root => window.bangfu.painted.region !== root",
        arg=small_edition.root.code,
        timeout=PATIENCE_MS,
    )


def test_names_do_not_collide(visit: Visit, served: str) -> None:
    seen = visit(f"{served}/?round={ROUND}&measure={MEASURE}&level=town&look=light")
    seen.painted(level="town")
    boxes = seen.page.evaluate(
        """() => Array.from(document.querySelectorAll('.atlas-label.atlas-shown')).map(one => {
            const {left, top, right, bottom} = one.getBoundingClientRect();
            return [left, top, right, bottom];
        })"""
    )
    assert boxes
    for at, a in enumerate(boxes):
        for b in boxes[at + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_list_of_layers_hides_names(visit: Visit, served: str) -> None:
    seen = visit(f"{served}/?round={ROUND}&measure={MEASURE}&look=light")
    seen.ready()
    seen.page.wait_for_selector(".atlas-label.atlas-shown")
    seen.page.locator(".atlas-layers > button").click()
    seen.page.get_by_role("checkbox", name="地名").uncheck()
    seen.page.wait_for_function("() => !document.querySelector('.atlas-label.atlas-shown')")
    assert "hide=labels" in seen.page.url


def test_a_lost_graphics_card_comes_back(opened: Watched, small_edition: Edition) -> None:
    position, one = known(small_edition)
    opened.page.evaluate(
        """() => {
            const canvas = window.bangfu.map.getCanvas();
            const card = (canvas.getContext('webgl2') || canvas.getContext('webgl'))
              .getExtension('WEBGL_lose_context');
            window.before = window.bangfu.map;
            const message = document.querySelector('.atlas-message');
            window.told = [];
            new MutationObserver(() => window.told.push(message.textContent))
              .observe(message, {attributes: true, childList: true, subtree: true});
            card.loseContext();
            setTimeout(() => card.restoreContext(), 400);
        }"""
    )
    opened.page.wait_for_function(
        """() => window.bangfu.map && window.bangfu.map !== window.before
          && window.bangfu.map.loaded()
          && document.querySelector('.atlas-message').hidden""",
        timeout=PATIENCE_MS,
    )
    opened.page.wait_for_function(
        """([id, v]) => window.bangfu.map.getFeatureState(
            {source: 'village', sourceLayer: 'village', id}).v === v""",
        arg=[position, packed(one.light)],
        timeout=PATIENCE_MS,
    )
    assert any("显卡" in text for text in opened.page.evaluate("() => window.told"))
    opened.said.clear()  # Chromium itself reports the loss


def shown(seen: Watched) -> bool:
    """Whether the last picture stands in the map's place."""
    return bool(
        seen.page.evaluate(
            """() => {
                const kept = document.querySelector('.atlas-snapshot');
                return Boolean(kept) && !kept.hidden;
            }"""
        )
    )


def test_while_the_graphics_card_is_away_for_good_the_last_picture_stands(
    opened: Watched, small_edition: Edition
) -> None:
    set_props(opened, keep_snapshot=True, period=1)
    opened.painted(period=1)
    opened.page.wait_for_function(
        "() => document.querySelector('.atlas-snapshot')", timeout=PATIENCE_MS
    )
    assert not shown(opened)
    opened.ready("() => window.bangfu.map.loaded()")
    box = opened.page.locator(".atlas-canvas").bounding_box()
    aside = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 4]  # of the sentence
    before = pixels(opened, *aside, 60)
    opened.page.evaluate(
        """() => {
            window.before = window.bangfu.map;
            window.bangfu.map.painter.context.gl.getExtension('WEBGL_lose_context').loseContext();
        }"""
    )
    opened.page.wait_for_selector(".atlas-snapshot:not([hidden])")
    assert pixels(opened, *aside, 60) == before
    # Nobody gives the context back: the map makes itself a new canvas.
    opened.page.wait_for_function(
        """() => window.bangfu.map && window.bangfu.map !== window.before
          && document.querySelector('.atlas-snapshot').hidden""",
        timeout=PATIENCE_MS,
    )
    opened.ready("() => window.bangfu.map.loaded()")
    assert len(pixels(opened, *aside, 60)) > 1
    opened.said.clear()  # Chromium itself reports the loss


def set_props(seen: Watched, **properties: object) -> None:
    """Set properties of the portal's map, as a callback would."""
    seen.page.evaluate(
        "([id, properties]) => window.dash_clientside.set_props(id, properties)",
        [ids.MAP, properties],
    )


def test_trouble_is_told_and_taken_back(opened: Watched) -> None:
    opened.page.evaluate(
        """() => {
            window.told = [];
            const note = () => window.told.push(document.querySelector('.atlas-message').hidden);
            new MutationObserver(note).observe(document.querySelector('.atlas-message'),
              {attributes: true, attributeFilter: ['hidden']});
            const lose = window.bangfu.map.painter.context.gl.getExtension('WEBGL_lose_context');
            lose.loseContext();
            setTimeout(() => lose.restoreContext(), 300);
        }"""
    )
    opened.page.wait_for_function(
        "() => window.told.length > 1 && window.told[0] === false && window.told.slice(-1)[0]",
        timeout=PATIENCE_MS,
    )
    opened.said.clear()


@pytest.mark.parametrize("motion", ["no-preference"])
def test_a_still_map_has_no_handles_and_flies_where_it_is_told(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    district = small_edition.children(small_edition.root.code)[0]
    seen = visit(f"{served}/maps")
    seen.ready("() => window.bangfu && window.bangfu.AtlasMap && window.maplibregl")
    both = [
        picture(small_edition, View.from_query(f"round={ROUND}&measure={MEASURE}{more}"))
        for more in ("", f"&region={district.code}")
    ]
    seen.page.evaluate(
        """both => {
            const box = document.createElement('div');
            box.style.cssText = 'position:fixed;left:0;top:0;width:900px;height:700px;z-index:99';
            document.body.appendChild(box);
            const root = window.ReactDOM.createRoot(box);
            window.told = [];
            window.show = n => root.render(window.React.createElement(window.bangfu.AtlasMap, {
              id: 'still', picture: both[n], words: {}, still: true, flight: 1500,
              setProps: told => window.told.push(told)}));
            window.show(0);
        }""",
        both,
    )
    seen.painted(region=small_edition.root.code)
    box = seen.page.locator("#still")
    for part in ("button", ".atlas-notices", ".maplibregl-ctrl", ".atlas-scale"):
        assert box.locator(part).count() == 0
    seen.page.mouse.click(450, 350)
    zoom = seen.page.evaluate("() => window.bangfu.map.getZoom()")
    seen.page.evaluate(
        """() => {
            window.passed = [];
            window.bangfu.map.on('zoom', () => window.passed.push(window.bangfu.map.getZoom()));
            window.show(1);
        }"""
    )
    seen.painted(region=district.code)
    assert seen.page.evaluate("() => window.passed.length") > 1, "it flies"
    assert seen.page.evaluate("() => window.bangfu.map.getZoom()") > zoom
    told = seen.page.evaluate("() => window.told.map(one => Object.keys(one)[0])")
    assert set(told) <= {"painted", "level", "trouble"}


def test_without_webgl_a_sentence_stands_where_the_map_would(chromium: Any, served: str) -> None:
    context = chromium.new_context()
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(
            """const real = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
              return /webgl/.test(kind) ? null : real.call(this, kind, ...rest);
            };"""
        )
        page.goto(served + QUERY)
        page.wait_for_selector(".atlas-message:not([hidden])", timeout=PATIENCE_MS)
        assert "WebGL" in page.locator(".atlas-message").inner_text()
        assert errors == []
    finally:
        context.close()


def test_a_fitted_region_stays_fitted_when_the_window_changes(opened: Watched) -> None:
    before = opened.page.evaluate("() => window.bangfu.map.getZoom()")
    opened.page.set_viewport_size({"width": 500, "height": 800})
    opened.page.wait_for_function(
        "before => window.bangfu.map.getZoom() < before - 0.2", arg=before, timeout=PATIENCE_MS
    )
    assert "camera" not in opened.page.url


def test_nothing_is_asked_of_another_host(opened: Watched, served: str) -> None:
    outside = [url for url in opened.requests if not url.startswith((served, "blob:", "data:"))]
    assert outside == []
