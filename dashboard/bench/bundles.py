"""The public bundle beside folium's own page and plotly's HTML export: bytes, first map, memory.

One measure at the last level, the same shapes and values for all three, as each library's
documentation draws a choropleth, in the same Chromium. Nothing is asked of other hosts: folium's
page has Leaflet in it and neither tiles nor the rest of what it loads elsewhere, nor the legend,
which needs d3; plotly's has plotly.js in it and a style without tiles. All that is in the rivals'
favour, and so is that they show one period where the bundle has every period of every measure,
search, table and downloads.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import plotly.express as px
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from dashboard.bench.browser import CHROMIUM_FLAGS, VIEWPORT, WAIT_MS, folder_served
from dashboard.bench.public import publish_once
from geodata.edition import PUBLIC, PUBLIC_EDITION, Edition, published_id
from geodata.vocabulary import Base
from layers.page import leaflet_source

RUNS = 3
"""Each map is opened so often, in a fresh browser; the medians are told."""
SHAPES = {"": 0.0, ", 20 m": 20.0}
"""Of the rivals: as they are, and simplified in metres as whoever is careful would; by what is
added to the name."""
REST_MS = 3000
"""After the first map, before memory is read: what loads later has loaded then."""

Json = dict[str, Any]

_READY = "() => (window.bangfu ? window.bangfu.painted : window.benchReady)"
_AT = "() => window.benchReady || window.bangfu.painted.at"
_PAINTS = "() => performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)"

# When the map has drawn what it was given: two frames for Leaflet, which draws at once.
_FOLIUM_READY = """
requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
  window.benchReady = performance.now();
})));
"""
_PLOTLY_READY = """
(() => {
  const map = document.getElementById('{plot_id}')._fullLayout.map._subplot.map;
  const done = () => { window.benchReady = performance.now(); };
  if (map.loaded()) done(); else map.once('idle', done);
})();
"""


def measure(folder: Path, runs: int = RUNS) -> list[Json]:
    """Open the three maps of what was published in `folder`; published first, as a demo, if
    nothing was.

    Returns
    -------
    Rows `map`, `kb_on_disk` (of all that would be uploaded), `kb_unpacked` and `kb_until_first_map`
    (before the first map, as files and gzipped on the wire), `requests_until_first_map`,
    `first_paint_ms` (anything), `first_map_ms` (coloured, whole), `heap_mb` (JavaScript, after a
    collection), `renderer_mb` (the page's process, proportional). Times are medians of `runs`;
    None where the map never came.
    """
    publish_once(folder)
    home = Path(folder) / PUBLIC / published_id(folder)
    book = Edition.of_folder(home / PUBLIC_EDITION, home.name)
    with tempfile.TemporaryDirectory(prefix="bangfu-bundles-") as scratch:
        root = Path(scratch)
        (root / "bangfu").symlink_to(home / "site")
        for name, tolerance in SHAPES.items():
            frame, view = last_level(book, tolerance)
            write_folium(root / f"folium{name}", frame)
            write_plotly(root / f"plotly{name}", frame)
        with folder_served(root) as address:
            addresses = {"bangfu": f"{address}/bangfu/index.html?{view}"} | {
                f"{rival}{name}": f"{address}/{rival}{name}/index.html"
                for name in SHAPES
                for rival in ("folium", "plotly")
            }
            rows: dict[str, list[Json]] = {name: [] for name in addresses}
            # In turn, so that a busy minute of the machine is nobody's alone.
            for _ in range(runs):
                for name, url in addresses.items():
                    rows[name].append(_opened(url))
        return [
            {"map": name, "kb_on_disk": _disk(root / name), **_middle(found)}
            for name, found in rows.items()
        ]


# ---- the rivals' pages ----


def last_level(book: Edition, tolerance: float = 0.0) -> tuple[gpd.GeoDataFrame, str]:
    """Code, name, value and shape of every leaf by the first measure that all of them have, in its
    last period; and the query that shows the same in ours.

    Parameters
    ----------
    tolerance : metres by which shapes are simplified; 0 leaves them as they are.
    """
    leaf = book.levels[-1].id
    for one in book.measures:
        if one.leaves is not Base.VILLAGES or not book.shows(one.id, leaf):
            continue
        for name in reversed(one.rounds):
            if book.has(one.id, name):
                shapes, regions = book.geometry(leaf, tolerance), book.regions(leaf)
                columns = {
                    "code": regions["code"].astype(str).to_numpy(),
                    "name": regions["name"].astype(str).to_numpy(),
                    "value": book.values(one.id, name, leaf).value[-1],
                }
                frame = gpd.GeoDataFrame(
                    columns, geometry=shapes.geometry.to_numpy(), crs=shapes.crs
                )
                asked = {"level": leaf, "measure": one.id, "round": name}
                return frame, urlencode(asked)
    raise ValueError("no measure of all leaves is published")


def write_folium(folder: Path, frame: gpd.GeoDataFrame) -> Path:
    """A `folium.Choropleth` with the names in tooltips, as its user guide makes one."""
    folder.mkdir(parents=True)
    west, south, east, north = frame.total_bounds
    page = folium.Map(tiles=None)
    layer = folium.Choropleth(
        geo_data=frame[["code", "name", "geometry"]].to_json(),
        data=pd.DataFrame(frame[["code", "value"]]),
        columns=["code", "value"],
        key_on="feature.properties.code",
        fill_color="YlGn",
        fill_opacity=0.7,
        line_opacity=0.2,
    )
    layer.add_to(page)
    for name in [one for one in layer._children if one.startswith("color_map")]:
        del layer._children[name]  # the legend asks another host for d3
    folium.GeoJsonTooltip(["name"]).add_to(layer.geojson)
    page.fit_bounds([[south, west], [north, east]])
    page.default_js, page.default_css = [], []
    head = f"<style>{leaflet_source('leaflet.css')}</style>"
    head += f"<script>{leaflet_source('leaflet.js')}</script></head>"
    text = page.get_root().render().replace("</head>", head, 1)
    path = folder / "index.html"
    path.write_text(text.replace("</html>", f"<script>{_FOLIUM_READY}</script></html>"), "utf-8")
    return path


def write_plotly(folder: Path, frame: gpd.GeoDataFrame) -> Path:
    """A `px.choropleth_map` written by `write_html`, plotly.js included."""
    folder.mkdir(parents=True)
    west, south, east, north = frame.total_bounds
    figure = px.choropleth_map(
        pd.DataFrame(frame[["code", "name", "value"]]),
        geojson=json.loads(frame[["code", "geometry"]].to_json()),
        locations="code",
        featureidkey="properties.code",
        color="value",
        hover_name="name",
        map_style="white-bg",
        center={"lon": (west + east) / 2, "lat": (south + north) / 2},
        zoom=float(np.log2(360 / max(east - west, north - south))),
    )
    path = folder / "index.html"
    figure.write_html(path, include_plotlyjs=True, post_script=_PLOTLY_READY)
    return path


# ---- what they cost ----


def _disk(folder: Path) -> int:
    return round(sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1000)


def _opened(url: str) -> Json:
    """One map in a browser of its own."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
        try:
            return _cost(browser, browser.new_page(viewport=VIEWPORT), url)
        except TimeoutError:
            return {"first_map_ms": None}
        finally:
            browser.close()


def _cost(browser: Browser, page: Page, url: str) -> Json:
    wire = unpacked = requests = 0
    foreign: set[str] = set()

    def arrived(event: Json) -> None:
        nonlocal wire, requests
        wire += int(event["encodedDataLength"])
        requests += 1

    def read(event: Json) -> None:
        nonlocal unpacked
        unpacked += int(event["dataLength"])

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", arrived)
    session.on("Network.dataReceived", read)
    page.on("request", lambda one: foreign.add(one.url))
    page.set_default_timeout(WAIT_MS)
    page.goto(url, wait_until="commit", timeout=WAIT_MS)
    page.wait_for_function(_READY, timeout=WAIT_MS)
    told = {
        "kb_unpacked": round(unpacked / 1000),
        "kb_until_first_map": round(wire / 1000),
        "requests_until_first_map": requests,
    }
    others = [one for one in foreign if one.startswith("http") and "//127.0.0.1:" not in one]
    if others:
        raise RuntimeError(f"asked of another host: {others[0]}")
    first = page.evaluate(_AT)
    page.wait_for_timeout(REST_MS)
    paints = page.evaluate(_PAINTS)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")
    held = heap["usedSize"] + heap.get("backingStorageSize", 0)
    return {
        **told,
        "first_paint_ms": round(paints[0]) if paints else None,
        # A page may say that it is done before its first picture is there.
        "first_map_ms": round(max(first, *paints)),
        "heap_mb": round(held / 1e6, 1),
        "renderer_mb": _renderer(browser),
    }


def _renderer(browser: Browser) -> int | None:
    """MB that the largest page process holds, shared pages by halves; None where /proc is not."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    sizes = []
    for one in found["processInfo"]:
        if one["type"] == "renderer":
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{one['id']}/smaps_rollup").read_text("ascii")
                (line,) = (line for line in text.splitlines() if line.startswith("Pss:"))
                sizes.append(int(line.split()[1]))
    return round(max(sizes) / 1000) if sizes else None


def _middle(runs: list[Json]) -> Json:
    """Medians, by what each run tells."""
    told = [run for run in runs if run.get("first_map_ms") is not None]
    if not told:
        return {"first_map_ms": None}
    found: Json = {}
    for name in told[0]:
        numbers = [run[name] for run in told if run[name] is not None]
        found[name] = statistics.median(numbers) if numbers else None
    return found


def main() -> None:
    """`python -m dashboard.bench.bundles DIR [RUNS]`: this benchmark alone, as JSON lines."""
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    for row in measure(Path(sys.argv[1]), runs):
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
