"""A browser opens the bundle from a folder of any name, with no server code behind it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dashboard.bundle import budget
from tests.dashboard.bundles import Made, small, tiny

pytestmark = pytest.mark.browser

HOST = "http://bundle.test"
BELOW = f"{HOST}/column/of/a portal/"
PATIENCE_MS = 45_000
QUIET_MS = 1500


@dataclass
class Visit:
    """What a page asked for and complained of."""

    asked: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def visit(chromium: Any, folder: Path) -> Visit:
    """Open the bundle's map as a plain server of files gives it, until it is drawn and quiet."""
    seen = Visit()
    page = chromium.new_page(viewport={"width": 1280, "height": 800})

    def serve(route: Any) -> None:
        url = route.request.url.partition("?")[0].replace("%20", " ")
        path = url.removeprefix(BELOW)
        seen.asked.append(path)
        file = folder / path
        if url.startswith(BELOW) and file.is_file():
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            route.fulfill(status=200, body=file.read_bytes(), content_type=kind)
        else:
            seen.missing.append(url)
            route.fulfill(status=404, body="")

    try:
        page.route("**/*", serve)
        page.on("pageerror", lambda error: seen.troubles.append(str(error)))
        page.on(
            "console",
            lambda said: seen.troubles.append(said.text) if said.type == "error" else None,
        )
        page.goto(BELOW + "index.html")
        page.wait_for_function("() => window.bangfu && window.bangfu.painted", timeout=PATIENCE_MS)
        page.wait_for_timeout(QUIET_MS)
    finally:
        page.close()
    return seen


@pytest.mark.parametrize("make", [small, tiny], ids=["small", "tiny"])
def test_the_minified_map_runs_and_loads_what_the_budget_counts(chromium: Any, make: Any) -> None:
    made: Made = make()
    seen = visit(chromium, made.out)
    assert seen.troubles == [] and seen.missing == []
    tiles = {path for path in seen.asked if path.startswith("d/t/")}
    # The icon is the browser's wish, not the page's; it comes when all else is there.
    # Downloads and the like come when the first map stands: these are not counted either.
    late = {path for path in seen.asked if path.endswith(".ico") or path.startswith("a/later.")}
    others = set(seen.asked) - late - tiles
    first = dict(budget.first_map(made.manifest))
    assert others <= set(first), "the budget counts all that is loaded"
    # Panels make the map smaller than the screen that is counted, which may be a zoom less.
    counted = {path for path in first if path.startswith("d/t/")}
    assert tiles and len(tiles) <= len(counted)

    def sizes(paths: set[str]) -> int:
        return sum(made.manifest.files[path].size for path in paths)

    spent = sum(first[path] for path in others) + sizes(tiles)
    assert spent < budget.FIRST_MAP
