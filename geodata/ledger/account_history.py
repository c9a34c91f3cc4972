"""What became of an account: who changed what of it and when, as the audit has it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from geodata.ledger import tables
from geodata.ledger.people import is_id
from geodata.ledger.store import Ledger

SHOWN = ("label", "role", "district", "unit")
"""Columns whose values are told; of the others the kind of the event says enough."""
QUIET = frozenset({"account.rehashed"})
"""What nobody decided."""
MOST = 200


@dataclass(frozen=True)
class Entry:
    """One event of an account."""

    at: str
    who: str
    """As the name read then."""
    kind: str
    changes: tuple[tuple[str, str, str], ...]
    """Column, before, after; of a new account none."""
    reason: str


def of(ledger: Ledger, identifier: str) -> tuple[Entry, ...]:
    """The events of an account, the latest first."""
    if not is_id(identifier):
        return ()
    event = tables.event.c
    query = (
        sa.select(event.at, event.actor_label, event.kind, event.before, event.after, event.reason)
        .where(event.subject == f"account:{identifier}", event.kind.not_in(sorted(QUIET)))
        .order_by(event.seq.desc())
        .limit(MOST)
    )
    return tuple(
        Entry(
            row["at"],
            row["actor_label"],
            row["kind"],
            _changes(json.loads(row["before"]), json.loads(row["after"])),
            row["reason"],
        )
        for row in ledger.rows(query)
    )


def _changes(before: dict[str, str], after: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (column, before[column], after.get(column, "")) for column in SHOWN if column in before
    )
