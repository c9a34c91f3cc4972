"""A wall that runs for hours: scene after scene, and nothing grows.

`make soak` runs 2000 scene changes, the ordinary run a twentieth.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.real_server import Wire, real_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

log = logging.getLogger(__name__)  # `pytest --log-cli-level=info` tells the course of the heap

FULL = 2000
WARM_UP_ROUNDS = 12
HEAP_GROWTH = 0.10
SAMPLE_EVERY = 250
SLACK = {"Nodes": 40, "JSEventListeners": 12, "textures": 2, "sockets": 2}
"""Counts wobble by what is under way (a card, a poll, a tile); a leak adds up with every scene."""

COUNT_TEXTURES = """
window.liveTextures = 0;
for (const kind of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) {
  const { createTexture, deleteTexture } = kind.prototype;
  const known = new WeakSet();
  kind.prototype.createTexture = function () {
    const made = createTexture.call(this);
    if (made) { known.add(made); window.liveTextures += 1; }
    return made;
  };
  kind.prototype.deleteTexture = function (texture) {
    if (texture && known.delete(texture)) window.liveTextures -= 1;
    return deleteTexture.call(this, texture);
  };
}
"""

NEXT = """async () => {
  const before = bangfu.wall.stats.changes;
  bangfu.wall.next();
  for (let turn = 0; turn < 1200; turn++) {
    const { settled } = bangfu.wall.state();
    if (settled && bangfu.wall.stats.changes > before) return true;
    await new Promise(done => setTimeout(done, 25));
  }
  return false;
}"""


def measured(watched: Watched, session: Any, wire: Wire) -> dict[str, float]:
    """What must not grow, after a garbage collection."""
    watched.page.wait_for_timeout(1500)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return {
        "JSHeapUsedSize": found["JSHeapUsedSize"],
        "Nodes": found["Nodes"],
        "JSEventListeners": found["JSEventListeners"],
        "textures": watched.page.evaluate("() => window.liveTextures"),
        "sockets": wire.connections,
    }


@pytest.mark.parametrize(
    ("changes", "width", "height"),
    [
        pytest.param(FULL // 20, 960, 540, id="a twentieth"),
        pytest.param(FULL, 1920, 1080, id="full", marks=pytest.mark.soak),
    ],
)
def test_nothing_grows_over_hours_of_scenes(
    visit: Callable[..., Watched],
    small_folder: Path,
    tmp_path: Path,
    changes: int,
    width: int,
    height: int,
) -> None:
    folder = shutil.copytree(small_folder, tmp_path / "own")
    with real_server(folder) as server:
        wire = Wire(server.port)
        watched = visit("about:blank", width=width, height=height)
        watched.page.add_init_script(COUNT_TEXTURES)
        watched.page.goto(f"{wire.address}/wall?pace=40")
        watched.page.wait_for_function(
            "() => window.bangfu && bangfu.wall && bangfu.wall.state().settled",
            timeout=PATIENCE_MS,
        )
        watched.page.evaluate("() => bangfu.wall.hold(true)")
        session = watched.page.context.new_cdp_session(watched.page)
        session.send("Performance.enable")
        session.send("HeapProfiler.enable")
        count = watched.page.evaluate("() => bangfu.wall.scenes.length")
        # The first hundred changes fill what has a bound (compiled code, the browser's own list of
        # requests, tiles): measured, the heap grows by a tenth there and ever less afterwards.
        for _ in range(WARM_UP_ROUNDS * count):
            assert watched.page.evaluate(NEXT), "a scene did not settle"
        before = measured(watched, session, wire)
        course = [before["JSHeapUsedSize"]]
        for change in range(1, changes - changes % count + 1):
            assert watched.page.evaluate(NEXT), "a scene did not settle"
            if change % SAMPLE_EVERY == 0:
                course.append(measured(watched, session, wire)["JSHeapUsedSize"])
        after = measured(watched, session, wire)
        log.info("heap every %s changes: %s; %s -> %s", SAMPLE_EVERY, course, before, after)
        stats = watched.page.evaluate("() => bangfu.wall.stats")
        assert stats["rebuilds"] == 0 and stats["reloads"] == 0
        grown = after["JSHeapUsedSize"] / before["JSHeapUsedSize"] - 1
        assert grown < HEAP_GROWTH, f"{before} -> {after}, on the way {course}"
        for name, slack in SLACK.items():
            assert after[name] <= before[name] + slack, f"{name}: {before} -> {after}"
        wire.cut()
