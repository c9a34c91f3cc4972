"""Contact points: members pick villages, the office directs, and the history of it all.

Each function that decides does so in one decision: rights first, rules inside, where nobody else
can decide. `near` and `by` of a refusal say where else to go and who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from geodata.edition import Edition
from geodata.ledger import rules as rule
from geodata.ledger import tables
from geodata.ledger.points import (
    COUNTS,
    KINDS,
    described,
    history,
    history_of,
    id_of,
    needs,
    standing,
    state,
)
from geodata.ledger.roles import Actor, Right
from geodata.ledger.rules import ACTIVE, Pick
from geodata.ledger.sitting import Sitting, Taken, decide
from geodata.ledger.store import Ledger
from geodata.ledger.troubles import Forbidden, Refused
from geodata.ledger.undoing import earlier, stands, steps
from geodata.ledger.written import cleaned
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

    def work(at: Sitting) -> Json:
        return at.answer([at.give(actor.id, village, reason)], "pick.done.picked")

    return decide(ledger, edition, actor, work, "pick", village, reason, key=key)


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

    def work(at: Sitting) -> Json:
        at.has_places(actor.id)
        mine = [(actor.id, code) for code in villages]
        return _each(at, mine, Sitting.give, "pick.done.took")

    return decide(ledger, edition, actor, work, "take", *villages, key=key)


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

    def work(at: Sitting) -> Json:
        return _each(at, asked, Sitting.propose, "pick.done.proposed", undoable=False)

    people = [member for member, _ in asked]
    return decide(
        ledger, edition, actor, work, "propose", *map(list, asked), key=key, people=people
    )


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

    def work(at: Sitting) -> Json:
        given = at.give(member, village, reason, kind="pick.assigned", state=rule.CONFIRMED)
        return at.answer([given], "pick.done.assigned")

    return decide(
        ledger, edition, actor, work, "assign", member, village, reason, key=key, people=[member]
    )


def accept(
    ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, override: str = "", key: str = ""
) -> Json:
    """Accept what was proposed to oneself; the rules are checked anew."""
    needs(actor, Right.PICK)
    reason = _reason(override)

    def work(at: Sitting) -> Json:
        one = at.found(pick, rule.PROPOSED)
        at.own(one)
        given = at.give(actor.id, one.village, reason, kind="pick.accepted")
        return at.answer([given], "pick.done.accepted")

    return decide(ledger, edition, actor, work, "accept", pick, reason, key=key)


def decline(
    ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, reason: str = "", key: str = ""
) -> Json:
    """Decline what was proposed to oneself."""
    needs(actor, Right.PICK)
    why = _reason(reason)

    def work(at: Sitting) -> Json:
        one = at.found(pick, rule.PROPOSED)
        at.own(one)
        at.change(one, "pick.declined", why, state=rule.DECLINED)
        return at.answer([one.id], "pick.done.declined")

    return decide(ledger, edition, actor, work, "decline", pick, why, key=key)


def confirm(ledger: Ledger, edition: Edition, actor: Actor, pick: str, *, key: str = "") -> Json:
    """Confirm what a member picked; from then on only the office takes it back."""
    needs(actor, Right.DIRECT)

    def work(at: Sitting) -> Json:
        one = at.found(pick, rule.PICKED)
        at.change(one, "pick.confirmed", state=rule.CONFIRMED)
        return at.answer([one.id], "pick.done.confirmed")

    return decide(ledger, edition, actor, work, "confirm", pick, key=key)


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

    def work(at: Sitting) -> Json:
        direct = actor.may(Right.DIRECT)
        one = at.found(pick, *(COUNTS if direct else ACTIVE))
        if not direct:
            at.own(one)
            if one.state == rule.CONFIRMED:
                raise Forbidden(say("pick.confirmed_release", name=at.name(one.village)))
        elif one.active and len(why) < rule.LEAST_REASON:
            raise Refused(
                say("pick.release_reason", name=at.name(one.village), least=rule.LEAST_REASON),
                place=say("pick.field_reason"),
            )
        at.change(one, "pick.released", why, state=rule.RELEASED)
        return at.answer([one.id], "pick.done.released")

    return decide(ledger, edition, actor, work, "release", pick, why, key=key)


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

    def work(at: Sitting) -> Json:
        if one == other:
            raise Refused(say("pick.same_pick"))
        first, second = at.found(one, *ACTIVE), at.found(other, *ACTIVE)
        if first.member == second.member:
            raise Refused(say("pick.same_member"))
        at.has_places(first.member)
        at.has_places(second.member)
        reasons = _swapped(at, first, second, why)
        at.change(first, "pick.swapped", why, member=second.member, override=reasons[0])
        at.change(second, "pick.swapped", why, member=first.member, override=reasons[1])
        return at.answer([first.id, second.id], "pick.done.swapped")

    return decide(ledger, edition, actor, work, "swap", one, other, why, key=key)


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

    def work(at: Sitting) -> Json:
        events = steps(at.decision, pick, at.name(at.any(pick).village), actor, since)
        past = [earlier(step, at.decision.row(tables.pick, id_of(step))) for step in events]
        # First all of them go, then each comes back as it was: of a swap's two, neither stands
        # in the other's way, and districts keep what they had.
        skip = {"every_district"} if len(past) > 1 else set()
        bare = at.as_if(at.now.without(*(one.id for one in past)))
        for one in past:
            if one.active and not stands(at.now, one):
                bare.has_places(one.member)
                bare.hold(one.village, one.member, one.override, skip=skip)
            bare = bare.as_if(bare.now.having(one))
        for one in past:
            at.change(one, "pick.undone", state=one.state, member=one.member, override=one.override)
        return at.answer([one.id for one in past], "pick.done.undone", undoable=False)

    # Not `since`: who signs in again and repeats what went unanswered asks for the same.
    return decide(ledger, edition, actor, work, "undo", pick, key=key)


def _each(
    at: Sitting,
    choices: Sequence[tuple[str, str]],
    do: Callable[[Sitting, str, str], str],
    key: str,
    undoable: bool = True,
) -> Json:
    """Pick or propose one after the other; what a rule stands against is told and left out."""
    done, refused = [], []
    # What is done or proposed counts as picked for what comes after it in the same go.
    ahead = at
    for member, village in choices:
        try:
            name = do(ahead, member, village)
        except (Refused, Forbidden) as trouble:
            refused.append(
                {
                    "village": rule.short(village),
                    "name": rule.short(at.name(village)),
                    "sentence": trouble.message,
                }
            )
            continue
        done.append(name)
        made = Pick(name, village, member, rule.PICKED)
        ahead = ahead.as_if(ahead.now.without(name).having(made))
    answer = at.answer(done, key, undoable=undoable)
    sentence = say(key, count=len(done))
    if refused:
        sentence = f"{sentence}，{say('pick.refused', count=len(refused))}"
    return {**answer, "refused": refused, "sentence": sentence}


def _swapped(at: Sitting, first: Pick, second: Pick, reason: str) -> tuple[str, str]:
    """Hold an exchange against the rules, for both; the reasons that they needed.

    Districts keep what they have: that rule is not asked.
    """
    skip = {"every_district"}
    bare = at.as_if(at.now.without(first.id, second.id))
    one = bare.hold(first.village, second.member, reason, skip=skip)
    half = bare.as_if(bare.now.having(replace(first, member=second.member)))
    return one, half.hold(second.village, first.member, reason, skip=skip)


def _some(asked: Sequence[object]) -> None:
    if not 0 < len(asked) <= MOST:
        raise Refused(say("pick.nothing_chosen" if not asked else "pick.too_many", most=MOST))


def _reason(text: str) -> str:
    """A reason on one line; raises `Refused` when it is too long."""
    found = " ".join(cleaned(str(text)).split())
    if len(found) > REASON:
        raise Refused(
            say("pick.too_long", most=REASON), place=say("pick.field_reason"), field="reason"
        )
    return found
