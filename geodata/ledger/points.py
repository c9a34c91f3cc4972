"""Contact points as they are read: who has what now, what the screen is told, what once was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from geodata.edition import Edition
from geodata.ledger import rules as rule
from geodata.ledger import tables
from geodata.ledger.places import Places, places
from geodata.ledger.roles import Actor, Right, Role
from geodata.ledger.rules import ACTIVE, Person, Pick, Standing
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Forbidden
from geodata.ledger.written import day_of, days_between
from geodata.words import say

Json = dict[str, Any]

KINDS = (
    "pick.proposed",
    "pick.picked",
    "pick.accepted",
    "pick.assigned",
    "pick.confirmed",
    "pick.released",
    "pick.declined",
    "pick.swapped",
    "pick.undone",
)
"""Kinds of events about contact points."""

COUNTS = (rule.PROPOSED, *ACTIVE)
"""States that the screen shows."""


class Rows(Protocol):
    """What can be asked: a ledger, a decision, or a moment of a ledger."""

    def rows(self, query: sa.Select[Any]) -> list[RowMapping]:
        """What a query finds."""
        ...


# Put together once, since that costs more than asking; `params` gives what is asked for.
_pick, _who, _event = tables.pick.c, tables.account.c, tables.event.c
_STANDING = (
    sa.select(
        _pick.id, _pick.village, _pick.member, _pick.state, _pick.override, _pick.by,
        _pick.created_at, _pick.changed_at,
    )
    .where(_pick.round == sa.bindparam("round"), _pick.state.in_(COUNTS))
    .order_by(_pick.created_at, _pick.id)
)  # fmt: skip
_PEOPLE = sa.select(_who.id, _who.label, _who.unit, _who.role, _who.disabled).where(
    sa.or_(_who.role == Role.MEMBER.value, _who.id.in_(sa.bindparam("named", expanding=True)))
)
_LAST_STEPS = (
    sa.select(_event.seq, _event.subject, _event.actor, _event.kind)
    .where(_event.kind.in_(KINDS), _event.at >= sa.bindparam("since"))
    .order_by(_event.seq)
)


@dataclass(frozen=True)
class Moment:
    """One state of a ledger, throughout several queries."""

    connection: Connection

    def rows(self, query: sa.Select[Any]) -> list[RowMapping]:
        """What a query finds."""
        return list(self.connection.execute(query).mappings())

    def seq(self) -> int:
        """Number of the last event; 0 while nothing was decided."""
        return int(self.connection.execute(sa.select(tables.head.c.seq)).scalar() or 0)


def standing(source: Rows, edition: Edition, *also: str) -> Standing:
    """Who has what in the round whose villages are picked.

    Its people are the members and who has decided about a contact point; of all others (there may
    be hundreds who only read) those whose ids are given.
    """
    found = source.rows(_STANDING.params(round=edition.space.contact_round.id))
    named = {*filter(is_id, also), *(row["member"] for row in found), *(row["by"] for row in found)}
    people = source.rows(_PEOPLE.params(named=sorted(named)))
    return Standing(
        picks=tuple(Pick(**row) for row in found),
        people={
            row["id"]: Person(
                row["id"],
                row["label"],
                row["unit"],
                row["role"] == Role.MEMBER.value and not row["disabled"],
            )
            for row in people
        },
    )


def state(
    ledger: Ledger, edition: Edition, actor: Actor, *, since: str = "", today: str = ""
) -> Json:
    """Everything that the screen polls for, of one moment.

    Parameters
    ----------
    since : when the person's session began; what was done since can be undone.
    today : day from which visits and deadlines are counted; by default the ledger's.

    Raises
    ------
    Forbidden : for who may not see the ledger.
    """
    today = today or day_of(ledger.clock())
    with ledger.reading() as connection:
        return state_at(Moment(connection), edition, actor, since=since, today=today)


def state_at(
    moment: Moment, edition: Edition, actor: Actor, *, since: str = "", today: str
) -> Json:
    """`state` of a moment of which more is asked."""
    needs(actor, Right.LEDGER)
    known, rules = places(edition), edition.space.contact_points
    now = standing(moment, edition)
    last = last_steps(moment, since) if since else {}
    visits = _visits(moment, now)
    problems = _problems(moment, today)
    person = now.people.get(actor.id)
    has_places = person is not None and person.member
    missing = set(rule.unreached(now, known))
    count: dict[int | None, int] = {}
    for one in now.picks:
        if one.active:
            at = known.district_of(one.village)
            count[at] = count.get(at, 0) + 1
    return {
        "seq": moment.seq(),
        "edition": edition.id,
        "round": {"id": known.round.id, "label": known.round.label},
        "me": {
            "id": actor.id,
            "label": actor.label,
            "role": actor.role.value,
            "role_label": say(f"account.role.{actor.role.value}"),
            "unit": person.unit if person else actor.unit,
            "district": actor.district,
            "places": rules.per_member if has_places else 0,
            "used": now.used(actor.id),
            "can": _general(actor, has_places),
        },
        "office": {
            "places": rules.per_member * len(now.members),
            "used": sum(now.used(one.id) for one in now.members),
            "left": now.left(rules),
        },
        "rules": {
            "per_member": rules.per_member,
            "only_targets": rules.only_targets,
            "visit_days": rules.visit_days,
            "override": list(rules.override),
            "sentences": list(rule.sentences(known).values()),
            "by_rule": rule.sentences(known),
        },
        "districts": [
            {"code": code, "name": name, "reached": count.get(n, 0) > 0, "picks": count.get(n, 0),
             "wanted": n in missing}
            for n, (code, name) in enumerate(known.districts)
        ],
        "members": [
            {"id": one.id, "label": one.label, "unit": one.unit, "places": rules.per_member,
             "used": now.used(one.id)}
            for one in now.members
        ],
        "picks": [
            described(one, now, known, actor, undoable=is_own_step(last.get(one.id), actor))
            for one in now.picks
        ],
        "visits": visits,
        "due": [
            code
            for code in now.by_village
            if code not in visits or days_between(visits[code], today) >= rules.visit_days
        ],
        "problems": problems,
    }  # fmt: skip


def described(
    one: Pick, now: Standing, known: Places, actor: Actor, *, undoable: bool = False
) -> Json:
    """A contact point as the screen is told it, with what the reader can do about it.

    Parameters
    ----------
    undoable : its last step is the reader's own, of this session.
    """
    at = known.position.get(one.village)
    district = known.district_of(one.village)
    code, name = known.districts[district] if district is not None else ("", "")
    person = now.people.get(one.member)
    return {
        "id": one.id,
        "village": one.village,
        "name": known.name(one.village),
        "position": at,
        "lon": None if at is None else float(known.lon[at]),
        "lat": None if at is None else float(known.lat[at]),
        "district": code,
        "district_name": name,
        "member": one.member,
        "member_label": now.label(one.member),
        "disabled": person is None or not person.member,
        "state": one.state,
        "state_label": say(f"pick.state.{one.state}"),
        "mine": one.member == actor.id,
        "since": day_of(one.created_at) if one.created_at else "",
        "override": one.override,
        "by": one.by,
        "by_label": now.label(one.by),
        "can": _actions(one, actor, undoable=undoable),
    }


def history(ledger: Ledger, village: str, edition: Edition | None = None) -> list[Json]:
    """All that was ever decided about a village's contact points, newest first.

    Names come from the edition; without one, villages are told by their codes.
    """
    return _history(ledger, village, "", edition) if is_id(village) else []


def history_of(ledger: Ledger, member: str, edition: Edition | None = None) -> list[Json]:
    """All that was ever decided about a member's contact points, newest first."""
    return _history(ledger, "", member, edition) if member else []


def needs(actor: Actor, right: Right) -> None:
    """Raise `Forbidden` for who has not a right."""
    if not actor.may(right):
        raise Forbidden(say("pick.forbidden"), cure=say("pick.forbidden_cure"))


def _actions(one: Pick, actor: Actor, *, undoable: bool) -> list[str]:
    """What a reader can do with a contact point now."""
    found = []
    mine = one.member == actor.id and actor.may(Right.PICK)
    direct = actor.may(Right.DIRECT)
    if mine and one.state == rule.PROPOSED:
        found += ["accept", "decline"]
    if direct and one.state == rule.PICKED:
        found.append("confirm")
    if direct or (mine and one.state == rule.PICKED):
        found.append("release")
    if direct and one.active:
        found.append("swap")
    if undoable:
        found.append("undo")
    return found


def _general(actor: Actor, has_places: bool) -> list[str]:
    """What a reader can do at all."""
    can = {
        "pick": has_places and actor.may(Right.PICK),
        "propose": has_places and actor.may(Right.PICK),
        "propose_all": actor.may(Right.DIRECT),
        "direct": actor.may(Right.DIRECT),
        "visit": actor.may(Right.VISIT),
        "answer": actor.may(Right.ANSWER),
        "check": actor.may(Right.CHECK),
    }
    return [name for name, may in can.items() if may]


def _visits(source: Rows, now: Standing) -> dict[str, str]:
    """Day of the last visit of each village that is picked and was visited."""
    visit = tables.visit.c
    found = source.rows(
        sa.select(visit.village, sa.func.max(visit.day).label("day"))
        .where(visit.village.in_(list(now.by_village)), visit.withdrawn == sa.false())
        .group_by(visit.village)
    )
    return {row["village"]: row["day"] for row in found}


def _problems(source: Rows, today: str) -> dict[str, Json]:
    """Open problems a village, and how many of them are overdue."""
    problem = tables.problem.c
    late = sa.and_(problem.state == "assigned", problem.deadline < today)
    found = source.rows(
        sa.select(
            problem.village,
            sa.func.count().label("open"),
            sa.func.sum(sa.case((late, 1), else_=0)).label("overdue"),
        )
        .where(problem.state != "struck_off")
        .group_by(problem.village)
    )
    return {
        row["village"]: {"open": int(row["open"]), "overdue": int(row["overdue"])} for row in found
    }


def last_steps(source: Rows, since: str) -> dict[str, RowMapping]:
    """The last event of each contact point that has had any since a moment."""
    found = source.rows(_LAST_STEPS.params(since=since))
    return {id_of(one): one for one in found}


def is_own_step(last: RowMapping | None, actor: Actor) -> bool:
    """Whether a last step is the reader's, and not a taking back: then it can be taken back."""
    return last is not None and last["actor"] == actor.id and last["kind"] != "pick.undone"


def id_of(event: RowMapping) -> str:
    """Id of the contact point that an event is about."""
    return str(event["subject"]).partition(":")[2]


def is_id(text: object) -> bool:
    """Whether a text can be a row's id: others are not worth asking the database."""
    return isinstance(text, str) and 0 < len(text) <= 64 and text.isascii() and text.isprintable()


def _history(ledger: Ledger, village: str, member: str, edition: Edition | None) -> list[Json]:
    """Events of contact points, folded in order; newest first."""
    event, who = tables.event.c, tables.account.c
    query = sa.select(tables.event).where(event.kind.in_(KINDS)).order_by(event.seq)
    if village:
        query = query.where(event.village == village)
    with ledger.reading() as connection:
        moment = Moment(connection)
        events = moment.rows(query)
        labels = {row["id"]: row["label"] for row in moment.rows(sa.select(who.id, who.label))}
    rows: dict[str, Json] = {}
    found = []
    for one in events:
        row = rows.setdefault(one["subject"], {})
        before = row.get("member", "")
        row.update(json.loads(one["after"]))
        if member and member not in (before, row["member"]):
            continue
        found.append(_told(one, row, before, labels, edition))
    return found[::-1]


def _told(
    one: RowMapping, row: Json, before: str, labels: Mapping[str, str], edition: Edition | None
) -> Json:
    what = one["kind"].partition(".")[2]
    key = "released_own" if what == "released" and one["actor"] == row["member"] else what
    name = places(edition).name(one["village"]) if edition else one["village"]
    return {
        "seq": one["seq"],
        "at": one["at"],
        "day": day_of(one["at"]),
        "kind": one["kind"],
        "pick": id_of(one),
        "village": one["village"],
        "name": name,
        "member": row["member"],
        "member_label": labels.get(row["member"], row["member"]),
        "state": row["state"],
        "who": one["actor_label"],
        "sentence": say(
            f"pick.history.{key}",
            actor=one["actor_label"],
            member=labels.get(row["member"], row["member"]),
            before=labels.get(before, before),
            name=name,
            state=say(f"pick.state.{row['state']}"),
        ),
        "reason": one["reason"],
    }
