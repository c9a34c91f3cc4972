"""Visits: who was in which village on which day, what they saw, and what they found wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import lookup, observations, photos, problems, tables, where, written
from geodata.ledger.people import is_id
from geodata.ledger.roles import Actor, Right
from geodata.ledger.store import Decision, Json, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, Refused
from geodata.words import say

SEEN = 500
PEOPLE = 200
REASON = 200
MEMBERS = 20
PROBLEMS = 20

HELD = ("picked", "confirmed")
"""States of a pick that makes a village somebody's contact point."""


def write(
    ledger: Ledger, edition: Edition, actor: Actor, asked: Mapping[str, Any], *, key: str = ""
) -> Json:
    """Write down a visit with what was observed and the problems that were found.

    Parameters
    ----------
    asked : `village` (code), `day`, `members` (ids of accounts; by default the member who
        writes), `people` (who else, as text), `seen` (text), `observations` (rows `indicator`,
        `value`, `note`), `problems` (rows `category`, `said`).

    Returns
    -------
    `id`, `village`, `name`, `day`, `own` (whether it is a contact point of one who was there),
    `sentence`, `observations` (rows as `observations.of`), `problems` (ids), `contradictions`
    (how many), `seq`.

    Raises
    ------
    Forbidden, UnknownName, BadRequest, Refused
    """
    if not actor.may(Right.VISIT):
        raise Forbidden(say("visit.forbidden"), cure=say("visit.forbidden_cure"))
    asked = written.table(asked)

    def work(decision: Decision) -> Json:
        village = where.village(edition, asked.get("village"))
        day = written.possible_day(edition, asked, "day", decision.at)
        seen = written.text(asked, "seen", SEEN)
        people = written.text(asked, "people", PEOPLE)
        members = _members(decision, asked)
        noticed = written.rows(asked, "observations", observations.MOST)
        wrong = written.rows(asked, "problems", PROBLEMS)
        if not members and not people:
            raise Refused(say("visit.nobody"), cure=say("visit.nobody_cure"), field="members")
        if not (seen or noticed or wrong):
            raise Refused(say("visit.nothing"), cure=say("visit.nothing_cure"), field="seen")
        visit = decision.add(
            tables.visit,
            "visit.written",
            round=edition.space.contact_round.id,
            village=village.code,
            day=day,
            author=actor.id,
            members=json.dumps(members),
            people=people,
            seen=seen,
            withdrawn=False,
        )
        rows = observations.make(decision, edition, village, visit, day, noticed)
        found = []
        for n, one in enumerate(wrong):
            with written.within(f"problems.{n}"):
                begun = problems.begin(decision, edition, village, one, day=day, visit=visit)
            found.append(begun["id"])
        own = _held(decision, edition, village.code, {actor.id, *members})
        against = sum(one["contradicts"] for one in rows)
        said = [say("visit.written", name=village.name, day=written.day_words(day))]
        if not own:
            said.append(say("visit.not_own"))
        if against:
            said.append(say("visit.contradictions", count=against))
        if found:
            said.append(say("visit.problems", count=len(found)))
        return {
            "id": visit,
            "village": village.code,
            "name": village.name,
            "day": day,
            "own": own,
            "sentence": "".join(said),
            "observations": rows,
            "problems": found,
            "contradictions": against,
            "seq": decision.seq,
        }

    return ledger.decide(actor, work, key=key, asked=written.asked_for("visit.write", asked))


def withdraw(ledger: Ledger, actor: Actor, identifier: str, reason: str, *, key: str = "") -> Json:
    """Take back a visit with its observations and photographs; the history keeps all of them.

    Problems that were found during it stay: they are struck off in their own way.

    Returns
    -------
    `id`, `observations` and `photos` (how many went with it), `problems` (how many stay), `seq`.

    Raises
    ------
    Forbidden : neither its author nor the office.
    UnknownName, Refused
    """
    why = written.text({"reason": reason}, "reason", REASON, required=True)

    def work(decision: Decision) -> Json:
        row = lookup.row(decision, tables.visit, identifier)
        if row["withdrawn"]:
            raise Conflict(say("visit.already_withdrawn"), cure=say("visit.already_withdrawn_cure"))
        if not may_withdraw(actor, row):
            raise Forbidden(say("visit.not_author"), cure=say("visit.not_author_cure"))
        gone = {}
        for table in (tables.observation, tables.photo):
            query = sa.select(table.c.id).where(
                table.c.visit == identifier, table.c.withdrawn.is_(False)
            )
            ids = [one["id"] for one in decision.rows(query.order_by(table.c.id))]
            for one in ids:
                decision.change(table, one, f"{table.name}.withdrawn", why, withdrawn=True)
            gone[table.name] = len(ids)
        decision.change(tables.visit, identifier, "visit.withdrawn", why, withdrawn=True)
        query = sa.select(tables.problem.c.id).where(tables.problem.c.visit == identifier)
        return {
            "id": identifier,
            "observations": gone["observation"],
            "photos": gone["photo"],
            "problems": len(decision.rows(query)),
            "seq": decision.seq,
        }

    asked = written.asked_for("visit.withdraw", identifier, why)
    return ledger.decide(actor, work, key=key, asked=asked)


def may_withdraw(actor: Actor, row: Mapping[str, Any]) -> bool:
    """Whether a visit may be taken back by somebody."""
    own = actor.may(Right.VISIT) and row["author"] == actor.id
    return not row["withdrawn"] and (own or actor.may(Right.DIRECT))


def one(ledger: Ledger, edition: Edition, actor: Actor, identifier: str) -> Json:
    """One visit, also one that was withdrawn; as a row of `of`. Raises `UnknownName`."""
    found = (
        _told(ledger, edition, actor, tables.visit.c.id == identifier, 1)
        if is_id(identifier)
        else []
    )
    if not found:
        raise lookup.unknown(tables.visit, identifier)
    return found[0]


def of(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    *,
    village: str = "",
    author: str = "",
    most: int = 50,
) -> list[Json]:
    """Visits, the newest first: of a village, written by somebody, or all of the round.

    Returns
    -------
    Rows `id`, `round`, `village`, `name`, `day`, `day_text`, `author`, `author_label`, `members`
    (`id`, `label`), `people`, `seen`, `withdrawn`, `sentence`, `photos` (rows as `photos.of`),
    `observations` and `problems` (how many), `can` (`withdraw`, `photo`).
    """
    visit = tables.visit.c
    condition = sa.and_(
        visit.withdrawn.is_(False),
        visit.village == written.cleaned(village)
        if village
        else visit.round == edition.space.contact_round.id,
        visit.author == written.cleaned(author) if author else sa.true(),
    )
    return _told(ledger, edition, actor, condition, most)


def last(ledger: Ledger, round_id: str) -> dict[str, str]:
    """The day of the last visit of each village that was visited in a round, by code."""
    visit = tables.visit.c
    query = (
        sa.select(visit.village, sa.func.max(visit.day).label("day"))
        .where(visit.round == round_id, visit.withdrawn.is_(False))
        .group_by(visit.village)
    )
    return {row["village"]: row["day"] for row in ledger.rows(query)}


def _members(decision: Decision, asked: Mapping[str, Any]) -> list[str]:
    """Ids of the members who were there, each once; the member who writes unless others are named.

    Raises
    ------
    BadRequest, UnknownName
    """
    ids = asked.get("members")
    actor = decision.actor
    if ids is None:
        return [actor.id] if actor.may(Right.PICK) else []
    if (
        not isinstance(ids, list)
        or len(ids) > MEMBERS
        or not all(isinstance(one, str) for one in ids)
    ):
        raise BadRequest(
            say("visit.not_members", most=MEMBERS),
            place=written.field("members"),
            field="members",
            cure=say("visit.not_list_cure"),
        )
    wanted = list(dict.fromkeys(written.cleaned(one) for one in ids))
    account = tables.account.c
    rows = decision.rows(sa.select(account.id).where(account.id.in_(wanted)))
    known = {row["id"] for row in rows} | {actor.id}
    for one in wanted:
        if one not in known:
            raise UnknownName(
                say("visit.unknown_member"),
                value=one,
                cure=say("visit.unknown_member_cure"),
                field="members",
            )
    return wanted


def _held(decision: Decision, edition: Edition, village: str, people: set[str]) -> bool:
    pick = tables.pick.c
    query = sa.select(pick.id).where(
        pick.round == edition.space.contact_round.id,
        pick.village == village,
        pick.member.in_(sorted(people)),
        pick.state.in_(HELD),
    )
    return bool(decision.rows(query.limit(1)))


def _told(
    ledger: Ledger, edition: Edition, actor: Actor, condition: sa.ColumnElement[bool], most: int
) -> list[Json]:
    """Visits that meet a condition, in a fixed number of queries however many they are."""
    visit = tables.visit.c
    with ledger.reading() as connection:
        query = (
            sa.select(tables.visit)
            .where(condition)
            .order_by(visit.day.desc(), visit.created_at.desc(), visit.id)
            .limit(most)
        )
        rows = [{**row} for row in connection.execute(query).mappings()]
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        counts = {
            table.name: {
                row.visit: row.many
                for row in connection.execute(
                    sa.select(table.c.visit, sa.func.count().label("many"))
                    .where(table.c.visit.in_(ids), *extra)
                    .group_by(table.c.visit)
                ).all()
            }
            for table, extra in (
                (tables.observation, [tables.observation.c.withdrawn.is_(False)]),
                (tables.problem, []),
            )
        }
        there = [json.loads(row["members"]) for row in rows]
        people = {row["author"] for row in rows}.union(*there)
        labels = lookup.labels(connection, people)
        shown = photos.among(connection, visits=ids)
    return [
        {
            **{name: row[name] for name in ("id", "round", "village", "day", "people", "seen")},
            "name": where.name(edition, row["village"]),
            "day_text": written.day_words(row["day"]),
            "author": row["author"],
            "author_label": labels.get(row["author"], ""),
            "members": [{"id": one, "label": labels.get(one, one)} for one in members],
            "withdrawn": row["withdrawn"],
            "sentence": sentence(row["day"], [labels.get(one, one) for one in members], row),
            "photos": [one for one in shown if one["visit"] == row["id"]],
            "observations": counts["observation"].get(row["id"], 0),
            "problems": counts["problem"].get(row["id"], 0),
            "can": [
                step
                for step, allowed in (
                    ("withdraw", may_withdraw(actor, row)),
                    ("photo", photos.may_add(actor, row, None)),
                )
                if allowed
            ],
        }
        for row, members in zip(rows, there, strict=True)
    ]


def sentence(day: str, members: Sequence[str], row: Mapping[str, Any]) -> str:
    """Who was there when, in words."""
    who = written.joined([*members, *([row["people"]] if row["people"] else [])])
    return say("visit.was", day=written.day_words(day), who=who)
