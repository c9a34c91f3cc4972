"""gunicorn as it really runs: several workers, a new edition without a restart, a quiet end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from dashboard.settings import Settings
from dashboard.wsgi import configuration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path, folder: Path) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    """A workspace of our own, its address, and the process that serves it."""
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "serve", str(own), "--port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("BANGFU_")},
            "BANGFU_ACCESS": "open",
        },
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            try:
                health(address)
                break
            except OSError:
                time.sleep(0.1)
        yield own, address, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def health(address: str) -> dict[str, str]:
    with urlopen(f"{address}/healthz", timeout=5) as answer:
        return dict(json.load(answer))


def page(address: str) -> str:
    with urlopen(f"{address}/", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.server
def test_workers_take_up_a_new_edition_and_stop_when_told(
    served: tuple[Path, str, subprocess.Popen[str]], another: Callable[[Path, str], str]
) -> None:
    own, address, process = served
    first = health(address)["edition"]
    second = another(own, "第二版")
    assert second != first
    until = time.monotonic() + 10
    # All eight answers may come from one worker while the other has looked a moment before.
    while "第二版" not in page(address) or any(
        health(address)["edition"] != second for _ in range(8)
    ):
        assert time.monotonic() < until, "every worker within ten seconds"
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_each_worker_makes_an_app_of_its_own() -> None:
    found = configuration(Settings(workers=3, host="::1", port=9000))
    assert found["workers"] == 3
    assert found["preload_app"] is False
    assert found["worker_class"] == "gthread"
    assert found["bind"] == "[::1]:9000"
    assert found["accesslog"] is None
