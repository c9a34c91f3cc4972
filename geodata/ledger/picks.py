"""Contact points: members pick villages, the office directs, and the history of it all.

Each function that decides does so in one decision: rights first, rules inside, where nobody else
can decide. `near` and `by` of a refusal say where else to go and who was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import UnknownName
from geodata.ledger import rules as rule
from geodata.ledger import tables
from geodata.ledger.places import places
from geodata.ledger.points import (
    COUNTS,
    KINDS,
    described,
    history,
    history_of,
    id_of,
    is_id,
    needs,
    standing,
    state,
)
from geodata.ledger.roles import Actor, Right
from geodata.ledger.rules import ACTIVE, Breach, Pick, Standing
from geodata.ledger.store import Decision, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, Refused
from geodata.ledger.undoing import earlier, pick_of, stands, steps
from geodata.ledger.written import asked_for, cleaned
from geodata.words import say

__all__ = [
    "ACTIVE",
    "KINDS",
    "Taken",
    "accept",
    "assign",
    "confirm",
    "decline",
    "described",
    "history",
    "history_of",
    "pick",
    "propose",
    "release",
    "standing",
    "state",
    "swap",
    "take",
    "undo",
]

Json = dict[str, Any]

REASON = 300
"""Longest reason, in characters."""

MOST = 1000
"""Most villages that are picked or proposed in one go."""


class Taken(Conflict):
    """Somebody else was first."""

    def __init__(
        self, message: str, *, by: Json, near: Sequence[Json], breaches: Sequence[Json], cure: str
    ) -> None:
        self.by = by
        """Who: `id` and `label`."""
        self.near = list(near)
        """Up to three free villages near: `code`, `name`, `km`."""
        super().__init__(message, breaches=breaches, cure=cure)


def pick(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    village: str,
    *,
    override: str = "",
    key: str = "",
) -> Json:
    """Pick a village for oneself.

    Returns
    -------
    `pick` (as `described`), `seq`, `sentence`.

    Raises
    ------
    Forbidden : the role, or the account, has no places.
    Taken : somebody has it; says who, and what is free near.
    Refused : another rule stands against it; with all of them in `breaches`.
    """
    needs(actor, Right.PICK)
    reason = _reason(override)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        _places_of(now, actor.id, actor)
        found = _taken_by(decision, edition, now, actor, actor.id, village, reason)
        return _answer(decision, edition, actor, now, [found], "pick.done.picked")

    return ledger.decide(actor, work, key=key, asked=asked_for("pick", village, reason))


def take(
    ledger: Ledger, edition: Edition, actor: Actor, villages: Sequence[str], *, key: str = ""
) -> Json:
    """Pick several villages for oneself: those that the rules allow, one after the other.

    Returns
    -------
    `picks`, `refused` (`village`, `name`, `sentence`), `seq`, `sentence`.
    """
    needs(actor, Right.PICK)
    _some(villages)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        _places_of(now, actor.id, actor)
        return _each(decision, edition, actor, now, [(actor.id, code) for code in villages])

    return ledger.decide(actor, work, key=key, asked=asked_for("take", *villages))


def propose(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    choices: Iterable[tuple[str, str]],
    *,
    key: str = "",
) -> Json:
    """Propose villages to members, who accept or decline; they occupy no place until then.

    Parameters
    ----------
    choices : member (id) and village (code); what was proposed already is not proposed twice.

    Returns
    -------
    `picks`, `refused` (`village`, `name`, `sentence`), `seq`, `sentence`.
    """
    needs(actor, Right.DIRECT)
    asked = [(str(member), str(village)) for member, village in choices]
    _some(asked)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition, *(member for member, _ in asked))
        return _each(decision, edition, actor, now, asked, propose=True)

    return ledger.decide(actor, work, key=key, asked=asked_for("propose", *map(list, asked)))


def assign(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    member: str,
    village: str,
    *,
    override: str = "",
    key: str = "",
) -> Json:
    """Give a member a village, confirmed at once; the rules hold for the office as well."""
    needs(actor, Right.DIRECT)
    reason = _reason(override)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition, member)
        _places_of(now, member, actor)
        found = _taken_by(
            decision, edition, now, actor, member, village, reason,
            kind="pick.assigned", state=rule.CONFIRMED,
        )  # fmt: skip
        return _answer(decision, edition, actor, now, [found], "pick.done.assigned")

    return ledger.decide(actor, work, key=key, asked=asked_for("assign", member, village, reason))


def accept(
    ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, override: str = "", key: str = ""
) -> Json:
    """Accept what was proposed to oneself; the rules are checked anew."""
    needs(actor, Right.PICK)
    reason = _reason(override)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        one = _found(decision, edition, now, pick, rule.PROPOSED)
        _own(one, now, edition, actor)
        _places_of(now, actor.id, actor)
        found = _taken_by(
            decision, edition, now, actor, actor.id, one.village, reason, kind="pick.accepted"
        )
        return _answer(decision, edition, actor, now, [found], "pick.done.accepted")

    return ledger.decide(actor, work, key=key, asked=asked_for("accept", pick, reason))


def decline(
    ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, reason: str = "", key: str = ""
) -> Json:
    """Decline what was proposed to oneself."""
    needs(actor, Right.PICK)
    why = _reason(reason)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        one = _found(decision, edition, now, pick, rule.PROPOSED)
        _own(one, now, edition, actor)
        decision.change(tables.pick, one.id, "pick.declined", why, state=rule.DECLINED, by=actor.id)
        return _answer(decision, edition, actor, now, [one.id], "pick.done.declined")

    return ledger.decide(actor, work, key=key, asked=asked_for("decline", pick, why))


def confirm(ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, key: str = "") -> Json:
    """Confirm what a member picked; from then on only the office takes it back."""
    needs(actor, Right.DIRECT)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        one = _found(decision, edition, now, pick, rule.PICKED)
        decision.change(
            tables.pick, one.id, "pick.confirmed", "", state=rule.CONFIRMED, by=actor.id
        )
        return _answer(decision, edition, actor, now, [one.id], "pick.done.confirmed")

    return ledger.decide(actor, work, key=key, asked=asked_for("confirm", pick))


def release(
    ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, reason: str = "", key: str = ""
) -> Json:
    """Let go of a contact point: one's own until it is confirmed, the office's hand any.

    Raises
    ------
    Refused : the office gives no reason for what is somebody's; a proposal needs none.
    """
    if not actor.may(Right.DIRECT):
        needs(actor, Right.PICK)
    why = _reason(reason)

    def work(decision: Decision) -> Json:
        now, name = standing(decision, edition), places(edition).name
        direct = actor.may(Right.DIRECT)
        one = _found(decision, edition, now, pick, *(COUNTS if direct else ACTIVE))
        if not direct:
            _own(one, now, edition, actor)
            if one.state == rule.CONFIRMED:
                raise Forbidden(say("pick.confirmed_release", name=name(one.village)))
        elif one.active and len(why) < rule.LEAST_REASON:
            raise Refused(
                say("pick.release_reason", name=name(one.village), least=rule.LEAST_REASON),
                place=say("pick.field_reason"),
            )
        decision.change(tables.pick, one.id, "pick.released", why, state=rule.RELEASED, by=actor.id)
        return _answer(decision, edition, actor, now, [one.id], "pick.done.released")

    return ledger.decide(actor, work, key=key, asked=asked_for("release", pick, why))


def swap(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    one: str,
    other: str,
    *,
    reason: str = "",
    key: str = "",
) -> Json:
    """Let the members of two contact points exchange them; the rules are checked for both.

    Returns
    -------
    `picks` (both), `seq`, `sentence`.
    """
    needs(actor, Right.DIRECT)
    why = _reason(reason)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        if one == other:
            raise Refused(say("pick.same_pick"))
        first, second = (_found(decision, edition, now, name, *ACTIVE) for name in (one, other))
        if first.member == second.member:
            raise Refused(say("pick.same_member"))
        _places_of(now, first.member, actor)
        _places_of(now, second.member, actor)
        overrides = _swapped(first, second, now, edition, actor, why)
        for mine, theirs, set_aside in zip(
            (first, second), (second, first), overrides, strict=True
        ):
            decision.change(
                tables.pick, mine.id, "pick.swapped", why,
                member=theirs.member, override=set_aside, by=actor.id,
            )  # fmt: skip
        return _answer(decision, edition, actor, now, [first.id, second.id], "pick.done.swapped")

    return ledger.decide(actor, work, key=key, asked=asked_for("swap", one, other, why))


def undo(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    pick: str,
    *,
    since: str,
    key: str = "",
) -> Json:
    """Take back one's own last step with a contact point, if nobody has taken one after it.

    A swap is taken back whole. What comes back to life is held against the rules anew.

    Parameters
    ----------
    since : when the session began (ISO 8601, UTC, as the tables spell it).
    """
    if not actor.may(Right.DIRECT):
        needs(actor, Right.PICK)

    def work(decision: Decision) -> Json:
        now = standing(decision, edition)
        one = _one(decision, edition, pick)
        name = places(edition).name(one.village)
        events = steps(decision, pick, name, actor, since)
        past = [earlier(step, decision.row(tables.pick, id_of(step))) for step in events]
        # First all of them go, then each comes back as it was: of a swap's two, neither stands
        # in the other's way, and districts keep what they had.
        skip = {"every_district"} if len(past) > 1 else set()
        bare = now.without(*(one.id for one in past))
        for one in past:
            if one.active and not stands(now, one):
                _places_of(bare, one.member, actor)
                _hold(one.village, one.member, bare, edition, actor, one.override, skip=skip)
            bare = bare.having(one)
        for one in past:
            decision.change(
                tables.pick, one.id, "pick.undone", "",
                state=one.state, member=one.member, override=one.override, by=actor.id,
            )  # fmt: skip
        names = [one.id for one in past]
        return _answer(decision, edition, actor, now, names, "pick.done.undone", undoable=False)

    # Not `since`: who signs in again and repeats what went unanswered asks for the same.
    return ledger.decide(actor, work, key=key, asked=asked_for("undo", pick))


def _places_of(now: Standing, member: str, actor: Actor) -> None:
    """Only an enabled member has places; whoever was disabled meanwhile has none."""
    person = now.people.get(member)
    if person is None or not person.member:
        kind = Forbidden if member == actor.id else Refused
        label = person.label if person else rule.short(member)
        raise kind(say("pick.not_a_member", who=label), cure=say("pick.not_a_member_cure"))


def _own(one: Pick, now: Standing, edition: Edition, actor: Actor) -> None:
    if one.member != actor.id:
        name = places(edition).name(one.village)
        raise Forbidden(
            say("pick.not_yours", name=name, who=now.label(one.member)),
            cure=say("pick.forbidden_cure"),
        )


def _hold(
    village: str,
    member: str,
    now: Standing,
    edition: Edition,
    actor: Actor,
    reason: str,
    *,
    skip: Set[str] = frozenset(),
) -> str:
    """Hold a pick against the rules; the reason that it needed, "" when it needed none.

    Raises
    ------
    Taken, Refused : as `pick`.
    """
    rules = edition.space.contact_points
    found = [
        one
        for one in rule.breaches(village, member, now, rules, edition, reader=actor.id)
        if one.rule not in skip
    ]
    if not found:
        return ""
    rows = [one.as_dict() for one in found]
    firm = [one for one in found if not one.can_override]
    if not firm:
        if len(reason) >= rule.LEAST_REASON:
            return reason
        raise Refused(
            say("pick.reason_needed", sentences=_joined(found), least=rule.LEAST_REASON),
            breaches=rows,
        )
    if any(one.rule == "taken" for one in firm):
        holder = now.by_village[village][-1].member
        # Where there is no place left, another village is no help.
        full = any(one.rule == "quota" for one in firm)
        near = [] if full else rule.near(village, member, now, edition)
        raise Taken(
            _joined(firm),
            by={"id": holder, "label": now.label(holder)},
            near=near,
            breaches=rows,
            cure=rule.near_sentence(near),
        )
    raise Refused(_joined(firm), breaches=rows)


def _taken_by(
    decision: Decision,
    edition: Edition,
    now: Standing,
    actor: Actor,
    member: str,
    village: str,
    reason: str,
    *,
    kind: str = "pick.picked",
    state: str = rule.PICKED,
) -> str:
    """Give a member a village, by the rules; id of the row, which may have been a proposal."""
    aside = _hold(village, member, now, edition, actor, reason)
    for one in now.proposed:
        if (one.member, one.village) == (member, village):
            decision.change(
                tables.pick, one.id, kind, aside, state=state, override=aside, by=actor.id
            )
            return one.id
    return _added(decision, edition, member, village, kind, state, aside)


def _added(
    decision: Decision,
    edition: Edition,
    member: str,
    village: str,
    kind: str,
    state: str,
    override: str = "",
) -> str:
    return decision.add(
        tables.pick,
        kind,
        override,
        round=edition.space.contact_round.id,
        village=village,
        member=member,
        state=state,
        override=override,
        by=decision.actor.id,
    )


def _each(
    decision: Decision,
    edition: Edition,
    actor: Actor,
    now: Standing,
    choices: Sequence[tuple[str, str]],
    *,
    propose: bool = False,
) -> Json:
    """Pick or propose one after the other; what a rule stands against is told and left out."""
    known, done, refused = places(edition), [], []
    # What is proposed counts as picked for what is proposed after it in the same go.
    ahead = now
    for member, village in choices:
        try:
            _places_of(now, member, actor)
            _hold(village, member, ahead, edition, actor, "")
        except (Refused, Forbidden) as trouble:
            refused.append(
                {
                    "village": rule.short(village),
                    "name": rule.short(known.name(village)),
                    "sentence": trouble.message,
                }
            )
            continue
        if propose:
            held = [
                one.id for one in now.proposed if (one.member, one.village) == (member, village)
            ]
            name = (
                held[0]
                if held
                else _added(decision, edition, member, village, "pick.proposed", rule.PROPOSED)
            )
        else:
            name = _taken_by(decision, edition, ahead, actor, member, village, "")
        done.append(name)
        ahead = ahead.without(name).having(Pick(name, village, member, rule.PICKED))
    key = "pick.done.proposed" if propose else "pick.done.took"
    answer = _answer(decision, edition, actor, now, done, key, undoable=not propose)
    sentence = say(key, count=len(done))
    if refused:
        sentence = f"{sentence}，{say('pick.refused', count=len(refused))}"
    return {**answer, "refused": refused, "sentence": sentence}


def _swapped(
    first: Pick, second: Pick, now: Standing, edition: Edition, actor: Actor, reason: str
) -> tuple[str, str]:
    """Hold an exchange against the rules, for both; the reasons that they needed.

    Districts keep what they have: that rule is not asked.
    """
    bare, skip = now.without(first.id, second.id), {"every_district"}
    one = _hold(first.village, second.member, bare, edition, actor, reason, skip=skip)
    half = bare.having(replace(first, member=second.member))
    other = _hold(second.village, first.member, half, edition, actor, reason, skip=skip)
    return one, other


def _found(decision: Decision, edition: Edition, now: Standing, name: str, *states: str) -> Pick:
    """A contact point of the round in one of some states.

    Raises
    ------
    UnknownName : there is none of that id.
    Conflict : somebody has changed it meanwhile.
    """
    one = _one(decision, edition, name)
    if one.state not in states:
        raise Conflict(
            say(
                "pick.gone",
                name=places(edition).name(one.village),
                who=now.label(one.by),
                state=say(f"pick.state.{one.state}"),
            ),
            cure=say("pick.no_pick_cure"),
        )
    return one


def _one(decision: Decision, edition: Edition, name: str) -> Pick:
    row = decision.row(tables.pick, name) if is_id(name) else None
    if row is None or row["round"] != edition.space.contact_round.id:
        raise UnknownName(say("pick.no_pick"), value=name, cure=say("pick.no_pick_cure"))
    return pick_of(row)


def _answer(
    decision: Decision,
    edition: Edition,
    actor: Actor,
    now: Standing,
    names: Sequence[str],
    key: str,
    *,
    undoable: bool = True,
) -> Json:
    """What a decision comes to: the contact points as they are now, and a sentence."""
    known = places(edition)
    rows = {
        row["id"]: pick_of({**row})
        for row in decision.rows(sa.select(tables.pick).where(tables.pick.c.id.in_(names)))
    }
    mine = [rows[name] for name in names]
    told = [
        described(one, now, known, actor, undoable=undoable) if one.state in COUNTS else None
        for one in mine
    ]
    return {
        "pick": told[0] if len(told) == 1 else None,
        "picks": [one for one in told if one is not None],
        "ids": list(names),
        "seq": decision.seq,
        "sentence": say(
            key,
            names=rule.listed([known.name(one.village) for one in mine]),
            member=now.label(mine[0].member) if mine else "",
            state=say(f"pick.state.{mine[0].state}") if mine else "",
            count=len(mine),
        ),
    }


def _joined(found: Sequence[Breach]) -> str:
    return "；".join(one.sentence for one in found)


def _some(asked: Sequence[object]) -> None:
    if not 0 < len(asked) <= MOST:
        raise Refused(say("pick.nothing_chosen" if not asked else "pick.too_many", most=MOST))


def _reason(text: str) -> str:
    """A reason on one line; raises `Refused` when it is too long."""
    found = " ".join(cleaned(str(text)).split())
    if len(found) > REASON:
        raise Refused(say("pick.too_long", most=REASON), place=say("pick.field_reason"))
    return found
