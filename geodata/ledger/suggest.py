"""Proposals out of the ledger and back into it: what there is becomes a problem, an accepted
solution becomes contact points that are picked (for oneself) or proposed (by the office).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import BadRequest, UnknownName
from geodata.ledger import picks, tables
from geodata.ledger.places import places, spelled
from geodata.ledger.roles import Actor, Right
from geodata.ledger.rules import Standing
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Forbidden, Refused
from geodata.need import Need, need
from geodata.proposals import Held, Member, Part, Problem, Rules, Solution, Village, Wish
from geodata.words import say

Json = dict[str, Any]

ME, ALL = "me", "all"
"""For whom: oneself, or (the office) all members."""
MOST_WISHES = 1_000
"""Pins and forbidden villages together."""


def allowed(actor: Actor, who: str) -> None:
    """Pass whoever may ask for proposals of a scope.

    Raises
    ------
    BadRequest : no such scope.
    Forbidden : the role does not allow it.
    """
    if who not in (ME, ALL):
        raise BadRequest(
            say("propose.job.scope"), value=str(who)[:40], cure=say("propose.job.scope_cure")
        )
    if not actor.may(Right.PICK if who == ME else Right.DIRECT):
        raise Forbidden(say("propose.job.not_yours"))


def problem(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    who: str,
    *,
    pins: Sequence[Wish] = (),
    forbidden: Sequence[Wish] = (),
    today: date | None = None,
) -> Problem:
    """The problem as ledger and edition have it now.

    For oneself, what others have is fixed; their free places still count for the rule that every
    district is to be reached. What is proposed and not accepted occupies no place.

    Raises
    ------
    Forbidden, BadRequest : as `allowed`.
    UnknownName : a pinned or forbidden village, or a member, that there is not.
    Refused : no place is free.
    """
    allowed(actor, who)
    known, rules = places(edition), edition.space.contact_points
    now = picks.standing(ledger, edition)
    _check(pins, forbidden, known.position, {one.id for one in now.members})
    day = today or date.fromisoformat(ledger.clock()[:10])
    wanted = need(edition, rules, last_visits(ledger, known.round.id), day)
    members = _members(now, known, rules.per_member, {actor.id} if who == ME else None)
    if not any(one.free for one in members):
        raise Refused(say("propose.job.no_places"))
    mine = {one.id for one in members}
    others = (one for one in now.members if one.id not in mine)
    totals = dict(zip(wanted.codes, wanted.total.tolist(), strict=True))
    codes = [code for code, _ in known.districts]
    every = known.wanted_districts()
    held = tuple(
        Held(
            one.member,
            one.village,
            codes[known.district[at]],
            float(known.lon[at]),
            float(known.lat[at]),
            totals.get(one.village, 0.0),
        )
        for one in now.picks
        if one.active and (at := known.position.get(one.village)) is not None
    )
    return Problem(
        members=members,
        villages=_villages(wanted, now, edition),
        held=held,
        rules=Rules(
            every_district=rules.every_district and bool(every),
            per_district=rules.per_district,
            travel_km=rules.travel_km,
            reserve=sum(max(0, rules.per_member - now.used(one.id)) for one in others),
        ),
        pins=tuple(_own(pins, actor, who)),
        forbidden=tuple(_own(forbidden, actor, who)),
        districts=tuple(known.districts[n] for n in every),
        level_label=known.district_label,
        leaf_label=known.leaf_label,
    )


def last_visits(ledger: Ledger, round_id: str) -> dict[str, date]:
    """Day of each village's last visit in a round; withdrawn ones do not count."""
    visit = tables.visit.c
    rows = ledger.rows(
        sa.select(visit.village, sa.func.max(visit.day).label("day"))
        .where(visit.round == round_id, sa.not_(visit.withdrawn))
        .group_by(visit.village)
    )
    return {row["village"]: date.fromisoformat(row["day"]) for row in rows}


def accept(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    who: str,
    solution: Solution,
    *,
    only: Collection[str] | None = None,
    key: str = "",
) -> Json:
    """Turn a solution into contact points, in one decision; the rules are checked anew.

    For oneself the villages are picked; for all they are proposed to the members, who accept or
    decline. What somebody else has taken since is left out and told in `refused`.

    Parameters
    ----------
    only : codes of the villages that are wanted; None: all.
    """
    allowed(actor, who)
    choices = [
        (one.member, one.village) for one in solution.choices if only is None or one.village in only
    ]
    if who == ME:
        choices = [one for one in choices if one[0] == actor.id]
    if not choices:
        raise Refused(say("propose.job.nothing"))
    if who == ME:
        return picks.take(ledger, edition, actor, [village for _, village in choices], key=key)
    return picks.propose(ledger, edition, actor, choices, key=key)


def _check(
    pins: Sequence[Wish],
    forbidden: Sequence[Wish],
    villages: Collection[str],
    members: Collection[str],
) -> None:
    if len(pins) + len(forbidden) > MOST_WISHES:
        raise BadRequest(say("propose.job.many", most=MOST_WISHES))
    for wish in (*pins, *forbidden):
        if wish.village not in villages:
            raise UnknownName(say("propose.job.no_village"), value=wish.village[:40])
        if wish.member and wish.member not in members:
            raise UnknownName(say("propose.job.no_member"), value=wish.member[:40])


def _own(wishes: Sequence[Wish], actor: Actor, who: str) -> list[Wish]:
    """For oneself, whatever is wished is wished for oneself; once each, in order."""
    own = [Wish(one.village, actor.id) if who == ME else one for one in wishes]
    return sorted(set(own), key=lambda one: (one.village, one.member))


def _members(
    now: Standing, known: Any, per_member: int, only: Collection[str] | None
) -> tuple[Member, ...]:
    rules = known.rules
    supported: dict[str, list[str]] = {}
    if not rules.own_unit:
        for code, units in known.units.items():
            for unit in units:
                supported.setdefault(unit, []).append(code)
    return tuple(
        Member(
            one.id,
            one.label,
            max(0, per_member - now.used(one.id)),
            tuple(sorted(supported.get(spelled(one.unit), []))) if one.unit else (),
        )
        for one in sorted(now.members, key=lambda one: one.id)
        if only is None or one.id in only
    )


def _villages(wanted: Need, now: Standing, edition: Edition) -> tuple[Village, ...]:
    known, rules = places(edition), edition.space.contact_points
    codes = [code for code, _ in known.districts]
    unit = edition.space.measure(rules.income).unit if rules.income else ""
    found = []
    for n, code in enumerate(wanted.codes):
        taken = len(now.by_village.get(code, ()))
        at = int(wanted.positions[n])
        parts = tuple(
            Part(
                name,
                round(float(wanted.parts[name][n]), 6),
                weight,
                bool(wanted.estimated[name][n]),
                _number(wanted.raw[name][n]),
                unit if name == "income" else "",
            )
            for name, weight in wanted.weights.items()
        )
        found.append(
            Village(
                code,
                known.names[at],
                codes[int(wanted.districts[n])],
                float(known.lon[at]),
                float(known.lat[at]),
                parts,
                max(0, rules.members_per_village - taken),
            )
        )
    return tuple(found)


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
