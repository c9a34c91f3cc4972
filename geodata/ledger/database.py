"""The database behind a ledger's URL: how it is opened, and what its complaints mean."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from geodata.ledger.troubles import LedgerError, NoLedger
from geodata.words import say

TROUBLES = (SQLAlchemyError, sqlite3.Error, OSError)
"""What opening and using a database may raise."""

_ROOM = 1 << 20
"""Bytes free under which a disk that fails to write is called full."""

_ASKS = (0.001, 0.003)
"""Seconds between two tries to write while another process does."""

_SYSTEM = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
}
_SQLITE = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CANTOPEN: "gone",
}
_POSTGRESQL = {
    "53100": "full",
    "25006": "read_only",
    "55P03": "locked",
    "40P01": "locked",
    "40001": "locked",
    "58030": "disk",
    "XX001": "damaged",
    "XX002": "damaged",
    "53300": "gone",  # too many connections
}
"""By SQLSTATE: the words may be in any language."""
_POSTGRESQL_CLASSES = {"08": "gone", "57": "gone", "53": "disk", "58": "disk"}


class Keeper:
    """Holds an embedded ledger open, idle, for as long as a process uses it.

    SQLite clears its write-ahead log away with the last connection. While one stays, a decision
    costs one sync instead of many, and a disk without room can still be read: making the log's
    index anew would need room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def look(self) -> None:
        """Hold the file that is there now, which may be another than before."""
        try:
            state = self._path.stat()
        except OSError:
            return
        found = (state.st_dev, state.st_ino)
        with self._lock:
            if found == self._file:
                return
            self._let_go()
            try:
                self._held = sqlite3.connect(
                    f"{self._path.as_uri()}?mode=rw", uri=True, check_same_thread=False
                )
                self._held.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self._file = found
            except sqlite3.Error:
                self._let_go()  # whoever asks next hears of it from a connection of their own

    def close(self) -> None:
        """Let go; `look` holds again."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        held, self._held, self._file = self._held, None, None
        if held is not None:
            held.close()


class Database:
    """An engine, with the keeper of an embedded file; closes what is open at exit."""

    def __init__(self, url: sa.URL, patience: float) -> None:
        self.file: Path | None = None
        self.keeper: Keeper | None = None
        if url.get_backend_name() == "sqlite":
            self.file = Path(url.database or "").resolve()
            self.keeper = Keeper(self.file)
            self.engine = _sqlite(self.file, self.keeper, patience)
        else:
            self.engine = _server(url, patience)
        weakref.finalize(self, _close, self.engine, self.keeper)
        _OPEN.add(self)

    def close(self) -> None:
        """Close what is open; it opens again when it is used."""
        _close(self.engine, self.keeper)

    def explained(self, error: Exception, *, unsure: bool = False) -> LedgerError:
        """A database's complaint as a sentence; never its own words, which may hold data.

        `unsure`: it came while committing. Where a server's connection broke, or a file could not
        be synced, nobody can tell whether it was written.
        """
        key = _kind(error)
        if key == "disk" and self.file is not None and _free(self.file.parent) < _ROOM:
            key = "full"
        if key == "gone" and self.file is not None and self.file.is_file():
            # It is there, and its log beside it cannot be made.
            key = "read_only" if _free(self.file.parent) >= _ROOM else "full"
        number = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
        if unsure and (
            number == sqlite3.SQLITE_IOERR_FSYNC
            or (self.file is None and key in {"gone", "disk", "other"})
        ):
            key = "unsure"
        kind = NoLedger if key == "damaged" else LedgerError
        return kind(say(f"ledger.{key}"), cure=say(f"ledger.{key}_cure"))


_OPEN: weakref.WeakSet[Database] = weakref.WeakSet()


def _before_fork() -> None:
    # A SQLite connection must not be carried into a child: it would believe in locks that it
    # does not hold.
    for database in list(_OPEN):
        if database.keeper is not None:
            database.keeper.close()


def _in_child() -> None:
    # A server's connections stay the parent's; closing them here would end them there.
    for database in list(_OPEN):
        database.engine.dispose(close=False)


os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def _close(engine: Engine, keeper: Keeper | None) -> None:
    engine.dispose()
    if keeper is not None:
        keeper.close()


def _server(url: sa.URL, patience: float) -> Engine:
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=patience,
        connect_args={
            "connect_timeout": max(2, int(patience)),
            # A server that vanished without a word is noticed within seconds, not hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "tcp_user_timeout": 8000,
        },
    )


def _sqlite(file: Path, keeper: Keeper, patience: float) -> Engine:
    # mode=rw: a file that went away is an error, never a new and empty ledger. No pool: a
    # connection to a file that was moved away would go on writing into nowhere.
    engine = sa.create_engine(
        f"sqlite:///{file.as_uri()}?mode=rw&uri=true",
        poolclass=NullPool,
        connect_args={"timeout": patience},
    )

    @sa.event.listens_for(engine, "do_connect")
    def opening(_dialect: Any, _record: Any, place: list[str], _options: Any) -> None:
        if _cannot_keep_log(file):
            # Where nothing can be written, nobody writes: the file alone is the whole ledger.
            place[0] = place[0].replace("mode=rw", "mode=ro&immutable=1")
        else:
            keeper.look()

    @sa.event.listens_for(engine, "connect")
    def opened(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # ours to begin, below; sqlite3 would begin too late
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # The lock is taken at once: a reader that turns writer later can be refused.
        if connection.get_execution_options().get("writes"):
            _begin_writing(connection, patience)
        else:
            connection.exec_driver_sql("BEGIN DEFERRED")

    return engine


def _begin_writing(connection: Connection, patience: float) -> None:
    """Wait for other processes by asking every few milliseconds.

    SQLite itself would ask after ever longer sleeps, up to a tenth of a second, while others come
    and go: whoever was unlucky once would go on being so.
    """
    raw: Any = connection.connection.driver_connection
    until = time.monotonic() + patience
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(random.uniform(*_ASKS))  # noqa: S311 - nobody gains by guessing it
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # and say what stands against it
    finally:
        raw.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")


def _cannot_keep_log(file: Path) -> bool:
    """Whether a write-ahead log is neither beside the file nor can be put there."""
    return (
        file.is_file()
        and not os.access(file.parent, os.W_OK)
        and not file.with_name(file.name + "-wal").exists()
    )


def make_file(path: Path, patience: float) -> None:
    """An empty file for an embedded ledger, for its owner alone: it will hold secrets.

    Done again on a file that is still empty: somebody was killed in the middle of it.
    """
    if not path.parent.is_dir():
        raise NoLedger(say("ledger.no_folder"), file=str(path.parent))
    path.touch(0o600)
    base = sqlite3.connect(path, timeout=patience)
    try:
        base.execute("PRAGMA journal_mode = WAL")
    finally:
        base.close()


def _kind(error: Exception) -> str:
    """Which trouble it is: a key of the catalogue's section `ledger`."""
    if isinstance(error, PoolTimeout):
        return "locked"
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, "disk")
    origin = getattr(error, "orig", error)
    number = getattr(origin, "sqlite_errorcode", None)
    if number is not None:
        # The low byte is the kind, the rest says more about it.
        return _SQLITE.get(number & 0xFF, "other")
    state = getattr(origin, "sqlstate", None)
    if state:
        return _POSTGRESQL.get(state) or _POSTGRESQL_CLASSES.get(state[:2], "other")
    if isinstance(error, OperationalError) and not isinstance(error, IntegrityError):
        return "gone"
    return "other"


def _free(folder: Path) -> int:
    try:
        state = os.statvfs(folder)
    except OSError:
        return _ROOM
    return state.f_bavail * state.f_frsize
