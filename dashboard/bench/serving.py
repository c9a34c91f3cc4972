"""Requests a second and waiting times of the real server, from this machine to itself."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLIENTS = 8
LOADED_REQUESTS = 1600
QUIET_REQUESTS = 200
START_SECONDS = 60


@dataclass(frozen=True)
class Ask:
    """One kind of request: a path, or a path with JSON bodies that are posted in turn."""

    name: str
    path: str
    bodies: tuple[bytes, ...] = ()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, workers: int = 2, **variables: str) -> Iterator[int]:
    """Run `bangfu serve` on a free loopback port; yields the port and ends the server after.

    Anybody may read, for what is measured is the reading; `variables` say otherwise.
    """
    port = free_port()
    command = [sys.executable, "-m", "dashboard.cli", "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "BANGFU_ACCESS": "open", **variables},
    )
    try:
        for _ in range(START_SECONDS * 5):
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            try:
                if _once(port, Ask("health", "/healthz")) < 60:
                    break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(40)  # longer than it waits for answers that are under way


def measure(port: int, asks: list[Ask]) -> list[dict[str, object]]:
    """For each kind of request: p50/p99 one at a time, then requests/s and p99 under load.

    An ask with several bodies posts them in turn, so that what a server remembers of one region
    doesn't pass for the speed of drilling into another.

    Bounded: `QUIET_REQUESTS` one after the other, then `LOADED_REQUESTS` over `CLIENTS`
    connections; only to 127.0.0.1. Times in milliseconds.
    """
    rows: list[dict[str, object]] = []
    for ask in asks:
        for turn in range(10):
            _once(port, ask, turn)
        quiet = _series(port, ask, QUIET_REQUESTS)
        loaded, seconds = _load(port, ask)
        rows.append(
            {
                "request": ask.name,
                "p50_ms": round(float(np.percentile(quiet, 50)), 2),
                "p99_ms": round(float(np.percentile(quiet, 99)), 2),
                "per_second": round(len(loaded) / seconds),
                "loaded_p99_ms": round(float(np.percentile(loaded, 99)), 1),
            }
        )
    return rows


def _once(port: int, ask: Ask, turn: int = 0) -> float:
    """Seconds that one request takes on a connection of its own."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        _send(connection, ask, turn)
    finally:
        connection.close()
    return time.perf_counter() - start


def _send(connection: http.client.HTTPConnection, ask: Ask, turn: int) -> None:
    headers = {"Accept-Encoding": "gzip"}
    body = None
    if ask.bodies:
        body = ask.bodies[turn % len(ask.bodies)]
        headers["Content-Type"] = "application/json"
        headers["Origin"] = f"http://127.0.0.1:{connection.port}"
    connection.request("POST" if ask.bodies else "GET", ask.path, body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{ask.name}: {answer.status} for {ask.path}")


def _series(port: int, ask: Ask, count: int, first: int = 0) -> list[float]:
    """Milliseconds of `count` requests, one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times = []
    try:
        for turn in range(count):
            start = time.perf_counter()
            _send(connection, ask, first + turn)
            times.append((time.perf_counter() - start) * 1000)
    finally:
        connection.close()
    return times


def _load(port: int, ask: Ask) -> tuple[list[float], float]:
    """Milliseconds of each request under load, and the seconds that all took."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]

    def client(slot: int) -> None:
        times[slot] = _series(port, ask, LOADED_REQUESTS // CLIENTS, slot * 37)

    threads = [threading.Thread(target=client, args=(slot,)) for slot in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [value for slot in times for value in slot], time.perf_counter() - start
