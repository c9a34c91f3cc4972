"""What is due, for whoever signs in: visits, problems, re-checks and whatever waits for the office.

Each group names all that is due in `count` and shows the most pressing `SHOWN` of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

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
    round_id = edition.space.contact_round.id
    with ledger.reading() as connection:
        own = _held(connection, round_id, actor.id) if actor.may(Right.PICK) else []
        groups = [
            *_problems(connection, edition, actor, {row["village"] for row in own}, today),
            _visits(connection, edition, actor, today),
            _proposed(connection, edition, actor),
        ]
    order = ("proposed", "overdue", "visit", "soon", "recheck", "assign", "strike_off")
    return sorted(
        (one for one in groups if one is not None), key=lambda one: order.index(one["kind"])
    )


def _group(kind: str, pressing: bool, items: list[Json]) -> Json | None:
    if not items:
        return None
    return {
        "kind": kind,
        "count": len(items),
        "sentence": say(f"board.due.{kind}", count=len(items)),
        "pressing": pressing,
        "items": items[:SHOWN],
    }


def _problems(
    connection: Connection, edition: Edition, actor: Actor, own: set[str], today: str
) -> Iterable[Json | None]:
    """Groups of problems: by what a person may do, and where."""
    problem = tables.problem.c
    office = actor.may(Right.DIRECT)
    round_id = edition.space.contact_round.id
    query = sa.select(tables.problem).where(
        problem.round == round_id, problem.state != problems.STRUCK_OFF
    )
    if actor.role is Role.DISTRICT:
        query = query.where(problem.district == actor.district)
    elif not office:
        if not actor.may(Right.CHECK):
            return
        concerns = [problem.found_by == actor.id]
        if own:
            concerns.append(problem.village.in_(sorted(own)))
        query = query.where(sa.or_(*concerns))
    order = (problem.deadline, problem.found_on, problem.id)
    rows = [{**row} for row in connection.execute(query.order_by(*order)).mappings()]

    def some(keep: Callable[[Json], bool], kind: str) -> list[Json]:
        return [_item(edition, row, kind, today) for row in rows if keep(row)]

    soon = written.after(today, SOON)
    yield _group("overdue", True, some(lambda row: problems.overdue(row, today), "overdue"))
    yield _group(
        "soon",
        False,
        some(
            lambda row: row["state"] == problems.ASSIGNED and today <= row["deadline"] <= soon,
            "soon",
        ),
    )
    for step in ("recheck", "assign", "strike_off"):
        if office or step == "recheck":
            mine = [row for row in rows if problems.barrier(actor, row, step) is None]
            yield _group(step, False, [_item(edition, row, step, today) for row in mine])


def _item(edition: Edition, row: Json, kind: str, today: str) -> Json:
    days = written.days_between(today, row["deadline"]) if row["deadline"] else 0
    name = where.name(edition, row["village"])
    words = {
        "name": name,
        "category": problems.category_label(edition.space, row["category"]),
        "days": abs(days),
        "deadline": written.day_words(row["deadline"]),
        "found": written.day_words(row["found_on"]),
    }
    form = "today" if kind == "soon" and days == 0 else kind
    return {
        "village": row["village"],
        "name": name,
        "problem": row["id"],
        "day": row["deadline"],
        "days": abs(days),
        "sentence": say(f"board.due_one.{form}", **words),
    }


def _held(connection: Connection, round_id: str, member: str = "") -> list[Json]:
    """Contact points: village, member, and the day since when."""
    pick, account = tables.pick.c, tables.account.c
    query = (
        sa.select(pick.village, pick.member, pick.created_at, account.label)
        .select_from(tables.pick.outerjoin(tables.account, account.id == pick.member))
        .where(pick.round == round_id, pick.state.in_(HELD))
        .order_by(pick.created_at, pick.id)
    )
    if member:
        query = query.where(pick.member == member)
    return [{**row} for row in connection.execute(query).mappings()]


def _visits(connection: Connection, edition: Edition, actor: Actor, today: str) -> Json | None:
    """Contact points that their own member has not visited for too long.

    Somebody else's visit does not count: the contact point is the member's to keep.
    """
    office = actor.may(Right.DIRECT)
    if not (office or actor.may(Right.PICK)):
        return None
    round_id = edition.space.contact_round.id
    held = _held(connection, round_id, "" if office else actor.id)
    if not held:
        return None
    last = _last_by_member(connection, round_id, {row["village"] for row in held})
    limit = edition.space.contact_points.visit_days
    late: list[tuple[int, Json]] = []
    for row in held:
        day = last.get((row["village"], row["member"]), "")
        # Who has just picked a village need not have been there.
        since = max(day, written.day_of(row["created_at"]))
        days = written.days_between(since, today)
        if days > limit:
            name = where.name(edition, row["village"])
            form = ("others" if row["member"] != actor.id else "own") + ("" if day else "_never")
            words = {
                "name": name,
                "label": row["label"] or row["member"],
                "days": days,
                "day": written.day_words(since),
            }
            item = {
                "village": row["village"],
                "name": name,
                "problem": "",
                "day": day,
                "days": days,
                "sentence": say(f"board.due_one.visit_{form}", **words),
            }
            late.append((days, item))
    late.sort(key=lambda one: -one[0])
    return _group("visit", True, [item for _, item in late])


def _proposed(connection: Connection, edition: Edition, actor: Actor) -> Json | None:
    """Contact points that the office proposed to the person, who has not answered yet."""
    pick = tables.pick.c
    query = (
        sa.select(pick.village)
        .where(
            pick.round == edition.space.contact_round.id,
            pick.member == actor.id,
            pick.state == PROPOSED,
        )
        .order_by(pick.created_at, pick.id)
    )
    names = {row.village: where.name(edition, row.village) for row in connection.execute(query)}
    items = [
        {
            "village": village,
            "name": name,
            "problem": "",
            "day": "",
            "days": 0,
            "sentence": say("board.due_one.proposed", name=name),
        }
        for village, name in names.items()
    ]
    return _group("proposed", False, items)


def _last_by_member(
    connection: Connection, round_id: str, villages: set[str]
) -> dict[tuple[str, str], str]:
    """The day of the last visit of each village by each member who was there."""
    visit = tables.visit.c
    query = sa.select(visit.village, visit.day, visit.members).where(
        visit.round == round_id, visit.withdrawn.is_(False), visit.village.in_(sorted(villages))
    )
    found: dict[tuple[str, str], str] = {}
    for row in connection.execute(query).mappings():
        for one in json.loads(row["members"]):
            key = (row["village"], one)
            found[key] = max(found.get(key, ""), row["day"])
    return found
