"""Three maps of the same polygons in one Chromium: bytes, first map, recolour."""

from __future__ import annotations

import functools
import gzip
import http.server
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright

CHROMIUM_FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RECOLOURS = 7
WAIT_MS = 600_000
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}

_OURS_READY = """() => window.bangfu && window.bangfu.painted
  && window.bangfu.map && window.bangfu.map.loaded()"""
_OURS_RECOLOUR = """async k => {
  const map = window.bangfu.map;
  const idle = new Promise(done => map.once('idle', done));
  const start = performance.now();
  const { n } = window.bangfu.shuffle(k);
  const script = performance.now() - start;
  await idle;
  return {script_ms: script, idle_ms: performance.now() - start, n};
}"""


@dataclass(frozen=True)
class Subject:
    """One map to open: its address and how to tell that it is there, and to recolour it."""

    name: str
    url: str
    ready: str
    recolour: str


def ours(url: str) -> Subject:
    """The portal at `url`."""
    return Subject("bangfu", url, _OURS_READY, _OURS_RECOLOUR)


def rival(name: str, url: str) -> Subject:
    """A page of `bench.rivals`."""
    return Subject(name, url, "() => window.benchReady", "k => window.benchRecolour(k)")


def measure(subjects: list[Subject], chromium: str | None = None) -> list[dict[str, Any]]:
    """Open each subject in a fresh browser.

    Returns
    -------
    list of dict : kB as they came over the wire and ms until the first coloured map, then the
        median script time and time to idle of `RECOLOURS` recolourings, after one to warm up.
    """
    binary = chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    rows = []
    with sync_playwright() as driver:
        for subject in subjects:
            browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
            try:
                page = browser.new_page(viewport=VIEWPORT)
                rows.append(_one(page, subject))
            finally:
                browser.close()
    return rows


def _one(page: Page, subject: Subject) -> dict[str, Any]:
    received = 0
    requests = 0

    def arrived(event: dict[str, Any]) -> None:
        nonlocal received, requests
        received += int(event["encodedDataLength"])
        requests += 1

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", arrived)
    page.set_default_timeout(WAIT_MS)
    page.goto(subject.url, wait_until="commit", timeout=WAIT_MS)
    page.wait_for_function(subject.ready, timeout=WAIT_MS)
    first = page.evaluate(
        "() => (window.bangfu && window.bangfu.painted && window.bangfu.painted.at)"
        " || window.benchReady"
    )
    until_map, until_requests = received, requests
    # What loads after the first map (charts) must not disturb the recolouring.
    page.wait_for_timeout(3000)
    page.evaluate(subject.recolour, 0)
    runs = [page.evaluate(subject.recolour, turn + 1) for turn in range(RECOLOURS)]
    return {
        "map": subject.name,
        "kb_until_first_map": round(until_map / 1000),
        "requests_until_first_map": until_requests,
        "first_map_ms": round(first),
        "recolour_script_ms": round(statistics.median(r["script_ms"] for r in runs), 2),
        "recolour_idle_ms": round(statistics.median(r["idle_ms"] for r in runs), 1),
    }


def first_callback(url: str, chromium: str | None = None) -> tuple[str, bytes]:
    """Path and body of the callback that the portal sends when a reader drills down.

    Recorded from a real click on the first region of the ranked list.
    """
    binary = chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
        try:
            page = browser.new_page(viewport=VIEWPORT)
            page.set_default_timeout(WAIT_MS)
            page.goto(url)
            page.wait_for_function(_OURS_READY)
            page.wait_for_timeout(2000)
            with page.expect_request(lambda r: "_dash-update-component" in r.url) as caught:
                page.locator(".atlas-ranking tbody tr :is(a, button)").first.click()
            request = caught.value
            return "/" + request.url.split("/", 3)[3], request.post_data_buffer or b""
        finally:
            browser.close()


class _Gzipped(http.server.SimpleHTTPRequestHandler):
    """Serves a folder's files gzipped, as any server in front of the rivals would."""

    def do_GET(self) -> None:
        """Answer with the file, compressed."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def folder_served(folder: Path) -> Iterator[str]:
    """Serve `folder` on a free loopback port; yields its address."""
    handler = functools.partial(_Gzipped, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
