"""One Chromium a session, one server with the small world, and pages that must stay silent."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from geodata.edition import Edition

if TYPE_CHECKING:
    from tests.browser.contact_real import Real

playwright = pytest.importorskip("playwright.sync_api")

PATIENCE_MS = 45_000
"""Software GL on a busy machine; what is there sooner is not waited for."""

QUIET_MS = 1500
"""A page that asks for nothing for so long has everything."""

ASK_MS = 40
"""How often a page is asked for what a test waits for. Playwright's default, at every frame, makes
frames that nobody else wants."""

READY = "() => window.bangfu && window.bangfu.painted && window.bangfu.map"


BROWSERS = (
    "chromium-headless-shell",  # the same engine without a window's frame: a third less work
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)

SOFTWARE = ("--disable-gpu-rasterization", "--disable-gpu-compositing")
"""There is no GPU: letters and layers are drawn sooner by the processor itself than by a GPU that
the processor plays. Maps are drawn by WebGL either way."""

READBACK = "GPU stall due to ReadPixels"
"""What the driver says of a map that goes to a page composed so; it is not the page's."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a browser test that fails once more, and tell of it in the summary (`RERUN`).

    Seconds pass between a click and its picture while software draws for two browsers on two
    cores. What is really broken fails twice.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def chromium_path() -> str | None:
    """The system's Chromium, or None."""
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running Chromium; without one the tests are skipped, in CI they fail."""
    path = chromium_path()
    if path is None:
        text = "no Chromium: install it with `apt-get install chromium fonts-noto-cjk`"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(text)
        pytest.skip(text)
    # Here, since the benchmarks need playwright, which may be missing.
    from dashboard.bench.browser import CHROMIUM_FLAGS

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *SOFTWARE])
        yield browser
        browser.close()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve a WSGI app on a free loopback port, many requests at once; yields its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # A browser keeps connections open; they must not hold up the end of the tests.
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose current edition is the small world; nobody changes it."""
    from tests.worlds import build_small

    folder = tmp_path_factory.mktemp("browser")
    build_small(folder)
    return folder


@pytest.fixture(scope="session")
def ruled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world with rules of picking (`contact_real.RULES`); nobody changes it."""
    from tests.browser.contact_real import RULES
    from tests.worlds import build_small

    folder = tmp_path_factory.mktemp("ruled")
    build_small(folder, **RULES)
    return folder


@pytest.fixture
def real(ruled_folder: Path, tmp_path: Path) -> Iterator[Real]:
    """The real app over a copy of `ruled_folder`, with a ledger and people who are signed in."""
    from tests.browser.contact_real import real_server

    with real_server(ruled_folder, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def small_edition(small_folder: Path) -> Edition:
    """The edition that `served` serves."""
    return Edition.open(small_folder)


@pytest.fixture(scope="session")
def served(small_folder: Path) -> Iterator[str]:
    """Address of the real app over the small world."""
    from dashboard.app import create_app
    from dashboard.settings import Settings

    app = create_app(Settings(workspace=small_folder, access="open"))
    with serving(app.server) as address:
        yield address


@dataclass
class Watched:
    """A page with everything it asked for and said."""

    page: Any
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def ready(self, condition: str = READY) -> None:
        """Wait until the map is painted, or `condition` holds."""
        self.page.wait_for_function(condition, timeout=PATIENCE_MS)

    def settle(self) -> None:
        """Wait until what loads after the map is there, and forget what was asked so far."""
        before = -1
        while before != len(self.asked):
            before = len(self.asked)
            self.page.wait_for_timeout(QUIET_MS)
        self.requests.clear()

    def hear(self, text: str) -> None:
        """Keep what the page says."""
        if READBACK not in text:
            self.said.append(text)

    @property
    def asked(self) -> list[str]:
        """What the page asked for; but for the poll for a new edition and the browser's icon."""
        quiet = ("/healthz", "favicon.ico")
        return [url for url in self.requests if not urlsplit(url).path.endswith(quiet)]

    def painted(self, **wanted: object) -> dict[str, Any]:
        """Wait until the map shows `wanted` (region, level, period, ...); what it shows."""
        self.page.wait_for_function(
            """wanted => window.bangfu && window.bangfu.painted
              && Object.keys(wanted).every(key => window.bangfu.painted[key] === wanted[key])""",
            arg=wanted,
            timeout=PATIENCE_MS,
        )
        return dict(self.page.evaluate("() => window.bangfu.painted"))


@pytest.fixture
def motion() -> str:
    """Whether maps fly and scenes glide; files that are about motion say "no-preference"."""
    return "reduce"


@pytest.fixture
def visit(chromium: Any, motion: str) -> Iterator[Callable[..., Watched]]:
    """Opens pages: `visit(url, width=..., height=..., **context)`; closed at the end.

    What a page says in its console, and errors that nobody caught, are in `said`; a test fails
    when there is anything at the end, unless it emptied the list.
    """
    with ExitStack() as stack:
        opened: list[Watched] = []

        def open_page(url: str, width: int = 1280, height: int = 800, **context: Any) -> Watched:
            context.setdefault("reduced_motion", motion)
            place = chromium.new_context(viewport={"width": width, "height": height}, **context)
            stack.callback(place.close)
            watched = Watched(place.new_page())
            watched.page.set_default_timeout(PATIENCE_MS)
            watched.page.wait_for_function = partial(watched.page.wait_for_function, polling=ASK_MS)
            watched.page.on("request", lambda request: watched.requests.append(request.url))
            watched.page.on("console", lambda message: watched.hear(message.text))
            watched.page.on("pageerror", lambda error: watched.said.append(str(error)))
            opened.append(watched)
            watched.page.goto(url)
            return watched

        yield open_page
        for watched in opened:
            assert watched.said == []
