"""Sessions: who is signed in where, and for how long.

A browser holds a token, the ledger no more than its digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.ledger import moments, tables
from geodata.ledger.naming import visible
from geodata.ledger.people import Account
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import LedgerError

NOTED_SECONDS = 60
"""How often, at most, it is written down that somebody is still there."""
KEPT_DAYS = 31
"""After which a session goes whatever the limits: longer ones than that there are not."""


@dataclass(frozen=True)
class Limits:
    """How long somebody stays signed in."""

    idle_minutes: float = 60
    """Without doing anything; what a page asks for by itself is not doing."""
    absolute_hours: float = 12
    """Since signing in, whatever was done."""


@dataclass(frozen=True)
class SessionInfo:
    """One place where somebody is signed in."""

    id: str
    """To name it by; no secret: the token does not follow from it."""
    created_at: str
    """When it began; decisions since then can be undone."""
    active_at: str
    """When something was last done, to the minute."""
    agent: str
    """The browser, in its own words."""
    address: str


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()


def identifier(token: str) -> str:
    """The `id` under which `places` tells of the session of a token."""
    return _id(digest(token))


def begin(ledger: Ledger, account_id: str, *, address: str = "", agent: str = "") -> str:
    """Sign an account in; returns the token for the cookie."""
    with ledger.noting() as connection:
        return begun(connection, account_id, ledger.clock(), address=address, agent=agent)


def begun(connection: Connection, account_id: str, at: str, *, address: str, agent: str) -> str:
    """`begin`, inside a transaction that writes."""
    token = secrets.token_urlsafe(32)
    table = tables.session
    old = moments.later(at, days=-KEPT_DAYS)
    connection.execute(sa.delete(table).where(table.c.created_at < old))
    connection.execute(
        sa.insert(table).values(
            digest=digest(token),
            account=account_id,
            created_at=at,
            active_at=at,
            agent=visible(agent[:300])[:200],
            address=visible(address[:100]),
        )
    )
    return token


def find(
    ledger: Ledger, token: str, *, limits: Limits, active: bool
) -> tuple[Account, SessionInfo] | None:
    """Who holds a token; None when nobody (any more).

    Parameters
    ----------
    active : whether a person did something. What a page asks for by itself is not `active` and
        never keeps a session alive.
    """
    if not token:
        return None
    table, at, key = tables.session, ledger.clock(), digest(token)
    query = (
        sa.select(
            tables.account,
            table.c.digest.label("session_digest"),
            table.c.created_at.label("session_created_at"),
            table.c.active_at,
            table.c.agent,
            table.c.address,
        )
        .join(tables.account, tables.account.c.id == table.c.account)
        .where(table.c.digest == key)
    )
    rows = ledger.rows(query)
    if not rows:
        return None
    row = rows[0]
    account = Account.of(row)
    since, seen = row["session_created_at"], row["active_at"]
    ended = (
        account.disabled
        or since <= moments.later(at, hours=-limits.absolute_hours)
        or seen <= moments.later(at, minutes=-limits.idle_minutes)
    )
    # Both writes may fail on a ledger that can only be read: who is signed in stays so, and who
    # is not stays out.
    if ended:
        with contextlib.suppress(LedgerError), ledger.noting() as connection:
            connection.execute(sa.delete(table).where(table.c.digest == key))
        return None
    if active and seen <= moments.later(at, seconds=-NOTED_SECONDS):
        seen = at
        with contextlib.suppress(LedgerError), ledger.noting() as connection:
            connection.execute(sa.update(table).where(table.c.digest == key).values(active_at=at))
    return account, SessionInfo(_id(key), since, seen, row["agent"], row["address"])


def end(ledger: Ledger, token: str) -> None:
    """Sign out."""
    with ledger.noting() as connection:
        connection.execute(
            sa.delete(tables.session).where(tables.session.c.digest == digest(token))
        )


def end_all(ledger: Ledger, account_id: str, *, but: str = "") -> int:
    """Sign an account out everywhere, except where the token `but` is held; returns of how many."""
    with ledger.noting() as connection:
        return ended(connection, account_id, but=but)


def ended(connection: Connection, account_id: str, *, but: str = "") -> int:
    """`end_all`, inside a transaction that writes."""
    table = tables.session
    query = sa.delete(table).where(table.c.account == account_id)
    if but:
        query = query.where(table.c.digest != digest(but))
    return connection.execute(query).rowcount


def end_place(ledger: Ledger, account_id: str, identifier: str) -> bool:
    """Sign an account out in one place, by the `id` that `places` tells; whether there was one."""
    table = tables.session
    with ledger.noting() as connection:
        held = sa.select(table.c.digest).where(table.c.account == account_id)
        for key in connection.execute(held).scalars().all():
            if _id(key) == identifier:
                connection.execute(sa.delete(table).where(table.c.digest == key))
                return True
    return False


def places(ledger: Ledger, account_id: str, *, limits: Limits | None = None) -> list[SessionInfo]:
    """Where an account is signed in, the latest first; with `limits`, without what ran out."""
    table, at = tables.session.c, ledger.clock()
    query = (
        sa.select(tables.session)
        .where(table.account == account_id)
        .order_by(table.active_at.desc(), table.digest)
    )
    if limits is not None:
        query = query.where(
            table.created_at > moments.later(at, hours=-limits.absolute_hours),
            table.active_at > moments.later(at, minutes=-limits.idle_minutes),
        )
    return [
        SessionInfo(
            _id(row["digest"]), row["created_at"], row["active_at"], row["agent"], row["address"]
        )
        for row in ledger.rows(query)
    ]


def _id(key: str) -> str:
    return key[:16]
