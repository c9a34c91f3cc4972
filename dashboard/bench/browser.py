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

from playwright.sync_api import Page, TimeoutError, ViewportSize, sync_playwright

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
WAIT_MS = 240_000
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}

_OURS_READY = """() => window.bangfu && window.bangfu.painted
  && window.bangfu.map && window.bangfu.map.loaded()"""
_OURS_SETUP = """() => {
  const map = window.bangfu.map;
  window.benchIdle = () => new Promise(done => map.once('idle', done));
  window.benchRepaint = () => map.triggerRepaint();
  window.benchRecolour = k => { window.bangfu.shuffle(k); };
}"""

# A message to itself, again and again: what it waits for, the main thread was blocked by.
_TIMED = """async ([what, turn]) => {
  const beat = new MessageChannel();
  let last = performance.now(), blocked = 0, on = true;
  beat.port1.onmessage = () => {
    const now = performance.now();
    if (now - last > 4) blocked += now - last;
    last = now;
    if (on) beat.port2.postMessage(0);
  };
  beat.port2.postMessage(0);
  await new Promise(done => setTimeout(done, 100));
  blocked = 0;
  const idle = window.benchIdle();
  const start = performance.now();
  window[what](turn);
  const call = performance.now() - start;
  await idle;
  const total = performance.now() - start;
  await new Promise(done => setTimeout(done, 20));
  on = false;
  return {call_ms: call, blocked_ms: blocked, idle_ms: total};
}"""


@dataclass(frozen=True)
class Subject:
    """One map to open: its address, how to tell that it is there, and what to run then."""

    name: str
    url: str
    ready: str
    setup: str


def ours(url: str) -> Subject:
    """The portal at `url`."""
    return Subject("bangfu", url, _OURS_READY, _OURS_SETUP)


def rival(name: str, url: str) -> Subject:
    """A page of `bench.rivals`."""
    return Subject(name, url, "() => window.benchReady", "() => null")


def measure(subjects: list[Subject], chromium: str | None = None) -> list[dict[str, Any]]:
    """Open each subject in a fresh browser.

    Returns
    -------
    list of dict : kB as they came over the wire and ms until the first coloured map, then what a
        recolouring of every polygon takes (see `_timed`).
    """
    binary = chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    rows = []
    with sync_playwright() as driver:
        for subject in subjects:
            browser = driver.chromium.launch(executable_path=binary, args=CHROMIUM_FLAGS)
            try:
                page = browser.new_page(viewport=VIEWPORT)
                rows.append(_one(page, subject))
            except TimeoutError:
                # A page that never comes is a result, too: its row says only its name.
                rows.append({"map": subject.name, "first_map_ms": None})
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
    page.evaluate(subject.setup)
    recolour = _timed(page, "benchRecolour")
    repaint = _timed(page, "benchRepaint")
    return {
        "map": subject.name,
        "kb_until_first_map": round(until_map / 1000),
        "requests_until_first_map": until_requests,
        "first_map_ms": round(first),
        "recolour_call_ms": recolour["call_ms"],
        "recolour_blocked_ms": recolour["blocked_ms"],
        "repaint_blocked_ms": repaint["blocked_ms"],
        "recolour_idle_ms": recolour["idle_ms"],
    }


def _timed(page: Page, what: str) -> dict[str, float]:
    """Medians over `RECOLOURS` runs of `window[what]`, after one to warm up.

    `call_ms`: until the call returns. `blocked_ms`: how long, until the map is idle, nothing else
    got the main thread (pieces over 4 ms); painting is in it, so a repaint of the same picture is
    measured beside. `idle_ms`: until the map is idle.
    """
    runs = [page.evaluate(_TIMED, [what, turn]) for turn in range(RECOLOURS + 1)][1:]
    return {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}


def first_callback(url: str, chromium: str | None = None) -> tuple[str, bytes]:
    """Path and body of the callback that the portal sends when a reader drills down.

    Recorded from a real click on the first region of the ranked list, whose code the body names.
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
                page.locator(".ranking tbody tr :is(a, button)").first.click(timeout=20_000)
            request = caught.value
            return "/" + request.url.split("/", 3)[3], request.post_data_buffer or b""
        finally:
            browser.close()


@functools.lru_cache(maxsize=64)
def _packed(path: Path, changed: int) -> bytes:
    """A file gzipped, once: no reader of a real server waits for that."""
    return gzip.compress(path.read_bytes(), 6)


class _Gzipped(http.server.SimpleHTTPRequestHandler):
    """Serves a folder's files gzipped, as any server in front of the rivals would."""

    def do_GET(self) -> None:
        """Answer with the file, compressed."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = _packed(path, path.stat().st_mtime_ns)
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
