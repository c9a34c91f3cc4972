"""Texts that all processes of a workspace remember under a name: in `atlas.sqlite`, by kind.

For what one process learnt and another may need after it has gone, as the last version of a file
that could be used. Unlike a cache it is never cleared; unlike a ledger nobody misses it much.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geodata.errors import AtlasError
from geodata.state import FILE, may_write, opened
from geodata.words import say

_PATIENCE = 2.0
"""Seconds to wait for another process that writes: it is asked while somebody waits."""

_TABLE = """
CREATE TABLE IF NOT EXISTS kept (
    kind TEXT NOT NULL, name TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID
"""


class KeptError(AtlasError):
    """What is remembered cannot be read or written."""

    http_status = 503


def keep(folder: Path, kind: str, name: str, said: str) -> None:
    """Remember a text; what was remembered under its name before is forgotten.

    Raises
    ------
    KeptError : when it cannot be written, as in a workspace that may only be read.
    """
    if recalled(folder, kind, name) == said:
        return
    with _opened(folder) as base:
        base.execute(_TABLE)
        base.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, name, said))


def recalled(folder: Path, kind: str, name: str) -> str | None:
    """The text under a name, or None.

    Raises
    ------
    KeptError : when it cannot be read.
    """
    if not may_write(folder):
        return None  # who may not write has never kept anything
    with _opened(folder, reading=True) as base:
        if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'kept'").fetchone():
            return None
        row = base.execute(
            "SELECT said FROM kept WHERE kind = ? AND name = ?", (kind, name)
        ).fetchone()
        return str(row[0]) if row else None


@contextmanager
def _opened(folder: Path, *, reading: bool = False) -> Iterator[sqlite3.Connection]:
    try:
        with opened(folder, reading=reading, patience=_PATIENCE) as base:
            yield base
    except sqlite3.Error as error:
        raise KeptError(
            say("export.state_read", reason=error), file=FILE, cure=say("export.state_cure")
        ) from error
