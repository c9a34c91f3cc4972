"""What all processes of a workspace must agree on: which edition is current.

It lives in `atlas.sqlite` beside the workspace, never in a cache: a cache may be lost or differ
between workers. Write-ahead logging lets readers read while a build writes. What else processes
share stands in the same file, in tables of its own, and is opened here: `opened`, `connect`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from geodata.errors import EditionError
from geodata.words import say

FILE = "atlas.sqlite"

PATIENCE = 10.0
"""Seconds to wait for another process that writes, where nobody waits for the answer."""

_TABLES = """
CREATE TABLE IF NOT EXISTS edition (id TEXT PRIMARY KEY, built_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pointer (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    edition TEXT NOT NULL REFERENCES edition (id)
);
"""


def set_current(folder: Path, edition_id: str) -> str:
    """Point the workspace at an edition whose folder is complete; returns `built_at` (ISO, UTC).

    An edition that was pointed at before keeps the time of its first build, since nothing in it
    has changed.

    Raises
    ------
    EditionError : when the file cannot be written.
    """
    path = Path(folder) / FILE
    try:
        with opened(folder) as base:
            base.executescript(_TABLES)
            base.execute("BEGIN IMMEDIATE")
            now = datetime.now(UTC).isoformat(timespec="seconds")
            base.execute("INSERT OR IGNORE INTO edition VALUES (?, ?)", (edition_id, now))
            base.execute(
                "INSERT INTO pointer VALUES (1, ?) "
                "ON CONFLICT (one) DO UPDATE SET edition = excluded.edition",
                (edition_id,),
            )
            base.execute("COMMIT")
            row = base.execute("SELECT built_at FROM edition WHERE id = ?", (edition_id,))
            return str(row.fetchone()[0])
    except sqlite3.Error as error:
        raise EditionError(
            say("edition.state_write", reason=error), file=str(path), cure=say("edition.state_cure")
        ) from error


def current(folder: Path) -> tuple[str, str] | None:
    """Id and `built_at` of the current edition; None when nothing was built yet.

    Raises
    ------
    EditionError : when the file is there and cannot be read.
    """
    return _one(
        folder,
        "SELECT edition.id, built_at FROM pointer JOIN edition ON edition.id = pointer.edition",
    )


def built_at(folder: Path, edition_id: str) -> str:
    """When an edition was first built (ISO, UTC); empty when this workspace never pointed at it."""
    row = _one(folder, "SELECT id, built_at FROM edition WHERE id = ?", edition_id)
    return row[1] if row else ""


def _one(folder: Path, query: str, *values: str) -> tuple[str, str] | None:
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        with opened(folder, reading=True) as base:
            row = base.execute(query, values).fetchone()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise EditionError(
            say("edition.state_read", reason=error), file=str(path), cure=say("edition.state_cure")
        ) from error
    return (str(row[0]), str(row[1])) if row else None


# ---- the file ----


@contextmanager
def opened(
    folder: Path, *, reading: bool = False, patience: float = PATIENCE
) -> Iterator[sqlite3.Connection]:
    """The workspace's file, open inside; each statement stands by itself until one begins more.

    Parameters
    ----------
    reading : change nothing, and get along in a folder that may not be written; the file must be
        there. Otherwise it is made where there is none.
    patience : seconds to wait for another process that writes.

    Raises
    ------
    sqlite3.Error : it cannot be opened. Each caller tells it in words of its own.
    """
    path = Path(folder) / FILE
    base = _reader(path, patience) if reading else connect(folder, patience=patience)
    try:
        yield base
    finally:
        base.close()


def connect(
    folder: Path, *, patience: float = PATIENCE, shared: bool = False
) -> sqlite3.Connection:
    """The file open for writing, for who keeps it open; see `opened`.

    Parameters
    ----------
    shared : threads hand it on to each other; one at a time uses it.
    """
    base = sqlite3.connect(
        Path(folder) / FILE,
        timeout=patience,
        isolation_level=None,
        check_same_thread=not shared,
    )
    try:
        # Only a first writer changes anything here: later this is a look at the header.
        if base.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            base.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        base.close()
        raise
    return base


def may_write(folder: Path) -> bool:
    """Whether there is a file, and this process may write it and its log beside it."""
    path = Path(folder) / FILE
    return path.is_file() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _reader(path: Path, patience: float) -> sqlite3.Connection:
    # With write-ahead logging a reader, too, must be able to make the shared index file, so that
    # it opens for writing where it may. Elsewhere it uses the index of a writer at work, and when
    # there is none nobody changes the file: reading it as it stands is safe then.
    if may_write(path.parent):
        base = sqlite3.connect(path, timeout=patience, isolation_level=None)
        base.execute("PRAGMA query_only = 1")
        return base
    place = path.resolve().as_uri()
    base = sqlite3.connect(f"{place}?mode=ro", uri=True, timeout=patience, isolation_level=None)
    try:
        base.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        base.close()
        base = sqlite3.connect(f"{place}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return base
