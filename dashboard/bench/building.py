"""Demo, check and build in a process of their own: seconds and peak memory, step by step."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geodata.build
import geodata.demo
from geodata.words import say


@dataclass
class Stopwatch:
    """A `Progress` that notes each step's seconds and the process's peak memory after it."""

    rows: list[dict[str, object]] = field(default_factory=list)

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Time one step."""
        start = time.perf_counter()
        yield _ignore
        self.rows.append(
            {
                "step": label,
                "seconds": round(time.perf_counter() - start, 2),
                "peak_mb": _peak_mb(),
            }
        )


def _ignore(advance: int) -> None:
    """How far a step is does not matter here."""


def _demo(folder: Path, villages: int, result: Path) -> None:
    watch = Stopwatch()
    start = time.perf_counter()
    geodata.demo.write(folder, villages=villages, progress=watch)
    _report(watch, start, result)


def _build(folder: Path, villages: int, result: Path) -> None:
    watch = Stopwatch()
    start = time.perf_counter()
    geodata.build.build(folder, watch)
    _report(watch, start, result)


def _peak_mb() -> int:
    """Peak resident memory of this process in MB.

    From /proc, because getrusage's maximum survives exec and would count the parent's.
    """
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024)
    raise RuntimeError("/proc/self/status has no VmHWM: the benchmark needs Linux")


def _report(watch: Stopwatch, start: float, result: Path) -> None:
    report = {
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mb": _peak_mb(),
        "steps": watch.rows,
    }
    result.write_text(json.dumps(report, ensure_ascii=False), "utf-8")


def measure(folder: Path, villages: int) -> list[dict[str, Any]]:
    """Write a demo of so many villages into `folder` and build it; each in a fresh process.

    Returns
    -------
    list of dict : a row a step and one for the whole, with seconds and the process's peak MB so
        far; the build reads and checks first, so its whole is check and build together.
    """
    rows: list[dict[str, Any]] = []
    context = multiprocessing.get_context("spawn")
    for name, work in (("demo", _demo), ("build", _build)):
        result = folder.with_name(f"{folder.name}-{name}.json")
        process = context.Process(target=work, args=(folder, villages, result))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"{name} of {villages} villages ended with {process.exitcode}")
        report = json.loads(result.read_text("utf-8"))
        whole = {"step": say("bench.whole")}
        whole |= {key: report[key] for key in ("seconds", "peak_mb")}
        word = say(f"bench.work_{name}")
        rows += [{"villages": villages, "work": word, **row} for row in (*report["steps"], whole)]
    return rows
