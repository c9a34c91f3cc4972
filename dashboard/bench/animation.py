"""One frame of the months going by: the mesh beside an empty map, feature state and plotly.

Each is drawn on a canvas as large as the page, by one synchronous repaint whose pixels are read
back: a graphics card may otherwise be asked for a frame and answer later.
"""

from __future__ import annotations

import shutil
import statistics
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, TimeoutError, sync_playwright

from dashboard.bench.browser import CHROMIUM_FLAGS, VIEWPORT, WAIT_MS
from geodata import words
from geodata.edition import Edition
from layers.picture import picture
from layers.view import View

FRAMES = 20
WARM_UP = 4

_BOX = """
  const box = document.createElement('div');
  box.style.cssText = 'position:fixed;left:0;top:0;width:100vw;height:100vh;z-index:99999';
  document.body.appendChild(box);
  const until = test => new Promise(done => {
    const look = () => test() ? done() : setTimeout(look, 100);
    look();
  });
  const readBack = map => {
    const gl = map.painter.context.gl;
    const pixels = new Uint8Array(4 * gl.canvas.width * gl.canvas.height);
    return () => {
      map.redraw();
      gl.readPixels(0, 0, gl.canvas.width, gl.canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    };
  };
"""

_EMPTY = f"""async () => {{{_BOX}
  const layers = [{{id: 'ground', type: 'background', paint: {{'background-color': '#f4f5f5'}}}}];
  const map = new maplibregl.Map({{container: box, style: {{version: 8, sources: {{}}, layers}}}});
  await new Promise(done => map.once('idle', done));
  window.benchFrame = readBack(map);
}}"""

# The portal's own component; `play` says whether the mesh or the features change colour.
_OURS = f"""async ([picture, hide, words, play]) => {{{_BOX}
  window.bangfu.painted = null;
  const props = {{id: 'bench', picture, hide, words, still: true, setProps: () => null}};
  const {{bangfu, React, ReactDOM}} = window;
  const drawn = React.createElement(bangfu.AtlasMap, props);
  if (ReactDOM.createRoot) ReactDOM.createRoot(box).render(drawn);
  else ReactDOM.render(drawn, box);
  await until(() => bangfu.painted && bangfu.map.loaded() && bangfu.map.areTilesLoaded());
  const frame = readBack(bangfu.map);
  const last = picture.periods.length - 1;
  if (play) {{
    await bangfu.mesh.load();
    if (!bangfu.mesh.ready) throw new Error('no mesh at this zoom');
  }}
  window.benchFrame = turn => {{
    // Never a whole month, never the same one twice.
    if (play) bangfu.mesh.play((0.37 + 1.61 * turn) % last);
    else bangfu.shuffle(turn);
    frame();
  }};
}}"""

_PLOTLY = f"""async () => {{{_BOX}
  box.remove();
  const map = document.getElementById('map')._fullLayout.map._subplot.map;
  const frame = readBack(map);
  window.benchFrame = async turn => {{
    const idle = window.benchIdle();
    window.benchRecolour(turn);
    await idle;
    frame();
  }};
}}"""

# The pause lets the page before come to rest: after its frame it may go on drawing for a while.
_TIMED = """async turn => {
  await new Promise(done => setTimeout(done, 400));
  const start = performance.now();
  await window.benchFrame(turn);
  return performance.now() - start;
}"""


@dataclass(frozen=True, eq=False)
class Subject:
    """One way to draw a frame: where, and what to run there first."""

    map: str
    layers: str
    url: str
    ready: str
    setup: str
    arguments: Any = None
    frames: int = FRAMES


def subjects(edition: Edition, query: str, portal: str, plotly: str) -> list[Subject]:
    """The empty map; mesh and feature state, the fills alone and with all lines; plotly."""
    ready = "() => window.bangfu && bangfu.AtlasMap && window.maplibregl && window.ReactDOM"
    drawn = picture(edition, View.from_query(query))
    lines = [f"line-{level.id}" for level in edition.levels]
    found = [Subject("empty", "none", portal, ready, _EMPTY)]
    for layers, hide in (("fills", [*lines, "labels"]), ("screen", [])):
        for name in ("mesh", "feature-state"):
            given = [drawn, hide, words.section("map"), name == "mesh"]
            found.append(Subject(name, layers, portal, ready, _OURS, given))
    # Seconds a frame: fewer of them say it as well.
    given_up = Subject("plotly", "fills", plotly, "() => window.benchReady", _PLOTLY, frames=6)
    return [*found, given_up]


def measure(asked: list[Subject], chromium: str | None = None) -> list[dict[str, Any]]:
    """Draw each subject's frames, every subject in a browser of its own.

    They take turns, a frame each: what else the machine does meanwhile falls on all alike.

    Returns
    -------
    list of dict : the median frame in ms and the nine tenths' one, how many times an empty map's
        that is, and for mesh rows how many times sooner than feature state with the same layers.
    """
    binary = chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    times: dict[Subject, list[float]] = {}
    with sync_playwright() as driver, ExitStack() as stack:
        pages: dict[Subject, Page] = {}
        for subject in asked:
            browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
            stack.callback(browser.close)
            # A page that never comes is a result, too: its row then has no time.
            with suppress(TimeoutError):
                page = browser.new_page(viewport=VIEWPORT)
                _open(page, subject)
                pages[subject] = page
                times[subject] = []
        for turn in range(FRAMES + WARM_UP):
            for subject, page in pages.items():
                if turn < subject.frames + WARM_UP:
                    times[subject].append(page.evaluate(_TIMED, turn))
    rows: list[dict[str, Any]] = []
    for subject in asked:
        drawn = times.get(subject, [])[WARM_UP:]
        rows.append(
            {
                "map": subject.map,
                "layers": subject.layers,
                "frame_ms": round(statistics.median(drawn), 1) if drawn else None,
                "slow_frame_ms": round(statistics.quantiles(drawn, n=10)[-1], 1) if drawn else None,
            }
        )
    return compared(rows)


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their ratios: `against_empty`, and of the mesh `sooner` than feature state."""
    time = {(row["map"], row["layers"]): row["frame_ms"] for row in rows}
    empty = time.get(("empty", "none"))

    def ratio(one: float | None, other: float | None) -> float | None:
        return round(one / other, 2) if one and other else None

    found = []
    for row in rows:
        own, other = row["frame_ms"], time.get(("feature-state", row["layers"]))
        sooner = ratio(other, own) if row["map"] == "mesh" else None
        found.append({**row, "against_empty": ratio(own, empty), "sooner": sooner})
    return found


def _open(page: Page, subject: Subject) -> None:
    page.set_default_timeout(WAIT_MS)
    page.goto(subject.url, wait_until="commit", timeout=WAIT_MS)
    page.wait_for_function(subject.ready, timeout=WAIT_MS)
    page.wait_for_timeout(2000)
    page.evaluate(subject.setup, subject.arguments)
    page.wait_for_timeout(2000)
