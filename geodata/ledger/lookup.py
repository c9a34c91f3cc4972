"""Rows that are asked for by an id from outside, and what the accounts in them are called."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.errors import UnknownName
from geodata.ledger import tables
from geodata.ledger.people import is_id
from geodata.ledger.store import Decision, Json
from geodata.words import say

_WORDS = {
    "visit": "visit.unknown",
    "photo": "visit.photo.unknown",
    "observation": "visit.unknown_observation",
    "problem": "problem.unknown",
}


def row(decision: Decision, table: sa.Table, identifier: object) -> Json:
    """The row of an id; raises `UnknownName` when there is none, whatever the id looks like."""
    found = None
    if isinstance(identifier, str) and is_id(identifier):
        found = decision.row(table, identifier)
    if found is None:
        raise unknown(table, identifier)
    return found


def unknown(table: sa.Table, identifier: object) -> UnknownName:
    """There is no such row."""
    return UnknownName(say(_WORDS[table.name]), value=identifier, cure=say("visit.unknown_cure"))


def labels(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """What accounts are called, by id; unknown ones are left out."""
    account = tables.account.c
    wanted = sorted(one for one in set(ids) if one)
    if not wanted:
        return {}
    query = sa.select(account.id, account.label).where(account.id.in_(wanted))
    return {found.id: found.label for found in connection.execute(query)}
