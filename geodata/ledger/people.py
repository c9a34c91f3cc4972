"""Accounts as they stand: who there is, read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from geodata.ledger import naming, tables
from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Forbidden
from geodata.words import say

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Account:
    """One person's account; holds nothing secret."""

    id: str
    name: str
    """What is typed to sign in."""
    label: str
    """The person's name."""
    role: Role
    district: str
    """Code, for a district's officer; else ""."""
    unit: str
    """Where the person works, as in the unit files; may be ""."""
    must_change: bool
    """The password is a first one: nothing else may be done before it is changed."""
    has_password: bool
    """False for whoever an OpenID Connect provider vouches for."""
    has_totp: bool
    """One-time codes are asked for."""
    disabled: bool
    created_at: str
    issuer: str = ""
    """The OpenID Connect provider that vouches; "" for passwords, or before the first sign-in."""

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Account:
        """The account of a row of the table."""
        return cls(
            id=row["id"],
            name=row["name"],
            label=row["label"],
            role=Role(row["role"]),
            district=row["district"],
            unit=row["unit"],
            must_change=bool(row["must_change"]),
            has_password=bool(row["password"]),
            has_totp=bool(row["totp"]),
            disabled=bool(row["disabled"]),
            created_at=row["created_at"],
            issuer=row["issuer"],
        )

    @property
    def actor(self) -> Actor:
        """The person as one who decides."""
        return Actor(self.id, self.label, self.role, self.district, self.unit)


def account(ledger: Ledger, identifier: str) -> Account | None:
    """The account of an id."""
    if not is_id(identifier):
        return None
    return _one(ledger, tables.account.c.id == identifier)


def named(ledger: Ledger, name: str) -> Account | None:
    """The account of a name, however it is typed."""
    if not naming.is_name(name):
        return None
    return _one(ledger, tables.account.c.name == naming.folded(name))


def vouched(ledger: Ledger, issuer: str, subject: str) -> Account | None:
    """The account of which an OpenID Connect provider (issuer) says that it is `subject`'s."""
    if not naming.is_claim(issuer) or not naming.is_claim(subject):
        return None
    table = tables.account.c
    return _one(ledger, sa.and_(table.issuer == issuer, table.subject == subject))


def all_accounts(ledger: Ledger) -> tuple[Account, ...]:
    """All accounts by name, disabled ones among them."""
    query = sa.select(tables.account).order_by(tables.account.c.name)
    return tuple(Account.of(row) for row in ledger.rows(query))


def is_id(text: str) -> bool:
    """Whether a text can be the id of a row: some databases refuse to look for others."""
    return bool(_ID.fullmatch(text))


def manages(actor: Actor) -> None:
    """Pass whoever may manage accounts.

    Raises
    ------
    Forbidden : for all others.
    """
    if not actor.may(Right.ACCOUNTS):
        raise Forbidden(say("account.not_yours"), cure=say("account.not_yours_cure"))


def _one(ledger: Ledger, where: sa.ColumnElement[bool]) -> Account | None:
    rows = ledger.rows(sa.select(tables.account).where(where))
    return Account.of(rows[0]) if rows else None
