"""Whether a ledger is whole: its chain of events, and every row that the events add up to.

Nothing is held in memory but one row and its events at a time. What somebody changed in the
database by other means than a decision is found and named, be it a single character. Who could
rewrite every event after it, and the head, would make a chain that is whole again; against that,
compare the last hash with one that was written down elsewhere (a backup's, a printed one).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.ledger import chain, tables
from geodata.ledger.store import Ledger
from geodata.progress import SILENT, Progress
from geodata.words import say

MOST = 200
"""Faults that a report names; more are counted."""

Named = tuple[str, dict[str, Any]]
"""`table:id`, and a row as the audit shows it."""

_AT_ONCE = 500
_PHOTOS_AT_ONCE = 10


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was decided."""

    where: str
    """`event 12`, `head`, or a row as `pick:0a1b`."""
    sentence: str
    """What is wrong with it."""


@dataclass(frozen=True)
class Report:
    """What a check found."""

    events: int
    rows: int
    """Rows of `tables.DECIDED`."""
    hash: str
    """Of the last event: who keeps it elsewhere can tell a rewritten ledger from this one."""
    faults: tuple[Fault, ...]
    """The first `MOST` of them."""
    count: int
    """How many faults there are in all."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.count == 0


def verify(ledger: Ledger, progress: Progress = SILENT) -> Report:
    """Walk the chain and compare every row with what its events say, in one state of the ledger.

    Raises
    ------
    LedgerError : when the ledger cannot be read.
    """
    with ledger.reading() as connection:
        return verify_connection(connection, progress)


def verify_connection(connection: Connection, progress: Progress = SILENT) -> Report:
    """As `verify`, inside a transaction that is open already."""
    faults: list[Fault] = []
    count = 0

    def fault(where: str, key: str, **values: object) -> None:
        nonlocal count
        count += 1
        if len(faults) < MOST:
            faults.append(Fault(where, say(f"audit.fault.{key}", **values)))

    if connection.dialect.name == "sqlite":
        # Bytes that are no text are a fault to name, not a reason to stop.
        raw: Any = connection.connection.driver_connection
        raw.text_factory = lambda held: held.decode("utf-8", "surrogateescape")
    counted = sa.select(sa.func.count())
    events = connection.execute(counted.select_from(tables.event)).scalar_one()
    with progress.step(say("audit.step_chain"), events) as advance:
        last = _chain(connection, fault, advance)
    rows = 0
    total = sum(
        connection.execute(counted.select_from(table)).scalar_one() for table in tables.DECIDED
    )
    with progress.step(say("audit.step_rows"), total) as advance:
        for table in tables.DECIDED:
            rows += _compare(connection, table, fault, advance)
    return Report(events, rows, last, tuple(faults), count)


def _chain(
    connection: Connection, fault: Callable[..., None], advance: Callable[[int], None]
) -> str:
    """Numbers, hashes and the head; returns the last event's hash."""
    seq, previous = 0, chain.GENESIS
    known = {table.name for table in tables.DECIDED}
    for event in _stream(connection, sa.select(tables.event).order_by(tables.event.c.seq)):
        where = f"event {event['seq']}"
        if event["seq"] != seq + 1:
            fault(where, "gap", seq=seq + 1)
        if event["previous"] != previous:
            fault(where, "previous")
        if _hash(event) != event["hash"]:
            fault(where, "hash")
        elif _object(event["after"]) is None or str(event["subject"]).split(":")[0] not in known:
            fault(where, "meaning")
        seq, previous = event["seq"], event["hash"]
        advance(1)
    head = [tuple(row) for row in connection.execute(sa.select(tables.head))]
    if head != ([(1, seq, previous)] if seq else []):
        fault("head", "head", seq=seq)
    return str(previous)


def _compare(
    connection: Connection,
    table: sa.Table,
    fault: Callable[..., None],
    advance: Callable[[int], None],
) -> int:
    """Each row beside what its events say; returns how many rows there are."""
    count = 0
    for subject, row, said in _beside(_rows(connection, table), _said(connection, table)):
        if row is not None:
            count += 1
            advance(1)
        if row is None:
            fault(subject, "no_row")
        elif said is None:
            fault(subject, "no_event")
        else:
            for name in sorted(row.keys() | said.keys()):
                if name not in row or name not in said or not _same(row[name], said[name]):
                    fault(subject, "differs", column=name)
    return count


def _beside(rows: Iterator[Named], said: Iterator[Named]) -> Iterator[tuple[str, Any, Any]]:
    """Two sequences in the order of their names, side by side; None where one lacks a name."""
    row, event = next(rows, None), next(said, None)
    while row is not None or event is not None:
        name = min(one[0] for one in (row, event) if one is not None)
        here = row if row is not None and row[0] == name else None
        told = event if event is not None and event[0] == name else None
        yield name, here and here[1], told and told[1]
        if here is not None:
            row = next(rows, None)
        if told is not None:
            event = next(said, None)


def _rows(connection: Connection, table: sa.Table) -> Iterator[Named]:
    """The rows of a table as the audit shows them, by `table:id`."""
    # As the database holds it: read as a flag, 2 would pass for true.
    columns = [
        sa.type_coerce(column, sa.Integer).label(column.name)
        if isinstance(column.type, sa.Boolean)
        else column
        for column in table.c
    ]
    flags = [column.name for column in table.c if isinstance(column.type, sa.Boolean)]
    size = _PHOTOS_AT_ONCE if table is tables.photo else _AT_ONCE
    for row in _stream(
        connection, sa.select(*columns).order_by(_bytewise(connection, table.c.id)), size
    ):
        for name in flags:
            if row[name] in (0, 1) and isinstance(row[name], int):
                row[name] = bool(row[name])
        try:
            shown = chain.shown(table, row)
        except UnicodeEncodeError:  # a secret that is no text: shown as it stands
            shown = row
        yield f"{table.name}:{row['id']}", shown


def _said(connection: Connection, table: sa.Table) -> Iterator[Named]:
    """What the events say that a table's rows are, by `table:id`."""
    event = tables.event.c
    query = (
        sa.select(event.subject, event.after)
        .where(event.subject.startswith(f"{table.name}:", autoescape=True))
        .order_by(_bytewise(connection, event.subject), event.seq)
    )
    read = (row for row in _stream(connection, query) if isinstance(row["subject"], str))
    for subject, found in groupby(read, key=lambda row: str(row["subject"])):
        # An event that cannot be understood was named while the chain was walked.
        understood = [row for row in found if _object(row["after"]) is not None]
        yield subject, chain.folded(understood).get(subject, {})


def _stream(
    connection: Connection, query: sa.Select[Any], size: int = _AT_ONCE
) -> Iterator[dict[str, Any]]:
    with connection.execute(query, execution_options={"yield_per": size}) as found:
        for row in found.mappings():
            yield {**row}


def _bytewise(connection: Connection, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """In the order of code points, which Python and both databases agree on."""
    return sa.collate(column, "C" if connection.dialect.name == "postgresql" else "BINARY")


def _hash(event: dict[str, Any]) -> str:
    try:
        return chain.hash_of(event)
    except (TypeError, UnicodeEncodeError):
        return ""  # something that no event holds, such as bytes


def _object(text: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _same(one: Any, other: Any) -> bool:
    """Equal and of one type: 1 is not true."""
    return type(one) is type(other) and bool(one == other)
