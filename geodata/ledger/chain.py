"""The audit's chain: what an event holds, how it is hashed, and what the events add up to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from geodata.ledger.tables import SECRET

Row = Mapping[str, Any]

GENESIS = "0" * 64
"""What the first event names as the hash before it."""

HASHED = (
    "seq",
    "at",
    "actor",
    "actor_label",
    "kind",
    "subject",
    "village",
    "before",
    "after",
    "reason",
    "previous",
)
"""Columns that a hash is made of, in this order."""


def canonical(value: Any) -> str:
    """JSON with one spelling: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(event: Row) -> str:
    """SHA-256 (hex) of an event's columns, the hash before it among them."""
    return hashlib.sha256(canonical([event[name] for name in HASHED]).encode()).hexdigest()


def shown(table: sa.Table, row: Row) -> dict[str, Any]:
    """A row as the audit tells it: all columns, secret ones by their digest (or "" when empty)."""
    return {
        column.name: _digest(row[column.name])
        if f"{table.name}.{column.name}" in SECRET
        else row[column.name]
        for column in table.columns
    }


def difference(before: Row | None, after: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed: the columns that differ, as they were and as they are."""
    if before is None:
        return {}, dict(after)
    names = [name for name in after if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def folded(events: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """The rows (as `shown`) that events add up to, by subject (`table:id`)."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        rows.setdefault(event["subject"], {}).update(json.loads(event["after"]))
    return rows


def _digest(value: Any) -> str:
    if not value:
        return ""
    held = value if isinstance(value, bytes) else str(value).encode()
    return "sha256:" + hashlib.sha256(held).hexdigest()
