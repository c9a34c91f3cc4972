"""What was published, taken back and put back: decisions in the ledger, audited like all others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import Actor, Conflict, Decision, Forbidden, Ledger, Right, naming, tables
from geodata.ledger.store import Json
from geodata.ledger.written import CHINA
from geodata.publish.gate import Gate, Mark, Published, Withdrawal
from geodata.words import say

LEAST_WHY, WHY = 2, 300
"""Characters of the reason that the public reads."""


def published(ledger: Ledger) -> Published | None:
    """The last publication; None when there was none.

    Raises
    ------
    LedgerError : when the ledger cannot be read.
    """
    rows = ledger.rows(_publications())
    if not rows:
        return None
    known: dict[str, Mark] = {}
    for row in reversed(rows):
        known |= _marks(row["measures"])
    last = rows[0]
    return Published(
        last["id"],
        last["public"],
        last["edition"],
        last["created_at"],
        last["by"],
        bool(last["demo"]),
        _marks(last["measures"]),
        known,
        json.loads(last["losses"]),
    )


def record(
    ledger: Ledger, actor: Actor, edition: Edition, gate: Gate, public: str, *, key: str = ""
) -> str:
    """Write down that a public edition is published; returns the row's id.

    Parameters
    ----------
    edition : the one that the gate examined.
    public : id of the public edition.
    key : as of `Ledger.decide`.

    Raises
    ------
    Forbidden : for whoever may not publish.
    Conflict : when the gate refused, or another publication or withdrawal came in between.
    LedgerError : when it could not be written.
    """
    needs(actor)
    if not gate.allowed:
        raise Conflict(str(gate.refusals[0]))
    marks = {one.id: _told(one.mark) for one in gate.measures}
    losses = gate.as_dict()["losses"] or {}

    def work(decision: Decision) -> Json:
        # Somebody may have taken a measure back while the pages were written.
        open_ = {row["measure"] for row in decision.rows(_standing())}
        if taken := open_ & set(marks):
            label = marks[sorted(taken)[0]]["label"]
            raise Conflict(
                say("publish.record.meanwhile"),
                value=label,
                cure=say("publish.record.meanwhile_cure"),
            )
        identifier = decision.add(
            tables.publication,
            "publication.published",
            "；".join(f"{name}：{why}" for name, why in gate.accepted.items()),
            public=public,
            edition=edition.id,
            demo=gate.demo,
            measures=_json(marks),
            losses=_json(losses),
            accepted=_json(dict(gate.accepted)),
            by=actor.id,
        )
        return {"id": identifier}

    asked = ["publish", public, edition.id]
    return str(ledger.decide(actor, work, key=key, asked=asked)["id"])


def withdrawals(ledger: Ledger) -> dict[str, Withdrawal]:
    """What was taken back and not put back, by measure, in order of time.

    Raises
    ------
    LedgerError : when the ledger cannot be read.
    """
    return {row["measure"]: _withdrawal(row) for row in ledger.rows(_standing())}


def withdraw(ledger: Ledger, actor: Actor, measure: str, why: str, *, key: str = "") -> Withdrawal:
    """Take a published measure back; from the next publication on, the reason stands in its place.

    Parameters
    ----------
    measure : its id; it must have been published once.
    why : in words that the public reads.

    Raises
    ------
    Forbidden : for whoever may not publish.
    BadRequest : when the reason is missing, too long or unreadable.
    UnknownName : when no such measure was ever published.
    Conflict : when it is taken back already.
    """
    needs(actor)
    reason = naming.line(why, "reason", most=WHY, empty=False)
    if len(reason) < LEAST_WHY:
        raise BadRequest(
            say("publish.record.why_short"),
            value=reason,
            cure=say("publish.record.why_short_cure", most=WHY),
            field="reason",
        )

    def work(decision: Decision) -> Json:
        known: dict[str, Mark] = {}
        for row in reversed(decision.rows(_publications())):
            known |= _marks(row["measures"])
        if measure not in known:
            names = "、".join(known)
            raise UnknownName(
                say("publish.record.never"),
                value=naming.visible(measure),
                cure=say("publish.record.never_cure", names=names)
                if known
                else say("publish.record.none_yet"),
            )
        if any(row["measure"] == measure for row in decision.rows(_standing())):
            raise Conflict(
                say("publish.record.twice"),
                value=known[measure].label,
                cure=say("publish.record.twice_cure", measure=measure),
            )
        identifier = decision.add(
            tables.withdrawal,
            "withdrawal.withdrawn",
            reason,
            measure=measure,
            label=known[measure].label,
            why=reason,
            by=actor.id,
            lifted_at="",
        )
        return {**(decision.row(tables.withdrawal, identifier) or {})}

    answer = ledger.decide(actor, work, key=key, asked=["withdraw", measure, reason])
    return _withdrawal(answer)


def lift(ledger: Ledger, actor: Actor, measure: str, why: str = "", *, key: str = "") -> Withdrawal:
    """Put a measure back: the next publication may hold it again.

    Raises
    ------
    Forbidden : for whoever may not publish.
    UnknownName : when it is not taken back.
    """
    needs(actor)
    reason = naming.line(why, "reason", most=WHY)

    def work(decision: Decision) -> Json:
        rows = {row["measure"]: row for row in decision.rows(_standing())}
        if measure not in rows:
            raise UnknownName(
                say("publish.record.not_withdrawn"),
                value=naming.visible(measure),
                cure=say("publish.record.not_withdrawn_cure", names="、".join(rows))
                if rows
                else say("publish.record.none_withdrawn"),
            )
        row = rows[measure]
        decision.change(
            tables.withdrawal, row["id"], "withdrawal.lifted", reason, lifted_at=decision.at
        )
        return {**row}

    return _withdrawal(ledger.decide(actor, work, key=key, asked=["lift", measure, reason]))


def needs(actor: Actor) -> None:
    """Pass whoever may publish.

    Raises
    ------
    Forbidden : for all others.
    """
    if not actor.may(Right.PUBLISH):
        raise Forbidden(say("publish.record.forbidden"), cure=say("publish.record.forbidden_cure"))


def _publications() -> sa.Select[Any]:
    table = tables.publication
    return sa.select(table).order_by(table.c.created_at.desc(), table.c.id.desc())


def _standing() -> sa.Select[Any]:
    table = tables.withdrawal
    return sa.select(table).where(table.c.lifted_at == "").order_by(table.c.created_at, table.c.id)


def _withdrawal(row: Mapping[Any, Any]) -> Withdrawal:
    at = datetime.fromisoformat(row["created_at"].replace("Z", "+00:00"))
    day = at.astimezone(CHINA).date().isoformat()
    return Withdrawal(row["measure"], row["label"], row["why"], day)


def _told(mark: Mark) -> Json:
    return {
        "label": mark.label,
        "definition": mark.definition,
        "values": mark.values,
        "periods": dict(mark.periods),
    }


def _marks(text: str) -> dict[str, Mark]:
    return {
        name: Mark(one["label"], one["definition"], one["values"], one["periods"])
        for name, one in json.loads(text).items()
    }


def _json(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
