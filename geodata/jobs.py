"""Long work that somebody waits for: which jobs there are and how far they are.

It lives in `atlas.sqlite`, as the pointer to the current edition does, so that every process of a
workspace gives the same answer; a folder inside it may have a queue of its own. What a job makes,
and in which process, is no concern of this.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from geodata.errors import AtlasError
from geodata.state import FILE, may_write, opened
from geodata.words import say

MOST_TRIES = 2
"""How often a job is begun: once more after its process died, in case the machine was at fault."""

_COLUMNS = "id, request, status, done, total, label, error, pid, tries, asked_at, beat"

_TABLE = """
CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    label TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    asked_at REAL NOT NULL,
    beat REAL NOT NULL
) WITHOUT ROWID
"""


class JobError(AtlasError):
    """The record of jobs cannot be read or written."""

    http_status = 503


class Standing(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """One piece of work as it stood when it was read."""

    id: str
    request: dict[str, Any]
    """What is to be made; JSON-able, and all that the process that makes it is told."""
    status: Standing
    done: int
    total: int
    """Units of work; 0 when nobody knows yet."""
    label: str
    """What is being done, for people."""
    error: str
    """Why it failed, a sentence; empty otherwise."""
    pid: int
    """Process that works on it, or did last."""
    tries: int
    asked_at: float
    """Seconds since 1970."""
    beat: float
    """When its process last gave a sign of life, seconds since 1970."""


def ask(folder: Path, identifier: str, request: dict[str, Any], *, most: int) -> Job | None:
    """The job called `identifier`, put into the queue if it is not there; None: the queue is full.

    Whoever asks for the same gets the same job; one that failed is tried anew. At most `most`
    jobs wait.

    Raises
    ------
    JobError : when the record cannot be written.
    """
    now = time.time()
    with _writing(folder) as base:
        found = _one(base, identifier)
        if found is not None and found.status is not Standing.FAILED:
            return found
        waiting = base.execute(
            "SELECT count(*) FROM job WHERE status = ?", (Standing.WAITING,)
        ).fetchone()[0]
        if waiting >= most:
            return None
        base.execute(
            "INSERT OR REPLACE INTO job (id, request, status, asked_at, beat)"
            " VALUES (?, ?, ?, ?, ?)",
            (identifier, json.dumps(request, ensure_ascii=False), Standing.WAITING, now, now),
        )
        return _one(base, identifier)


def find(folder: Path, identifier: str) -> Job | None:
    """The job as it stands.

    Raises
    ------
    JobError : when the record cannot be read.
    """
    with _reading(folder) as base:
        return None if base is None else _one(base, identifier)


def unfinished(folder: Path) -> list[Job]:
    """Jobs that wait or are worked on, the longest waiting first."""
    with _reading(folder) as base:
        if base is None:
            return []
        rows = base.execute(
            f"SELECT {_COLUMNS} FROM job WHERE status IN (?, ?) ORDER BY asked_at, id",  # noqa: S608
            (Standing.WAITING, Standing.WORKING),
        )
        return [_job(row) for row in rows]


def latest(folder: Path, most: int) -> list[Job]:
    """The jobs that were asked for last, the newest first, however they stand."""
    with _reading(folder) as base:
        if base is None:
            return []
        rows = base.execute(
            f"SELECT {_COLUMNS} FROM job ORDER BY asked_at DESC, id LIMIT ?",  # noqa: S608
            (most,),
        )
        return [_job(row) for row in rows]


def claim(folder: Path, pid: int) -> Job | None:
    """Take the longest waiting job for the process `pid`; None when none waits."""
    with _writing(folder) as base:
        row = base.execute(
            "SELECT id FROM job WHERE status = ? ORDER BY asked_at, id LIMIT 1",
            (Standing.WAITING,),
        ).fetchone()
        if row is None:
            return None
        base.execute(
            "UPDATE job SET status = ?, pid = ?, tries = tries + 1, done = 0, label = '', beat = ?"
            " WHERE id = ?",
            (Standing.WORKING, pid, time.time(), row[0]),
        )
        return _one(base, row[0])


def report(folder: Path, job: Job, done: int, total: int, label: str) -> bool:
    """Say how far a claimed job is; False when it is no longer the caller's."""
    with _writing(folder) as base:
        changed = base.execute(
            f"UPDATE job SET done = max(done, ?), total = ?, label = ?, beat = ? WHERE {_MINE}",  # noqa: S608
            (done, total, label, time.time(), *_mine(job)),
        )
        return changed.rowcount == 1


def finish(folder: Path, job: Job) -> None:
    """The work is done."""
    with _writing(folder) as base:
        base.execute(
            f"UPDATE job SET status = ?, done = total, label = '', beat = ? WHERE {_MINE}",  # noqa: S608
            (Standing.DONE, time.time(), *_mine(job)),
        )


def fail(folder: Path, job: Job, sentence: str) -> None:
    """The work cannot be done, and why."""
    with _writing(folder) as base:
        base.execute(
            f"UPDATE job SET status = ?, error = ?, label = '', beat = ? WHERE {_MINE}",  # noqa: S608
            (Standing.FAILED, sentence, time.time(), *_mine(job)),
        )


def recover(folder: Path, lost: Callable[[Job], bool], sentence: str = "") -> int:
    """Put jobs whose process is lost back into the queue, or fail them after the second time.

    `sentence` says the latter; by default it speaks of a file. Returns how many there were. A job
    that somebody else recovers meanwhile is left to them.
    """
    gone = [job for job in unfinished(folder) if job.status is Standing.WORKING and lost(job)]
    for job in gone:
        if job.tries >= MOST_TRIES:
            fail(folder, job, sentence or say("export.died"))
            continue
        with _writing(folder) as base:
            base.execute(
                f"UPDATE job SET status = ?, pid = 0 WHERE {_MINE}",  # noqa: S608
                (Standing.WAITING, *_mine(job)),
            )
    return len(gone)


def forget(folder: Path, identifiers: Iterable[str], *, before: float = 0.0) -> None:
    """Strike jobs off the record: those named, and all that ended before a time (since 1970)."""
    with _writing(folder) as base:
        base.executemany(
            "DELETE FROM job WHERE id = ? AND status IN (?, ?)",
            [(name, Standing.DONE, Standing.FAILED) for name in identifiers],
        )
        base.execute(
            "DELETE FROM job WHERE beat < ? AND status IN (?, ?)",
            (before, Standing.DONE, Standing.FAILED),
        )


def withdraw(folder: Path, identifiers: Iterable[str]) -> None:
    """Strike jobs off that have not ended; who works on one finds that it is theirs no more."""
    with _writing(folder) as base:
        base.executemany(
            "DELETE FROM job WHERE id = ? AND status IN (?, ?)",
            [(name, Standing.WAITING, Standing.WORKING) for name in identifiers],
        )


# Only as long as nobody took the job away: its process may have been given up too early.
_MINE = "id = ? AND status = 'working' AND pid = ? AND tries = ?"


def _mine(job: Job) -> tuple[str, int, int]:
    return job.id, job.pid, job.tries


def _one(base: sqlite3.Connection, identifier: str) -> Job | None:
    row = base.execute(f"SELECT {_COLUMNS} FROM job WHERE id = ?", (identifier,)).fetchone()  # noqa: S608
    return _job(row) if row else None


def _job(row: tuple[Any, ...]) -> Job:
    identifier, request, status, *rest = row
    return Job(identifier, json.loads(request), Standing(status), *rest)


@contextmanager
def _writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """A transaction of our own: nobody else writes meanwhile."""
    try:
        with opened(folder) as base:
            base.execute("BEGIN IMMEDIATE")
            base.execute(_TABLE)
            yield base
            base.execute("COMMIT")
    except sqlite3.Error as error:
        raise JobError(
            say("export.state_write", reason=error), file=FILE, cure=say("export.state_cure")
        ) from error


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """A look at the record; None when there is none, as in a workspace that may only be read."""
    if not may_write(folder):
        yield None
        return
    try:
        with opened(folder, reading=True) as base:
            there = base.execute("SELECT 1 FROM sqlite_master WHERE name = 'job'").fetchone()
            yield base if there else None
    except sqlite3.Error as error:
        raise JobError(
            say("export.state_read", reason=error), file=FILE, cure=say("export.state_cure")
        ) from error
