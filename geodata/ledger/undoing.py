"""Taking back the last step with a contact point: whose it was, and how things stood before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from geodata.ledger import rules as rule
from geodata.ledger import tables
from geodata.ledger.points import Rows, id_of
from geodata.ledger.roles import Actor
from geodata.ledger.rules import Pick, Standing
from geodata.ledger.troubles import Conflict
from geodata.words import say

_COLUMNS = tuple(field.name for field in fields(Pick))


def steps(source: Rows, name: str, village: str, actor: Actor, since: str) -> list[RowMapping]:
    """The last step with a contact point, when it can be taken back; of a swap both halves.

    Parameters
    ----------
    name, village : id of the contact point, and what its village is called.
    since : when the session began.

    Raises
    ------
    Conflict : somebody else's, taken back already, or made before.
    """
    last = _last_event(source, name)
    if last is None:
        raise Conflict(say("pick.undo_none", name=village))
    if last["actor"] != actor.id:
        raise Conflict(say("pick.undo_other", name=village, who=last["actor_label"]))
    if last["kind"] == "pick.undone":
        raise Conflict(say("pick.undo_twice", name=village))
    if last["at"] < since:
        raise Conflict(say("pick.undo_old", name=village), cure=say("pick.undo_old_cure"))
    if last["kind"] != "pick.swapped":
        return [last]
    half = _other_half(source, last)
    latest = _last_event(source, id_of(half)) if half else None
    if half is None or latest is None or latest["seq"] != half["seq"]:
        raise Conflict(say("pick.undo_partner"), cure=say("pick.undo_old_cure"))
    return [last, half]


def earlier(event: RowMapping, row: Mapping[str, Any] | None) -> Pick:
    """A contact point as it was before an event; one that there was not has been let go."""
    now = pick_of(row or {})
    before = json.loads(event["before"])
    if not before:
        return replace(now, state=rule.RELEASED)
    kept = {name: before[name] for name in ("state", "member", "override") if name in before}
    return replace(now, **kept)


def stands(now: Standing, one: Pick) -> bool:
    """Whether a contact point is the same member's already, so that no rule has to be asked."""
    return any(
        other.id == one.id and other.active and other.member == one.member for other in now.picks
    )


def pick_of(row: Mapping[str, Any]) -> Pick:
    """A row of the table as the rules see it."""
    return Pick(**{name: row[name] for name in _COLUMNS})


def _last_event(source: Rows, name: str) -> RowMapping | None:
    event = tables.event
    found = source.rows(
        sa.select(event)
        .where(event.c.subject == f"pick:{name}")
        .order_by(event.c.seq.desc())
        .limit(1)
    )
    return found[0] if found else None


def _other_half(source: Rows, half: RowMapping) -> RowMapping | None:
    """The other event of a swap: next to it, at the same moment, the other way round."""
    event = tables.event
    found = source.rows(
        sa.select(event).where(
            event.c.seq.in_([half["seq"] - 1, half["seq"] + 1]),
            event.c.kind == half["kind"],
            event.c.actor == half["actor"],
            event.c.at == half["at"],
        )
    )
    turned = (json.loads(half["after"])["member"], json.loads(half["before"])["member"])
    for one in found:
        if (json.loads(one["before"])["member"], json.loads(one["after"])["member"]) == turned:
            return one
    return None
