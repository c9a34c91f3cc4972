"""Backing a ledger up while it serves, and restoring it, from either database into either.

A backup is always one SQLite file in the ledger's own tables, whichever database it was taken
from. It holds what lasts: sessions must not come back to life from it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.errors import AtlasError, reason
from geodata.ledger import tables
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import LedgerError, NewerLedger, NoLedger, Refused
from geodata.ledger.verify import Report, verify, verify_connection
from geodata.progress import SILENT, Progress
from geodata.words import say

_AT_ONCE = 500
_PHOTOS_AT_ONCE = 10
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Restored:
    """What a restoration did."""

    report: Report
    """What the ledger holds now, checked."""
    aside: Path | None
    """Where a damaged file of the ledger was moved to; None when there was none."""


def backup(ledger: Ledger, file: Path, progress: Progress = SILENT) -> Report:
    """Write one state of a ledger into one file, checked, whole or not at all.

    Others decide meanwhile; what they decide is in the next backup.

    Raises
    ------
    AtlasError : when the file cannot be written there; an older backup of that name stays.
    LedgerError : when the ledger cannot be read, or is not whole itself.
    """
    file = Path(file)
    _check_target(ledger, file)
    with _system(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    copy = Ledger(f"sqlite:///{beside.resolve()}")
    try:
        with ledger.reading() as source:
            copy.prepare()
            with copy.replacing() as target:
                _copy_rows(source, target, say("audit.step_copy"), progress)
        report = verify(copy, progress)
        copy.dispose()
        if not report.whole:
            raise LedgerError(
                say("audit.source_broken", count=report.count, first=_first(report)),
                cure=say("audit.source_broken_cure"),
            )
        with _system(file):
            _alone(beside)
            _sync(beside)
            beside.replace(file)
            _sync(file.parent)
    finally:
        copy.dispose()
        for part in _parts(beside):
            part.unlink(missing_ok=True)
    return report


def restore(
    ledger: Ledger, file: Path, *, replace: bool = False, progress: Progress = SILENT
) -> Restored:
    """Put a backup in the place of what a ledger holds, in one transaction.

    The backup is checked first, an older one brought up to date, both on a copy of it. Readers
    see the old state until the new one is there whole. Everybody signs in anew.

    Raises
    ------
    NoLedger : when the file is no backup, is damaged, or a newer program's. Nothing was touched.
    Refused : when the ledger holds something and `replace` was not said.
    LedgerError : when the ledger cannot be written. Nothing was changed.
    """
    file = Path(file)
    with tempfile.TemporaryDirectory(prefix="bangfu-restore-") as folder:
        with _system(file), progress.step(say("audit.step_check")):
            copy = Ledger(f"sqlite:///{_own_copy(file, Path(folder))}")
        try:
            _bring_up_to_date(copy, file)
            checked = _checked(copy, file, progress)
            if not replace or _is_sound(ledger):
                _put(copy, ledger, checked, replace, progress)
                return Restored(checked, None)
            return Restored(checked, _put_in_place(copy, ledger, checked, progress))
        finally:
            copy.dispose()


def _put(copy: Ledger, ledger: Ledger, checked: Report, replace: bool, progress: Progress) -> None:
    """All rows of a checked copy in the place of a ledger's own."""
    ledger.prepare()
    with copy.reading() as source, ledger.replacing() as target:
        if not replace and _holds_something(target):
            raise Refused(say("audit.not_empty"), cure=say("audit.not_empty_cure"))
        for table in tables.metadata.tables.values():
            target.execute(sa.delete(table))
        _copy_rows(source, target, say("audit.step_back"), progress)
        # Before it counts: what was written is read again and held against its events.
        if verify_connection(target, progress) != checked:
            raise LedgerError(say("ledger.other"), cure=say("ledger.other_cure"))


def _put_in_place(copy: Ledger, ledger: Ledger, checked: Report, progress: Progress) -> Path:
    """A new file for a ledger whose own is damaged; that one is moved aside, never deleted."""
    own = ledger.embedded
    assert own is not None
    mark = secrets.token_hex(4)
    beside, aside = (own.with_name(f"{own.name}.{word}-{mark}") for word in ("new", "damaged"))
    fresh = Ledger(f"sqlite:///{beside.resolve()}")
    try:
        _put(copy, fresh, checked, False, progress)
        fresh.dispose()
        ledger.dispose()
        with _system(own):
            # Its log first: it must not be taken for the new file's.
            for part, kept in reversed([*zip(_parts(own), _parts(aside), strict=True)]):
                if part.exists():
                    part.rename(kept)
            beside.rename(own)
            _sync(own.parent)
    finally:
        fresh.dispose()
        for part in _parts(beside):
            part.unlink(missing_ok=True)
    return aside


def _check_target(ledger: Ledger, file: Path) -> None:
    own = ledger.embedded
    if own is not None and own.exists() and file.exists() and own.samefile(file):
        raise AtlasError(say("audit.own_file"), file=str(file), cure=say("audit.own_file_cure"))
    if file.is_dir() or (file.exists() and not _is_sqlite(file)):
        raise AtlasError(say("audit.other_file"), file=str(file), cure=say("audit.own_file_cure"))


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(_MAGIC)) in (_MAGIC, b"")
    except OSError:
        return False


def _copy_rows(source: Connection, target: Connection, label: str, progress: Progress) -> None:
    counted = [
        source.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in tables.LASTING
    ]
    with progress.step(label, sum(counted)) as advance:
        for table in tables.LASTING:
            size = _PHOTOS_AT_ONCE if table is tables.photo else _AT_ONCE
            query = sa.select(table).execution_options(yield_per=size)
            with source.execute(query) as found:
                for some in found.mappings().partitions():
                    target.execute(sa.insert(table), [{**row} for row in some])
                    advance(len(some))


def _alone(file: Path) -> None:
    """Make the file one that needs no other beside it, and can be read where nothing is written."""
    base = sqlite3.connect(file)
    try:
        base.execute("PRAGMA journal_mode = DELETE")
    finally:
        base.close()


def _own_copy(file: Path, folder: Path) -> Path:
    """The backup, copied to where it may be changed."""
    if not file.is_file():
        raise NoLedger(say("audit.no_copy"), file=str(file))
    if not _is_sqlite(file) or file.stat().st_size == 0:
        raise _not_a_copy(file)
    place = folder / "copy.sqlite"
    shutil.copyfile(file, place)
    log = file.with_name(file.name + "-wal")
    if log.is_file():  # a ledger's own file that was copied by hand
        shutil.copyfile(log, place.with_name(place.name + "-wal"))
    return place


def _bring_up_to_date(copy: Ledger, file: Path) -> None:
    try:
        base = sqlite3.connect(copy.embedded or "")
        try:
            (answer,) = base.execute("PRAGMA integrity_check(1)").fetchone()
            base.execute("PRAGMA journal_mode = WAL")
        finally:
            base.close()
    except sqlite3.DatabaseError as error:
        raise _not_a_copy(file) from error
    if answer != "ok":
        raise _not_a_copy(file)
    try:
        copy.prepare(create=False)
    except NewerLedger as error:
        raise NoLedger(
            say("audit.copy_newer"), file=str(file), cure=say("audit.copy_newer_cure")
        ) from error
    except LedgerError as error:
        raise _not_a_copy(file) from error


def _checked(copy: Ledger, file: Path, progress: Progress) -> Report:
    try:
        report = verify(copy, progress)
    except LedgerError as error:
        raise _not_a_copy(file) from error
    if not report.whole:
        raise NoLedger(
            say("audit.copy_broken", count=report.count, first=_first(report)),
            file=str(file),
            cure=say("audit.copy_broken_cure"),
        )
    return report


def _is_sound(ledger: Ledger) -> bool:
    """Whether rows can be written into the file; one that is not there can be made."""
    own = ledger.embedded
    if own is None or not own.exists():
        return True
    try:
        base = sqlite3.connect(f"{own.resolve().as_uri()}?mode=rw", uri=True)
        try:
            return bool(base.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
        finally:
            base.close()
    except sqlite3.OperationalError:
        return True  # busy, full or read-only: writing will say so
    except sqlite3.DatabaseError:
        return False


def _parts(file: Path) -> list[Path]:
    """A SQLite file and what may lie beside it."""
    return [file.with_name(file.name + end) for end in ("", "-wal", "-shm", "-journal")]


def _holds_something(connection: Connection) -> bool:
    return any(
        connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        for table in tables.LASTING
    )


def _first(report: Report) -> str:
    return say("audit.line", **vars(report.faults[0]))


def _not_a_copy(file: Path) -> NoLedger:
    return NoLedger(say("audit.not_a_copy"), file=str(file), cure=say("audit.not_a_copy_cure"))


@contextmanager
def _system(file: Path) -> Iterator[None]:
    """What the system refuses, said of a file."""
    try:
        yield
    except OSError as error:
        raise AtlasError(reason(error), file=str(error.filename or file)) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
