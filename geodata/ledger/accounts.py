"""Accounts, managed: made, changed, disabled, given a new password. The door to all about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import guards, naming, passwords, sessions, tables
from geodata.ledger.entrance import (
    Refusal,
    SignedIn,
    change_password,
    drop_codes,
    enter,
    go_on,
    sign_in,
    told,
    use_codes,
)
from geodata.ledger.people import (
    Account,
    account,
    all_accounts,
    is_id,
    manages,
    named,
    vouched,
)
from geodata.ledger.roles import Actor, Role
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Conflict, Refused
from geodata.words import say

__all__ = [
    "Account",
    "Refusal",
    "SignedIn",
    "account",
    "all_accounts",
    "bind",
    "change",
    "change_password",
    "create",
    "disable",
    "drop_codes",
    "enable",
    "enter",
    "go_on",
    "named",
    "reset_password",
    "sign_in",
    "sign_in_elsewhere",
    "sign_out",
    "unlock",
    "use_codes",
    "vouched",
]

CHANGEABLE = ("label", "role", "district", "unit")
"""Columns that `change` takes. A name stays: it is what failures are counted under."""


def create(
    ledger: Ledger,
    actor: Actor,
    *,
    name: str,
    label: str,
    role: Role | str,
    district: str = "",
    unit: str = "",
    password: str | None = None,
    issuer: str = "",
    subject: str = "",
    elsewhere: bool = False,
    must_change: bool = True,
    key: str = "",
) -> tuple[Account, str]:
    """A new account, and its first password: made up when none is given.

    Parameters
    ----------
    district : code; a district's officer needs one, nobody else has one.
    issuer, subject : of an OpenID Connect provider that vouches for the person, instead of a
        password; the password returned is "" then.
    elsewhere : the person will sign in by such a provider; the first time binds the account.
    must_change : whether the password is good for nothing but choosing another one.
    key : as of `Ledger.decide`. The password has to be given then, as made from the same seed:
        the one that was first given is kept nowhere.

    Raises
    ------
    Forbidden : for whoever may not manage accounts.
    BadRequest : when name, label, role, district or unit cannot be.
    Refused : when the password is too weak.
    Conflict : when the name is taken.
    """
    manages(actor)
    elsewhere = elsewhere or bool(issuer or subject)
    values = {"name": naming.name(name)} | _checked(
        {"label": label, "role": role, "district": district, "unit": unit}
    )
    if bool(issuer) != bool(subject) or (
        issuer and not (naming.is_claim(issuer) and naming.is_claim(subject))
    ):
        raise BadRequest(say("account.claim_form"), cure=say("account.claim_form_cure"))
    given = "" if elsewhere else password if password is not None else passwords.first()
    if not elsewhere:
        passwords.check(given, values["name"], values["label"], values["unit"])
    hashed = passwords.hashed(given) if given else ""

    def work(decision: Decision) -> Json:
        taken = sa.select(tables.account.c.id).where(tables.account.c.name == values["name"])
        if decision.rows(taken):
            raise Conflict(
                say("account.taken"), value=values["name"], cure=say("account.taken_cure")
            )
        _unbound(decision, issuer, subject)
        identifier = decision.add(
            tables.account,
            "account.created",
            **values,
            password=hashed,
            must_change=must_change and not elsewhere,
            totp="",
            issuer=issuer,
            subject=subject,
            disabled=False,
        )
        return told(decision, identifier)

    asked = ["create", values, issuer, subject, elsewhere]
    return Account.of(ledger.decide(actor, work, key=key, asked=asked)), given


def change(
    ledger: Ledger,
    actor: Actor,
    identifier: str,
    *,
    reason: str = "",
    key: str = "",
    **columns: Any,
) -> Account:
    """Change label, role, district or unit; another role or district ends the sessions.

    Raises
    ------
    Forbidden, UnknownName, BadRequest : as for `create`.
    Refused : when it would leave no administrator.
    """
    for column in columns:
        if column not in CHANGEABLE:
            raise BadRequest(
                say("account.no_column"),
                value=naming.visible(column),
                cure=say("error.allowed", names="、".join(CHANGEABLE)),
            )

    asked = {column: naming.visible(str(value)) for column, value in columns.items()}

    def work(decision: Decision, row: Json) -> Json:
        wanted = {column: row[column] for column in CHANGEABLE} | columns
        if "district" not in columns and wanted["role"] != Role.DISTRICT:
            wanted["district"] = ""
        checked = _checked(wanted)
        if checked["role"] != Role.ADMINISTRATOR:
            _not_the_last(decision, row)
        if (checked["role"], checked["district"]) != (row["role"], row["district"]):
            sessions.ended(decision.connection, row["id"])
        return checked

    return _decided(
        ledger, actor, identifier, "account.changed", work, reason, key=key, asked=asked
    )


def disable(
    ledger: Ledger, actor: Actor, identifier: str, reason: str = "", *, key: str = ""
) -> Account:
    """Shut an account out, at once; what it decided stays.

    Raises
    ------
    Forbidden, UnknownName : as for `create`.
    Refused : for the last administrator.
    """

    def work(decision: Decision, row: Json) -> Json:
        _not_the_last(decision, row)
        sessions.ended(decision.connection, row["id"])
        return {"disabled": True}

    return _decided(ledger, actor, identifier, "account.disabled", work, reason, key=key)


def enable(
    ledger: Ledger, actor: Actor, identifier: str, reason: str = "", *, key: str = ""
) -> Account:
    """Let a disabled account in again."""
    return _decided(
        ledger,
        actor,
        identifier,
        "account.enabled",
        lambda *_: {"disabled": False},
        reason,
        key=key,
    )


def reset_password(
    ledger: Ledger,
    actor: Actor,
    identifier: str,
    *,
    reason: str = "",
    without_codes: bool = False,
    key: str = "",
    seed: str = "",
) -> str:
    """A new first password, returned this once; sessions end, and a lock is lifted.

    Whoever signed in by an OpenID Connect provider signs in by password from then on.

    Parameters
    ----------
    without_codes : also ask for no one-time codes any more, for whoever lost the phone.
    key : as of `Ledger.decide`; with a `seed` of the password, so that asked again it is the same.
    """
    manages(actor)
    first = passwords.first(seed)
    hashed = passwords.hashed(first)

    def work(decision: Decision, row: Json) -> Json:
        sessions.ended(decision.connection, row["id"])
        guards.lift(decision.connection, row["name"], decision.at)
        wanted = {"password": hashed, "must_change": True, "issuer": "", "subject": ""}
        return wanted | ({"totp": ""} if without_codes else {})

    _decided(ledger, actor, identifier, "account.reset", work, reason, key=key, asked=without_codes)
    return first


def sign_in_elsewhere(
    ledger: Ledger, actor: Actor, identifier: str, reason: str = "", *, key: str = ""
) -> Account:
    """Have an OpenID Connect provider vouch instead of a password; the next sign-in binds."""

    def work(decision: Decision, row: Json) -> Json:
        sessions.ended(decision.connection, row["id"])
        return {"password": "", "totp": "", "must_change": False, "issuer": "", "subject": ""}

    return _decided(ledger, actor, identifier, "account.elsewhere", work, reason, key=key)


def bind(ledger: Ledger, issuer: str, subject: str, name: str) -> Account:
    """Bind an account that waits for it to whom a provider vouches for, at the first sign-in.

    It waits when it has no password and no subject yet, is not disabled, and has the very name
    that the provider claims.

    Raises
    ------
    Refused : in all other cases.
    """
    refused = Refused(say("account.bind"), cure=say("account.bind_cure"))
    if not (naming.is_claim(issuer) and naming.is_claim(subject) and naming.is_name(name)):
        raise refused
    found = named(ledger, name)
    if found is None:
        raise refused

    def work(decision: Decision) -> Json:
        row = decision.row(tables.account, found.id)
        if row is None or row["password"] or row["subject"] or row["disabled"]:
            raise refused
        _unbound(decision, issuer, subject)
        decision.change(tables.account, found.id, "account.bound", issuer=issuer, subject=subject)
        return decision.row(tables.account, found.id) or {}

    return Account.of(ledger.decide(found.actor, work))


def unlock(ledger: Ledger, actor: Actor, name: str) -> bool:
    """Forget the failures of a name; says whether any stood against it."""
    manages(actor)
    with ledger.noting() as connection:
        return guards.lift(connection, name, ledger.clock())


def sign_out(ledger: Ledger, actor: Actor, identifier: str) -> int:
    """End all sessions of somebody else; returns how many there were."""
    manages(actor)
    return sessions.end_all(ledger, _known(ledger, identifier).id)


def _decided(
    ledger: Ledger,
    actor: Actor,
    identifier: str,
    kind: str,
    work: Callable[[Decision, Json], Json],
    reason: str = "",
    *,
    key: str = "",
    asked: Any = None,
) -> Account:
    """Change an account's columns to what `work` returns for its row."""
    manages(actor)
    why = naming.line(reason, "reason", most=naming.REASON)
    known = _known(ledger, identifier)

    def decide(decision: Decision) -> Json:
        row = decision.row(tables.account, known.id) or {}
        decision.change(tables.account, known.id, kind, why, **work(decision, row))
        return told(decision, known.id)

    wanted = [kind, known.id, why, asked]
    return Account.of(ledger.decide(actor, decide, key=key, asked=wanted))


def _known(ledger: Ledger, identifier: str) -> Account:
    found = account(ledger, identifier) if is_id(identifier) else None
    if found is None:
        raise UnknownName(say("account.unknown"), value=naming.visible(identifier))
    return found


def _checked(columns: Json) -> Json:
    """Label, role, district and unit as they are kept."""
    try:
        role = Role(columns["role"])
    except ValueError:
        raise BadRequest(
            say("account.no_role"),
            value=naming.visible(str(columns["role"])),
            cure=say("error.allowed", names="、".join(Role)),
        ) from None
    label = naming.line(columns["label"], "label", most=naming.LABEL, empty=False)
    unit = naming.line(columns["unit"], "unit", most=naming.UNIT)
    district = naming.line(columns["district"], "district", most=naming.LABEL)
    if role is Role.DISTRICT and not district:
        raise BadRequest(say("account.needs_district"), cure=say("account.needs_district_cure"))
    if role is not Role.DISTRICT and district:
        raise BadRequest(
            say("account.no_district"), value=district, cure=say("account.no_district_cure")
        )
    return {"label": label, "role": role.value, "district": district, "unit": unit}


def _not_the_last(decision: Decision, row: Json) -> None:
    """Pass unless a row is the last administrator who can sign in."""
    if row["role"] != Role.ADMINISTRATOR or row["disabled"]:
        return
    table = tables.account.c
    others = sa.select(table.id).where(
        table.role == Role.ADMINISTRATOR.value,
        table.disabled == sa.false(),
        table.id != row["id"],
    )
    if not decision.rows(others):
        raise Refused(say("account.last"), value=row["name"], cure=say("account.last_cure"))


def _unbound(decision: Decision, issuer: str, subject: str) -> None:
    """Pass when nobody is bound to what a provider calls a person."""
    table = tables.account.c
    bound = sa.select(table.id).where(table.issuer == issuer, table.subject == subject)
    if subject and decision.rows(bound):
        raise Conflict(say("account.bound"), cure=say("account.bind_cure"))
