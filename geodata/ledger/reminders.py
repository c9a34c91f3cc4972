"""What is due, for whoever signs in: visits, problems, re-checks and whatever waits for the office.

Each group names all that is due in `count` and shows the most pressing `SHOWN` of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from geodata.edition import Edition
from geodata.ledger import problems, tables, where, written
from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.rules import PROPOSED
from geodata.ledger.store import Json, Ledger
from geodata.ledger.visits import HELD
from geodata.words import say

SOON = 7
"""Days before a deadline at which a problem is called for."""
SHOWN = 20

PRESSING = {
    "proposed": False,
    "overdue": True,
    "visit": True,
    "soon": False,
    "recheck": False,
    "assign": False,
    "strike_off": False,
}
"""Groups, the first to be read first, and whether each is late already."""

Row = Mapping[str, Any]
Found = dict[str, list[Row]]
"""Rows of each group, the most pressing first."""


def due(ledger: Ledger, edition: Edition, actor: Actor) -> list[Json]:
    """What is due for somebody, the most pressing group first; nothing for who only reads.

    Returns
    -------
    Groups `kind` (proposed, overdue, visit, soon, recheck, assign, strike_off), `count`,
    `sentence`, `pressing`, `items`: rows `village`, `name`, `problem` (id, "" for a visit), `day`
    (deadline, or that of the last visit; may be ""), `days` (late, left, or since), `sentence`.

    A member is told of the own contact points, a district's officer of the own district, the
    office of everything.
    """
    today = written.day_of(ledger.clock())
    with ledger.reading() as connection:
        found = _found(connection, edition, actor, today)
        found["visit"] = _longest_first(connection, edition, found["visit"], today)
    return [
        {
            "kind": kind,
            "count": len(found[kind]),
            "sentence": say(f"board.due.{kind}", count=len(found[kind])),
            "pressing": pressing,
            "items": [_item(edition, actor, kind, row, today) for row in found[kind][:SHOWN]],
        }
        for kind, pressing in PRESSING.items()
        if found.get(kind)
    ]


def count(connection: Connection, edition: Edition, actor: Actor, today: str) -> int:
    """How much `due` names in all, without a word of it: what an open page polls for.

    Parameters
    ----------
    connection : of `Ledger.reading`, perhaps with other questions about the same moment.
    today : the ledger's day.
    """
    return sum(map(len, _found(connection, edition, actor, today).values()))


# ---- what is due ----


def _found(connection: Connection, edition: Edition, actor: Actor, today: str) -> Found:
    picks = _picks(connection, edition, actor)
    mine = [row for row in picks if row["member"] == actor.id]
    held = [row for row in picks if row["state"] in HELD]
    keeps = actor.may(Right.PICK)
    own = {row["village"] for row in mine if keeps and row["state"] in HELD}
    proposed = {row["village"]: row for row in mine if row["state"] == PROPOSED}
    return {
        **_problems(connection, edition, actor, own, today),
        "visit": _late(connection, edition, held, today)
        if keeps or actor.may(Right.DIRECT)
        else [],
        "proposed": list(proposed.values()),
    }


def _picks(connection: Connection, edition: Edition, actor: Actor) -> list[Row]:
    """Contact points, and what was proposed as such, oldest first: one's own, or everybody's."""
    pick, account = tables.pick.c, tables.account.c
    query = (
        sa.select(pick.village, pick.member, pick.state, pick.created_at, account.label)
        .select_from(tables.pick.outerjoin(tables.account, account.id == pick.member))
        .where(
            pick.round == edition.space.contact_round.id,
            pick.state.in_((*HELD, PROPOSED)),
        )
        .order_by(pick.created_at, pick.id)
    )
    if not actor.may(Right.DIRECT):
        query = query.where(pick.member == actor.id)
    return [{**row} for row in connection.execute(query).mappings()]


def _problems(
    connection: Connection, edition: Edition, actor: Actor, own: set[str], today: str
) -> dict[str, list[Row]]:
    """Groups of problems: by what a person may do, and where."""
    problem = tables.problem.c
    office = actor.may(Right.DIRECT)
    # No more than is asked about: what was said of a problem is long.
    query = sa.select(
        problem.id, problem.village, problem.district, problem.category, problem.state,
        problem.deadline, problem.found_on, problem.fixed_by,
    ).where(
        problem.round == edition.space.contact_round.id, problem.state != problems.STRUCK_OFF
    )  # fmt: skip
    if actor.role is Role.DISTRICT:
        query = query.where(problem.district == actor.district)
    elif not office:
        if not actor.may(Right.CHECK):
            return {}
        concerns = [problem.found_by == actor.id]
        if own:
            concerns.append(problem.village.in_(sorted(own)))
        query = query.where(sa.or_(*concerns))
    order = (problem.deadline, problem.found_on, problem.id)
    rows: list[Row] = [{**row} for row in connection.execute(query.order_by(*order)).mappings()]
    soon = written.after(today, SOON)
    found: dict[str, list[Row]] = {
        "overdue": [row for row in rows if problems.overdue(row, today)],
        "soon": [
            row
            for row in rows
            if row["state"] == problems.ASSIGNED and today <= row["deadline"] <= soon
        ],
    }
    for step in ("recheck", "assign", "strike_off"):
        if office or step == "recheck":
            # The state first: for others a barrier is told in words, and there are hundreds.
            before = problems.STEPS[step].before
            found[step] = [
                row
                for row in rows
                if row["state"] in before and problems.barrier(actor, row, step) is None
            ]
    return found


def _late(connection: Connection, edition: Edition, held: list[Row], today: str) -> list[Row]:
    """Contact points that their own member has not visited for too long.

    Somebody else's visit does not count: the contact point is the member's to keep.
    """
    limit = edition.space.contact_points.visit_days
    soonest = written.after(today, -limit)
    # Who has just picked a village need not have been there.
    old = [row for row in held if written.day_of(row["created_at"]) < soonest]
    lately = _last_by_member(connection, edition, old, soonest)
    return [row for row in old if (row["village"], row["member"]) not in lately]


def _longest_first(
    connection: Connection, edition: Edition, late: list[Row], today: str
) -> list[Row]:
    """Late ones with `day`, that of the last visit or "", `since`, from which it counts, `days`."""
    last = _last_by_member(connection, edition, late)
    found = []
    for row in late:
        day = last.get((row["village"], row["member"]), "")
        since = max(day, written.day_of(row["created_at"]))
        days = written.days_between(since, today)
        found.append({**row, "day": day, "since": since, "days": days})
    return sorted(found, key=lambda one: -one["days"])


def _last_by_member(
    connection: Connection, edition: Edition, held: list[Row], soonest: str = ""
) -> dict[tuple[str, str], str]:
    """The day of the last visit of each village by each member who was there.

    Parameters
    ----------
    soonest : only visits from this day on.
    """
    if not held:
        return {}
    visit = tables.visit.c
    query = sa.select(visit.village, visit.day, visit.members).where(
        visit.round == edition.space.contact_round.id,
        visit.withdrawn.is_(False),
        visit.village.in_(sorted({row["village"] for row in held})),
        visit.day >= soonest,
    )
    found: dict[tuple[str, str], str] = {}
    for row in connection.execute(query).mappings():
        for one in json.loads(row["members"]):
            key = (row["village"], one)
            found[key] = max(found.get(key, ""), row["day"])
    return found


# ---- in words ----


def _item(edition: Edition, actor: Actor, kind: str, row: Row, today: str) -> Json:
    name = where.name(edition, row["village"])
    words: dict[str, object]
    if kind == "proposed":
        day, days, form, words = "", 0, kind, {"name": name}
    elif kind == "visit":
        day, days = row["day"], row["days"]
        form = "visit_" + ("others" if row["member"] != actor.id else "own")
        form += "" if day else "_never"
        words = {
            "name": name,
            "label": row["label"] or row["member"],
            "days": days,
            "day": written.day_words(row["since"]),
        }
    else:
        day = row["deadline"]
        days = written.days_between(today, day) if day else 0
        form = "today" if kind == "soon" and days == 0 else kind
        days = abs(days)
        words = {
            "name": name,
            "category": problems.category_label(edition.space, row["category"]),
            "days": days,
            "deadline": written.day_words(day),
            "found": written.day_words(row["found_on"]),
        }
    return {
        "village": row["village"],
        "name": name,
        "problem": "" if kind in ("proposed", "visit") else row["id"],
        "day": day,
        "days": days,
        "sentence": say(f"board.due_one.{form}", **words),
    }
