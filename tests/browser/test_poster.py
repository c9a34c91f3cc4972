"""The server draws the map that the browser draws: camera, colours, borders, names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geodata.edition import Edition
from layers import poster
from layers.classify import MISSING, assign, classes
from layers.view import View, resolve
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.pictures import Picture, difference, read

pytestmark = pytest.mark.browser

SHARP = 40
"""A pixel differs when a channel does by more (of 255). Classes are further apart than that; two
renderers' antialiasing of one border is not."""

ALLOWED = 0.01
"""Share of pixels that may differ, all along borders; measured were 0.01 % to 0.5 %."""

BARE = """
body * { visibility: hidden !important; animation: none !important; transition: none !important; }
.atlas-canvas canvas { visibility: visible !important; }
"""

DONE = """() => {
  const map = window.bangfu.map;
  return map && map.loaded() && map.areTilesLoaded() && !map.isMoving();
}"""

VIEWS = (
    "round=r3&measure=collective_income&look=light",
    "round=r3&measure=collective_income&level=village&off=1&look=dark",
    "round=r3&measure=gap_items&region=990002000000&look=dark",
    "round=r3&measure=collective_income&region=990002000000&level=village&look=light",
    "round=r3&measure=collective_income&region=990001901001&look=dark",
    "round=r2&measure=gap_items&level=zoom&camera=11.3/39.24/117.23&look=light",
    "round=r1&look=dark",
    "round=r3&measure=gap_items&level=village&hide=line-town,line-village&look=light",
)

Visit = Callable[..., Watched]
Camera = dict[str, float]


def open_view(visit: Visit, served: str, edition: Edition, query: str) -> tuple[Watched, View]:
    """The portal at a view, its map painted and at rest."""
    view = View.from_query(query)
    found = resolve(view, edition)
    seen = visit(f"{served}/?{query}", width=1000, height=700)
    seen.painted(region=found.region.code, round=found.round.id)
    seen.page.wait_for_timeout(500)  # a panel that opens makes the map smaller
    seen.page.wait_for_function(DONE, timeout=PATIENCE_MS)
    return seen, view


def bare(seen: Watched) -> tuple[Picture, Camera]:
    """The map alone, and where its camera stands."""
    camera = dict(
        seen.page.evaluate(
            """() => {
                const map = window.bangfu.map, {lng, lat} = map.getCenter();
                const box = map.getCanvas().getBoundingClientRect();
                return {zoom: map.getZoom(), lng, lat,
                  x: box.x, y: box.y, width: box.width, height: box.height};
            }"""
        )
    )
    seen.page.add_style_tag(content=BARE)
    clip = {side: camera[side] for side in ("x", "y", "width", "height")}
    return read(seen.page.screenshot(clip=clip)), camera


def size(camera: Camera) -> dict[str, Any]:
    return {"width": int(camera["width"]), "height": int(camera["height"])}


def draw(edition: Edition, view: View, camera: Camera) -> Picture:
    """The same view from the server, without names: on the page they stand above the canvas."""
    look: Any = view.look
    return read(poster.map_png(edition, view, look=look, labels=False, **size(camera)))


@pytest.mark.parametrize("query", VIEWS)
def test_the_server_draws_what_the_browser_draws(
    visit: Visit, served: str, small_edition: Edition, query: str
) -> None:
    seen, view = open_view(visit, served, small_edition, query)
    theirs, camera = bare(seen)
    found = poster.frame(small_edition, view, **size(camera))
    assert found.zoom == pytest.approx(camera["zoom"], abs=1e-3)
    middle = found.project([(camera["lng"], camera["lat"])])
    np.testing.assert_allclose(middle, [(camera["width"] / 2, camera["height"] / 2)], atol=0.5)
    assert difference(draw(small_edition, view, camera), theirs, SHARP) < ALLOWED


def test_every_village_has_the_same_colour_and_a_wrong_one_is_noticed(
    visit: Visit, served: str, small_edition: Edition
) -> None:
    measure, level = "collective_income", "village"
    query = f"round=r3&measure={measure}&level={level}&look=light"
    seen, view = open_view(visit, served, small_edition, query)
    theirs, camera = bare(seen)
    ours = draw(small_edition, view, camera)

    values = small_edition.values(measure, "r3", level)
    known = classes(small_edition, measure, "r3", level)
    place = assign(values.value[-1], known, values.status[-1])
    frame = poster.frame(small_edition, view, **size(camera))
    points = frame.project(small_edition.regions(level)[["lon", "lat"]])
    for code, (x, y) in zip(place.tolist(), points.astype(int).tolist(), strict=True):
        if code != MISSING:  # hatched: a line may run through the point
            wanted = known[code].light if code < len(known) else poster.INKS["light"].land
            assert "#" + bytes(theirs[y, x]).hex() == "#" + bytes(ours[y, x]).hex() == wanted

    # The comparison would see one class in another colour, another period, a camera beside.
    svg = poster.map_svg(small_edition, view, look="light", labels=False, **size(camera))
    assert svg.count(known[-1].light) == 2
    wrong = svg.replace(known[-1].light, known[0].light)
    assert difference(read(poster.raster(wrong, **size(camera))), theirs, SHARP) > ALLOWED
    earlier = replace(view, period="2021-07")
    assert difference(draw(small_edition, earlier, camera), theirs, SHARP) > ALLOWED
    beside = replace(
        view, camera=(round(camera["zoom"], 2), camera["lat"] + 0.001, camera["lng"] + 0.001)
    )
    assert difference(draw(small_edition, beside, camera), theirs, SHARP) > ALLOWED


@pytest.mark.parametrize(
    "query",
    [
        "round=r3&measure=gap_items&look=light",
        "round=r3&measure=gap_items&region=990002901000&look=dark",
    ],
)
def test_the_same_places_are_named(
    visit: Visit, served: str, small_edition: Edition, query: str
) -> None:
    seen, view = open_view(visit, served, small_edition, query)
    seen.page.wait_for_timeout(400)  # names are sorted once the map rests
    shown, letters = seen.page.evaluate(
        """() => {
            const all = Array.from(document.querySelectorAll(".atlas-label.atlas-shown"));
            const map = document.querySelector(".atlas-canvas").getBoundingClientRect();
            const whole = all.filter(one => {
                const box = one.getBoundingClientRect();
                return box.left > map.left + 2 && box.right < map.right - 2
                  && box.top > map.top + 2 && box.bottom < map.bottom - 2;
            });
            const root = parseFloat(getComputedStyle(document.documentElement).fontSize);
            return [whole.map(one => one.textContent), root * 0.8125];
        }"""
    )
    _, camera = bare(seen)
    svg = poster.map_svg(small_edition, view, look="light", text=letters, **size(camera))
    assert shown
    assert set(re.findall(r"<text [^>]*>([^<]*)</text>", svg)) == set(shown)
