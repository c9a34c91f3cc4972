"""How long the public map keeps its reader from doing anything: blocking time, drawing excluded.

Counted is the main thread's own processor time, from a trace: what the software GL of this machine
draws is drawn by another process, and what other programs take of the processor is theirs. A
slower machine's tasks are the same ones, so many times as long, as Lighthouse reckons.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from dashboard.bench.browser import CHROMIUM_FLAGS, VIEWPORT, WAIT_MS, folder_served
from geodata.edition import CURRENT, PUBLIC

RUNS = 5
SLOWER = (1, 4)
"""How many times slower than this machine the reader's is: a desktop, and Lighthouse's phone."""

LONG_MS = 50.0
"""A task under this keeps nobody waiting; of a longer one what is above it does (web.dev, TBT)."""

REST_MS = 2000
"""After the first map the rest of the scripts comes: all that runs so soon is counted, too."""

CATEGORIES = ["toplevel", "loading", "blink.user_timing", "__metadata"]
TASK, CONTENT, FIRST_MAP = "ThreadControllerImpl::RunTask", "firstContentfulPaint", "first-map"

_MARK = """window.addEventListener(
  "bangfu-painted", () => performance.mark("first-map"), { once: true });"""

Json = dict[str, Any]
Task = tuple[float, float]
"""When it began and what it took of the processor, ms."""


def blocked(tasks: Sequence[Task], slower: float, start: float, end: float) -> float:
    """Blocking time, ms: of each task begun in [`start`, `end`) what is above 50 ms.

    Each takes `slower` times as long.
    """
    return sum(max(0.0, took * slower - LONG_MS) for began, took in tasks if start <= began < end)


def tasks_of(events: Sequence[Json]) -> tuple[list[Task], float, float]:
    """Tasks of the page that drew a map; and when its first content and that map were there."""
    page = next(one["pid"] for one in events if one["name"] == FIRST_MAP)
    here = [one for one in events if one["pid"] == page]
    main = next(
        one["tid"]
        for one in here
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    )
    tasks = [
        (one["ts"] / 1000, one["tdur"] / 1000)
        for one in here
        if one["name"] == TASK and one["tid"] == main and "tdur" in one
    ]

    def at(name: str) -> float:
        return max(one["ts"] / 1000 for one in here if one["name"] == name)

    return tasks, at(CONTENT), at(FIRST_MAP)


def measure(site: Path, chromium: str | None = None, *, runs: int = RUNS) -> list[Json]:
    """Blocking time of a written bundle's first map, on this machine and on slower ones.

    Returns
    -------
    Rows `slower` (times), then medians: `blocked_ms` from first content to the first map,
    `blocked_whole_ms` from the beginning until the page rests with all its scripts, and
    `longest_task_ms`.
    """
    binary = chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    with folder_served(site) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
        try:
            _once(browser, address)  # what is read from disk once is there for all that follow
            found = [_once(browser, address) for _ in range(runs)]
        finally:
            browser.close()

    def middle(values: list[float]) -> int:
        return round(statistics.median(values))

    return [
        {
            "slower": slower,
            "blocked_ms": middle([blocked(one[0], slower, one[1], one[2]) for one in found]),
            "blocked_whole_ms": middle(
                [blocked(one[0], slower, 0.0, float("inf")) for one in found]
            ),
            "longest_task_ms": middle([slower * max(took for _, took in one[0]) for one in found]),
        }
        for slower in SLOWER
    ]


def _once(browser: Browser, address: str) -> tuple[list[Task], float, float]:
    """One first visit, nothing kept from another."""
    context = browser.new_context(viewport=VIEWPORT)
    try:
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(_MARK)
        browser.start_tracing(page=page, categories=CATEGORIES)
        page.goto(f"{address}/index.html", wait_until="commit")
        page.wait_for_function("() => window.bangfu && window.bangfu.painted")
        page.wait_for_function("() => window.bangfu.public.take")
        page.wait_for_timeout(REST_MS)
        trace = json.loads(browser.stop_tracing())
    finally:
        context.close()
    return tasks_of(trace["traceEvents"])


def published(folder: Path) -> Path:
    """The site that was last published from a workspace."""
    home = folder / PUBLIC
    return home / (home / CURRENT).read_text("ascii").strip() / "site"


def main() -> None:
    """`python -m dashboard.bench.blocking DIR`: this benchmark alone, as JSON lines."""
    for row in measure(published(Path(sys.argv[1]))):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
