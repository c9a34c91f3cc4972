"""The process that solves proposals: told a folder, it does what waits there, and leaves.

It reads no edition and no ledger: the server wrote the whole problem down, so that it is quick to
come up and holds no secret.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any

from pydantic import TypeAdapter

from dashboard.errands import Taken, write
from geodata import jobs
from geodata.errors import AtlasError
from geodata.explained import cost_of_next, explain
from geodata.jobs import Job
from geodata.progress import Progress
from geodata.proposals import Problem, Solution, next_best, solve
from geodata.words import say

log = logging.getLogger(__name__)

Json = dict[str, Any]

LONGEST = 180
"""Seconds for one proposal; what takes longer hangs, and would keep all others waiting."""

LOOK = 0.3
"""Seconds after which a job is looked at again: is it still wanted?"""

_problems, _solutions = TypeAdapter(Problem), TypeAdapter(Solution)


def problem_path(folder: Path, identifier: str) -> Path:
    """Where the problem of a job is written down."""
    return folder / f"{identifier}.problem.json"


def result_path(folder: Path, identifier: str) -> Path:
    """Where what came of a job is kept."""
    return folder / f"{identifier}.result.json"


def as_bytes(thing: Problem | Solution | Json) -> bytes:
    """A problem, a solution or a result as JSON."""
    held = thing if isinstance(thing, dict) else asdict(thing)
    return json.dumps(held, ensure_ascii=False).encode()


def problem_of(content: bytes) -> Problem:
    """What `as_bytes` made of a problem."""
    return _problems.validate_python(json.loads(content))


def solution_of(held: Json) -> Solution:
    """The solution in a result."""
    return _solutions.validate_python(held)


class Told:
    """A `Progress` that tells the record of jobs how many steps are done."""

    def __init__(self, tell: Callable[[int, int, str], None]) -> None:
        self._tell = tell

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A step of the solution."""
        done = 0
        self._tell(0, total or 1, label)

        def advance(units: int = 1) -> None:
            nonlocal done
            done = min(total or 1, done + units)
            self._tell(done, total or 1, label)

        yield advance


def work(folder: Path, leave: Callable[[int], object] = os._exit) -> None:
    """Do all that waits, one after the other.

    Parameters
    ----------
    leave : ends the process, when a job is withdrawn: a solver cannot be interrupted otherwise. The
        next look at what waits begins a new one.

    Whoever calls this holds the machine's lock: a job that still counts as worked on was lost.
    """
    jobs.recover(folder, lambda job: True, say("propose.job.died"))
    while (job := jobs.claim(folder, os.getpid())) is not None:
        signal.alarm(LONGEST)
        try:
            with _watched(folder, job, leave):
                _do(folder, job)
        finally:
            signal.alarm(0)


@contextmanager
def _watched(folder: Path, job: Job, leave: Callable[[int], object]) -> Iterator[None]:
    """Leave as soon as a job is no longer this process's."""
    done = Event()

    def watch() -> None:
        while not done.wait(LOOK):
            with contextlib.suppress(jobs.JobError):  # the next look may succeed
                now = jobs.find(folder, job.id)
                if not done.is_set() and (now is None or (now.pid, now.tries) != _turn(job)):
                    leave(0)
                    return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _turn(job: Job) -> tuple[int, int]:
    return job.pid, job.tries


def _do(folder: Path, job: Job) -> None:
    def tell(done: int, total: int, label: str) -> None:
        if not jobs.report(folder, job, done, total, label):
            raise Taken

    try:
        result = solved(folder, job, Told(tell))
        write(result_path(folder, job.id), as_bytes(result))
    except Taken:
        return
    except AtlasError as error:
        jobs.fail(folder, job, str(error))
    except Exception:
        log.exception("proposal %s", job.id)
        jobs.fail(folder, job, say("propose.job.failed"))
    else:
        jobs.finish(folder, job)


def solved(folder: Path, job: Job, progress: Progress) -> Json:
    """What comes of a job: `told` for people, `solution` for who accepts it."""
    of = str(job.request.get("of") or job.id)
    problem = problem_of(problem_path(folder, of).read_bytes())
    began = time.perf_counter()
    if job.request["what"] == "next":
        before = json.loads(result_path(folder, of).read_bytes())
        with progress.step(say("propose.step.solve"), 1) as advance:
            other = next_best(
                problem,
                solution_of(before["solution"]),
                str(job.request["village"]),
                str(job.request["member"]),
            )
            advance(1)
        return {"told": cost_of_next(problem, other), "solution": asdict(other.solution)}
    solution = solve(problem, progress=progress)
    told = explain(problem, solution)
    told["seconds"] = round(time.perf_counter() - began, 2)
    return {"told": told, "solution": asdict(solution)}


def main() -> None:
    """Do what waits in the folder that stdin names."""
    os.nice(5)  # screens come first, but somebody waits for this
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    work(Path(json.load(sys.stdin)["folder"]))


if __name__ == "__main__":
    main()
