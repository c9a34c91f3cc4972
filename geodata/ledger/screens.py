"""Wall screens that nobody sits at: enrolled once, with a token in their address, and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from geodata.errors import UnknownName
from geodata.ledger import naming, tables
from geodata.ledger.people import is_id, manages
from geodata.ledger.roles import Actor
from geodata.ledger.sessions import digest
from geodata.ledger.store import Decision, Json, Ledger
from geodata.words import say


@dataclass(frozen=True)
class Screen:
    """A wall screen; it may read what a viewer may."""

    id: str
    label: str
    """Which wall: 三楼会议室."""
    revoked: bool
    created_at: str


def enrol(ledger: Ledger, actor: Actor, label: str, *, token: str = "", key: str = "") -> str:
    """A new screen; returns the token for its address, which is told this once.

    Parameters
    ----------
    token : of 256 random bits, when not to be made up here.
    key : as of `Ledger.decide`; with a token of one's own, so that asked again it is the same.

    Raises
    ------
    Forbidden : for whoever may not manage accounts.
    BadRequest : when the label is empty, too long or unreadable.
    """
    manages(actor)
    shown = naming.line(label, "screen", most=naming.LABEL, empty=False)
    token = token or secrets.token_urlsafe(32)

    def work(decision: Decision) -> Json:
        return {
            "id": decision.add(
                tables.screen, "screen.added", label=shown, digest=digest(token), revoked=False
            )
        }

    ledger.decide(actor, work, key=key, asked=["screen", shown])
    return token


def find(ledger: Ledger, token: str) -> Screen | None:
    """The screen that holds a token; None for an unknown or revoked one."""
    if not token:
        return None
    query = sa.select(tables.screen).where(
        tables.screen.c.digest == digest(token), tables.screen.c.revoked == sa.false()
    )
    rows = ledger.rows(query)
    return _of(rows[0]) if rows else None


def revoke(
    ledger: Ledger, actor: Actor, identifier: str, reason: str = "", *, key: str = ""
) -> Screen:
    """Shut a screen out from its next request on.

    Raises
    ------
    Forbidden : for whoever may not manage accounts.
    UnknownName : when there is no such screen.
    """
    manages(actor)
    why = naming.line(reason, "reason", most=naming.REASON)
    unknown = UnknownName(say("account.no_screen"), value=naming.visible(identifier))
    if not is_id(identifier):
        raise unknown

    def work(decision: Decision) -> Json:
        row = decision.row(tables.screen, identifier)
        if row is None:
            raise unknown
        decision.change(tables.screen, identifier, "screen.revoked", why, revoked=True)
        return {**row, "digest": "", "revoked": True}

    return _of(ledger.decide(actor, work, key=key, asked=["revoke", identifier, why]))


def all_screens(ledger: Ledger) -> tuple[Screen, ...]:
    """All screens, in the order in which they were enrolled."""
    query = sa.select(tables.screen).order_by(tables.screen.c.created_at, tables.screen.c.id)
    return tuple(_of(row) for row in ledger.rows(query))


def _of(row: Mapping[Any, Any]) -> Screen:
    return Screen(row["id"], row["label"], bool(row["revoked"]), row["created_at"])
