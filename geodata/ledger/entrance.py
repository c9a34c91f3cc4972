"""Signing in, and what people change about their own way in: password and one-time codes.

The slow part, a hash of 20 MiB, is done before the transaction that counts: nobody waits for it.
What it found is believed only when the account and the count still allow it inside.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import codes, guards, naming, passwords, sessions, tables
from geodata.ledger.people import Account, is_id
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Conflict, LedgerError, Refused
from geodata.words import say


@dataclass(frozen=True)
class SignedIn:
    """Somebody came in."""

    account: Account
    token: str = field(repr=False)
    """For the session's cookie."""


@dataclass(frozen=True)
class Refusal:
    """Nobody came in."""

    why: Literal["wrong", "locked", "code", "wrong_code", "late", "nobody"]
    """wrong: name or password (or disabled: not told apart); locked: too many failures, said of
    names without an account, too; code: the password was right, now the one-time code is asked
    for; wrong_code: that was wrong or used before; late: the account was changed since; nobody: a
    provider vouches for somebody who has no account here, or a disabled one."""
    sentence: str
    seconds: int = 0
    """Until a lock ends."""
    proof: str = field(default="", repr=False)
    """With `code`: what `go_on` wants. Who keeps it must keep it from being altered."""


def sign_in(
    ledger: Ledger,
    name: str,
    password: str,
    code: str = "",
    *,
    address: str = "",
    agent: str = "",
) -> SignedIn | Refusal:
    """Let somebody in who knows the password (and the one-time code, where they are used).

    The work and the answer are the same for an unknown name, a wrong password and a disabled
    account. Five failures lock the name, known or not, for 15 minutes.

    Raises
    ------
    LedgerError : when the attempt cannot be counted; then nobody is let in.
    """
    row = _named(ledger, name)
    held = row["password"] if row is not None and not row["disabled"] else ""
    right = passwords.verify(held, password)
    with ledger.noting() as connection:
        at = ledger.clock()
        guard = guards.of(connection, name, at)
        if guard.locked(at):
            return _locked(guard, at)
        row = _row(connection, row["id"]) if right and row is not None else None
        if row is None or row["disabled"] or row["password"] != held:
            return _refused(guards.failed(connection, name, at), at, "wrong")
        found = _let_in(connection, row, code, at, address=address, agent=agent)
    if isinstance(found, SignedIn):
        _renew(ledger, found.account, held, password)
    return found


def go_on(
    ledger: Ledger, proof: str, code: str, *, address: str = "", agent: str = ""
) -> SignedIn | Refusal:
    """Let somebody in whose password was right a moment ago, by the one-time code alone.

    Parameters
    ----------
    proof : from the `Refusal` that asked for the code.

    Raises
    ------
    LedgerError : when the attempt cannot be counted; then nobody is let in.
    """
    identifier = proof.partition(":")[0]
    with ledger.noting() as connection:
        at = ledger.clock()
        row = _row(connection, identifier) if is_id(identifier) else None
        if row is None or row["disabled"] or not hmac.compare_digest(_proof(row), proof):
            return Refusal("late", say("account.sign_in.late"))
        guard = guards.of(connection, row["name"], at)
        if guard.locked(at):
            return _locked(guard, at)
        return _let_in(connection, row, code, at, address=address, agent=agent)


def enter(
    ledger: Ledger, issuer: str, subject: str, *, address: str = "", agent: str = ""
) -> SignedIn | Refusal:
    """Let somebody in for whom an OpenID Connect provider vouches."""
    nobody = Refusal("nobody", say("account.sign_in.nobody"))
    if not naming.is_claim(issuer) or not naming.is_claim(subject):
        return nobody
    table = tables.account.c
    query = sa.select(tables.account).where(table.issuer == issuer, table.subject == subject)
    with ledger.noting() as connection:
        row = connection.execute(query).mappings().one_or_none()
        if row is None or row["disabled"]:
            return nobody
        account = Account.of(row)
        token = sessions.begun(connection, account.id, ledger.clock(), address=address, agent=agent)
    return SignedIn(account, token)


def change_password(
    ledger: Ledger, account_id: str, old: str, new: str, *, keep: str = "", key: str = ""
) -> Account:
    """Change one's own password, and sign out everywhere but where the token `keep` is held.

    Parameters
    ----------
    key : as of `Ledger.decide`.

    Raises
    ------
    Refused : when the old one is wrong (it counts as a failure), the name is locked, the new one
        is the old one or too weak, or the person signs in elsewhere.
    """
    row = _confirmed(ledger, account_id, old)
    if passwords.normal(new) == passwords.normal(old):
        raise _against("same", say("account.password.same"))
    passwords.check(new, row["name"], row["label"], row["unit"])
    hashed = passwords.hashed(new)

    def work(decision: Decision) -> Json:
        _unchanged(decision, row)
        decision.change(
            tables.account, row["id"], "account.password", password=hashed, must_change=False
        )
        sessions.ended(decision.connection, row["id"], but=keep)
        return told(decision, row["id"])

    return Account.of(ledger.decide(Account.of(row).actor, work, key=key, asked="password"))


def use_codes(
    ledger: Ledger, account_id: str, password: str, secret: str, code: str, *, key: str = ""
) -> Account:
    """Ask for one-time codes from now on; a first code proves that the phone has the secret.

    Raises
    ------
    Refused : when password or code is wrong, or the person signs in elsewhere.
    """
    if not codes.is_secret(secret):
        raise BadRequest(say("account.secret_form"), cure=say("account.secret_form_cure"))
    row = _confirmed(ledger, account_id, password)

    def work(decision: Decision) -> Json:
        _unchanged(decision, row)
        step = codes.step(secret, code, decision.at)
        if step is None:
            raise _against("code", say("account.sign_in.wrong_code"))
        guards.passed(decision.connection, row["name"], decision.at, step)
        decision.change(tables.account, row["id"], "account.codes_on", totp=secret)
        return told(decision, row["id"])

    return Account.of(ledger.decide(Account.of(row).actor, work, key=key, asked="codes_on"))


def drop_codes(ledger: Ledger, account_id: str, password: str, *, key: str = "") -> Account:
    """Ask for one-time codes no more.

    Raises
    ------
    Refused : when the password is wrong, or the person signs in elsewhere.
    """
    row = _confirmed(ledger, account_id, password)

    def work(decision: Decision) -> Json:
        _unchanged(decision, row)
        decision.change(tables.account, row["id"], "account.codes_off", totp="")
        return told(decision, row["id"])

    return Account.of(ledger.decide(Account.of(row).actor, work, key=key, asked="codes_off"))


def _confirmed(ledger: Ledger, account_id: str, password: str) -> Json:
    """The row of an account whose password was typed again: a session alone is not the person."""
    row = None
    if is_id(account_id):
        with ledger.reading() as connection:
            row = _row(connection, account_id)
    if row is None or row["disabled"]:
        raise UnknownName(say("account.unknown"), value=naming.visible(account_id))
    if not row["password"]:
        raise _against("elsewhere", say("account.elsewhere"))
    right = passwords.verify(row["password"], password)
    with ledger.noting() as connection:
        at = ledger.clock()
        guard = guards.of(connection, row["name"], at)
        if not guard.locked(at):
            if right:
                guards.passed(connection, row["name"], at)
                return row
            guard = guards.failed(connection, row["name"], at)
    # Outside of the transaction: raised inside, the count would be undone.
    if guard.locked(at):
        raise _against("locked", _locked(guard, at).sentence)
    raise _against("old", say("account.password.old"))


def _unchanged(decision: Decision, row: Json) -> None:
    now = decision.row(tables.account, row["id"])
    if now is None or now["disabled"] or now["password"] != row["password"]:
        raise Conflict(say("account.changed_meanwhile"), cure=say("account.changed_meanwhile_cure"))


def _renew(ledger: Ledger, account: Account, held: str, password: str) -> None:
    """Hash a password anew when the parameters have changed; the next sign-in may do it, too."""
    if not passwords.outdated(held):
        return
    hashed = passwords.hashed(password)

    def work(decision: Decision) -> Json:
        row = decision.row(tables.account, account.id)
        if row is not None and row["password"] == held:
            decision.change(tables.account, account.id, "account.rehashed", password=hashed)
        return {}

    with contextlib.suppress(LedgerError):
        ledger.decide(account.actor, work)


def told(decision: Decision, identifier: str) -> Json:
    """An account's row as an answer that may be kept: without what is secret in it."""
    row = decision.row(tables.account, identifier) or {}
    return row | {name: bool(row.get(name)) for name in ("password", "totp")}


def _let_in(
    connection: Connection, row: Json, code: str, at: str, *, address: str, agent: str
) -> SignedIn | Refusal:
    """Begin a session for who knew the password, once the one-time code is right, too."""
    name, step = row["name"], 0
    if row["totp"]:
        if not code.strip():
            return Refusal("code", say("account.sign_in.code"), proof=_proof(row))
        step = codes.step(row["totp"], code, at) or 0
        if step <= guards.of(connection, name, at).totp_step:
            return _refused(guards.failed(connection, name, at), at, "wrong_code")
    guards.passed(connection, name, at, step)
    account = Account.of(row)
    token = sessions.begun(connection, account.id, at, address=address, agent=agent)
    return SignedIn(account, token)


def _proof(row: Json) -> str:
    """Names an account as it stands: another password or secret, and it is another one."""
    held = f"{row['password']}\n{row['totp']}\n{row['must_change']}"
    return f"{row['id']}:{hashlib.sha256(held.encode()).hexdigest()}"


def _named(ledger: Ledger, name: str) -> Json | None:
    # Looked for even when it cannot be a name: the same work for all.
    wanted = naming.folded(name) if naming.is_name(name) else ""
    rows = ledger.rows(sa.select(tables.account).where(tables.account.c.name == wanted))
    return {**rows[0]} if rows else None


def _row(connection: Connection, identifier: str) -> Json | None:
    query = sa.select(tables.account).where(tables.account.c.id == identifier)
    row = connection.execute(query).mappings().one_or_none()
    return {**row} if row is not None else None


def _refused(guard: guards.Guard, at: str, why: Literal["wrong", "wrong_code"]) -> Refusal:
    return _locked(guard, at) if guard.locked(at) else Refusal(why, say(f"account.sign_in.{why}"))


def _locked(guard: guards.Guard, at: str) -> Refusal:
    left = guard.locked(at)
    sentence = say(
        "account.sign_in.locked", failures=guards.FAILURES, minutes=max(1, -(-left // 60))
    )
    return Refusal("locked", sentence, left)


def _against(rule: str, sentence: str, **where: Any) -> Refused:
    row = {"rule": rule, "sentence": sentence, "can_override": False}
    return Refused(sentence, breaches=[row], **where)
