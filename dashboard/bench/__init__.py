"""`bangfu bench`: this map beside plotly's and folium's, the build and the server, measured."""

from __future__ import annotations

import math
import os
import platform
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import shapely

from dashboard.bench import (
    animation,
    blocking,
    browser,
    building,
    bundles,
    deciding,
    disclosure,
    proposing,
    public,
    rivals,
    serving,
)
from geodata.edition import Edition
from geodata.progress import SILENT, Progress
from geodata.vocabulary import Base, Status
from geodata.words import say

RIVAL_VERTICES = 500_000
"""What the rivals' pages are given at most, simplified as a coverage; in their favour."""


def run(sizes: tuple[int, ...] = (3520, 35200), progress: Progress = SILENT) -> dict[str, Any]:
    """Run every benchmark for worlds of these sizes.

    Returns
    -------
    dict : `machine`, and a list each of `building` (a world's demo and build), `maps`,
        `animation`, `requests`, `proposals`, `decisions`, `disclosure`, `public`,
        `bundles` and `blocking` rows; JSON-able. Takes minutes; needs Chromium and playwright.
    """
    report: dict[str, Any] = {"machine": _machine()}
    report |= {name: [] for name in ("building", "maps", "animation", "requests")}
    report |= {name: [] for name in ("proposals", "decisions", "disclosure")}
    report |= {name: [] for name in ("public", "bundles", "blocking")}
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-") as scratch:
        for size in sizes:
            folder = Path(scratch) / f"world-{size}"
            with progress.step(say("bench.do.building", villages=size)):
                report["building"] += building.measure(folder, size)
            edition = Edition.open(folder)
            with progress.step(say("bench.do.rivals", villages=size)):
                pages = _write_rivals(Path(scratch) / f"pages-{size}", edition)
            if size == sizes[0]:
                with progress.step(say("bench.do.proposals", villages=size)):
                    report["proposals"] = proposing.measure(edition)
                with progress.step(say("bench.do.decisions", villages=size)):
                    report["decisions"] = deciding.measure(folder, edition)
                with progress.step(say("bench.do.disclosure", villages=size)):
                    report["disclosure"] = disclosure.measure(edition)
                with progress.step(say("bench.do.public", villages=size)):
                    report["public"] = public.measure(folder)
                with progress.step(say("bench.do.bundles", villages=size)):
                    report["bundles"] = bundles.measure(folder)
                with progress.step(say("bench.do.blocking", villages=size)):
                    report["blocking"] = blocking.measure(blocking.published(folder))
            with serving.served(folder) as port:
                portal = f"http://127.0.0.1:{port}/?{_leaf_view(edition)}"
                with (
                    progress.step(say("bench.do.maps", villages=size)),
                    browser.folder_served(pages) as address,
                ):
                    subjects = [
                        browser.ours(portal),
                        browser.rival("plotly", f"{address}/plotly/"),
                        browser.rival("folium", f"{address}/folium/"),
                    ]
                    rows = browser.measure(subjects)
                    report["maps"] += [{"villages": size, **row} for row in rows]
                with (
                    progress.step(say("bench.do.animation", villages=size)),
                    browser.folder_served(pages) as address,
                ):
                    moving = animation.subjects(
                        edition,
                        _moving_view(edition),
                        f"http://127.0.0.1:{port}/maps",
                        f"{address}/plotly/",
                    )
                    rows = animation.measure(moving)
                    report["animation"] += [{"villages": size, **row} for row in rows]
                with progress.step(say("bench.do.requests", villages=size)):
                    rows = serving.measure(port, _asks(edition, port))
                    report["requests"] += [{"villages": size, **row} for row in rows]
    return report


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "python": platform.python_version(),
        "drawing": "SwiftShader",
    }


def _write_rivals(folder: Path, edition: Edition) -> Path:
    shapes = edition.geometry(edition.levels[-1].id)
    # As the edition holds them, if a browser can take that: ten times as many shapes of 120
    # vertices made neither rival's page open within ten minutes.
    tolerance = edition.space.geometry.simplification_tolerance or 1.0
    while shapely.get_num_coordinates(shapes.geometry.to_numpy()).sum() > RIVAL_VERTICES:
        shapes = edition.geometry(edition.levels[-1].id, tolerance)
        tolerance *= 2
    rivals.write_plotly(folder / "plotly", shapes)
    rivals.write_folium(folder / "folium", shapes)
    return folder


def _leaf_view(edition: Edition) -> str:
    """A map with every leaf coloured, so that all three draw the same polygons."""
    leaf = edition.levels[-1].id
    for measure in edition.measures:
        if measure.leaves is Base.VILLAGES:
            for name in measure.rounds:
                if edition.has(measure.id, name):
                    return urlencode({"level": leaf, "measure": measure.id, "round": name})
    return urlencode({"level": leaf})


def _moving_view(edition: Edition) -> str:
    """The leaves, by the measure with the most months; of those one that somebody did not report,
    so that hatching is drawn, too.
    """
    leaf = edition.levels[-1].id

    def lacks(measure: str, name: str) -> bool:
        return bool((edition.values(measure, name, leaf).status == Status.MISSING).any())

    measure, name = max(
        (
            (measure.id, name)
            for measure in edition.measures
            for name in measure.rounds
            if edition.has(measure.id, name)
        ),
        key=lambda one: (len(edition.periods(*one)), lacks(*one)),
    )
    return urlencode({"level": leaf, "measure": measure, "round": name})


def _asks(edition: Edition, port: int) -> list[serving.Ask]:
    leaf = edition.levels[-1].id
    measure = edition.space.default_measure or edition.measures[0].id
    name = next(item.id for item in reversed(edition.rounds) if edition.has(measure, item.id))
    path, body = browser.first_callback(f"http://127.0.0.1:{port}/")
    zoom, column, row = _busiest_tile(edition)
    return [
        serving.Ask("page", "/"),
        serving.Ask("values", f"/data/{edition.id}/{name}/{measure}/{leaf}.bin"),
        serving.Ask("tile", f"/tiles/{edition.id}/{leaf}/{zoom}/{column}/{row}.pbf"),
        serving.Ask("drill-down", path, _every_town(edition, body)),
    ]


def _every_town(edition: Edition, body: bytes) -> tuple[bytes, ...]:
    """The recorded callback for up to 400 regions of the leaf's parent level, one body each."""
    known = {region.code.encode() for region in edition.children(edition.root.code)}
    clicked = next(code for code in known if code in body)
    towns = edition.regions(edition.levels[-2].id)["code"].head(400)
    return tuple(body.replace(clicked, town.encode()) for town in towns)


def _busiest_tile(edition: Edition) -> tuple[int, int, int]:
    """Zoom 9 tile under the label point of the middle leaf."""
    frame = edition.regions(edition.levels[-1].id)
    middle = frame.iloc[len(frame) // 2]
    zoom = 9
    latitude = math.radians(middle["lat"])
    row = (1 - math.asinh(math.tan(latitude)) / math.pi) / 2
    return zoom, int((middle["lon"] + 180) / 360 * 2**zoom), int(row * 2**zoom)
