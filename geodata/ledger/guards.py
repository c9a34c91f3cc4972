"""What stands between a name and whoever guesses its password: a count of failures, and a lock.

Counted for each name that was typed, whether there is such an account or not, and inside a writing
transaction: attempts that arrive together are counted one after the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.ledger import moments, tables
from geodata.ledger.naming import folded

FAILURES = 5
"""In a row, before a name is locked."""
LOCK_MINUTES = 15
FORGET_HOURS = 24
"""After which failures are no longer counted together, and their row goes."""


@dataclass(frozen=True)
class Guard:
    """What is known of a name that was typed."""

    failures: int = 0
    """In a row."""
    locked_until: str = ""
    """Moment; "" when not locked."""
    totp_step: int = 0
    """Of the last one-time code that was used."""
    at: str = ""
    """When it was last tried."""

    def locked(self, at: str) -> int:
        """Seconds that it stays locked; 0 when it is not."""
        return moments.until(at, self.locked_until) if self.locked_until else 0


def digest(name: str) -> str:
    """Under which a name is counted. Hashed: people type passwords where names belong."""
    typed = folded(name[:200]).encode("utf-8", "backslashreplace")
    return hashlib.sha256(typed).hexdigest()


def of(connection: Connection, name: str, at: str) -> Guard:
    """What is known of a name; failures of long ago are forgotten."""
    table = tables.guard.c
    query = sa.select(table.failures, table.locked_until, table.totp_step, table.at).where(
        table.name == digest(name)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return Guard()
    found = Guard(**row)
    if found.at < moments.later(at, hours=-FORGET_HOURS):
        return Guard(totp_step=found.totp_step)
    return found


def locked(connection: Connection, names: Iterable[str], at: str) -> dict[str, str]:
    """Until when names are locked, of those that are."""
    table = tables.guard.c
    query = sa.select(table.name, table.locked_until).where(table.locked_until > at)
    until = {row.name: row.locked_until for row in connection.execute(query)}
    return {name: until[key] for name in names if until and (key := digest(name)) in until}


def failed(connection: Connection, name: str, at: str) -> Guard:
    """Count a failure, and lock the name with the last one allowed."""
    before = of(connection, name, at)
    failures = before.failures + 1
    if failures >= FAILURES:
        # When the lock ends, the count begins anew.
        after = Guard(0, moments.later(at, minutes=LOCK_MINUTES), before.totp_step, at)
    else:
        after = Guard(failures, "", before.totp_step, at)
    _write(connection, name, after)
    return after


def passed(connection: Connection, name: str, at: str, step: int = 0) -> None:
    """Forget the failures of a name; `step` is that of the one-time code that was used."""
    before = of(connection, name, at)
    _write(connection, name, Guard(0, "", step or before.totp_step, at))


def lift(connection: Connection, name: str, at: str) -> bool:
    """Unlock a name; says whether anything stood against it."""
    before = of(connection, name, at)
    if before.failures or before.locked_until:
        _write(connection, name, Guard(0, "", before.totp_step, at))
    return bool(before.failures or before.locked(at))


def _write(connection: Connection, name: str, guard: Guard) -> None:
    table, key = tables.guard, digest(name)
    values = {
        "failures": guard.failures,
        "locked_until": guard.locked_until,
        "totp_step": guard.totp_step,
        "at": guard.at,
    }
    done = connection.execute(sa.update(table).where(table.c.name == key).values(**values))
    if done.rowcount == 0:
        # Whoever tries many names must not fill the disk for ever.
        old = moments.later(guard.at, hours=-FORGET_HOURS)
        connection.execute(sa.delete(table).where(table.c.at < old))
        connection.execute(sa.insert(table).values(name=key, **values))
