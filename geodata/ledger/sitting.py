"""One decision about contact points: who makes it, by which rules, and what it comes to.

A `Sitting` is what a decision is made with; `decide` opens one where nobody else can decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from geodata.edition import Edition
from geodata.errors import UnknownName
from geodata.ledger import rules as rule
from geodata.ledger import tables
from geodata.ledger.places import places
from geodata.ledger.points import COUNTS, described, is_id, standing
from geodata.ledger.roles import Actor
from geodata.ledger.rules import Breach, Pick, Standing
from geodata.ledger.store import Decision, Ledger
from geodata.ledger.troubles import Conflict, Forbidden, Refused
from geodata.ledger.undoing import pick_of
from geodata.ledger.written import asked_for
from geodata.words import say

Json = dict[str, Any]


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


@dataclass(frozen=True)
class Sitting:
    """What a decision is made with: who makes it, over which edition, and how things stand."""

    decision: Decision
    edition: Edition
    actor: Actor
    now: Standing

    def as_if(self, now: Standing) -> Sitting:
        """The same, were things to stand otherwise."""
        return replace(self, now=now)

    def name(self, village: str) -> str:
        """What a village is called."""
        return places(self.edition).name(village)

    def has_places(self, member: str) -> None:
        """Only an enabled member has places; whoever was disabled meanwhile has none."""
        person = self.now.people.get(member)
        if person is None or not person.member:
            kind = Forbidden if member == self.actor.id else Refused
            label = person.label if person else rule.short(member)
            raise kind(say("pick.not_a_member", who=label), cure=say("pick.not_a_member_cure"))

    def own(self, one: Pick) -> None:
        """Only whose it is may go on."""
        if one.member != self.actor.id:
            raise Forbidden(
                say("pick.not_yours", name=self.name(one.village), who=self.now.label(one.member)),
                cure=say("pick.forbidden_cure"),
            )

    def found(self, name: str, *states: str) -> Pick:
        """A contact point of the round in one of some states.

        Raises
        ------
        UnknownName : there is none of that id.
        Conflict : somebody has changed it meanwhile.
        """
        one = self.any(name)
        if one.state not in states:
            raise Conflict(
                say(
                    "pick.gone",
                    name=self.name(one.village),
                    who=self.now.label(one.by),
                    state=say(f"pick.state.{one.state}"),
                ),
                cure=say("pick.no_pick_cure"),
            )
        return one

    def any(self, name: str) -> Pick:
        """A contact point of the round, whatever its state. Raises `UnknownName`."""
        row = self.decision.row(tables.pick, name) if is_id(name) else None
        if row is None or row["round"] != self.edition.space.contact_round.id:
            raise UnknownName(say("pick.no_pick"), value=name, cure=say("pick.no_pick_cure"))
        return pick_of(row)

    def hold(self, village: str, member: str, reason: str, *, skip: Set[str] = frozenset()) -> str:
        """Hold a pick against the rules; the reason that it needed, "" when it needed none.

        Raises
        ------
        Taken, Refused : as `pick`.
        """
        rules, now, edition = self.edition.space.contact_points, self.now, self.edition
        found = [
            one
            for one in rule.breaches(village, member, now, rules, edition, reader=self.actor.id)
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

    def give(
        self,
        member: str,
        village: str,
        reason: str = "",
        *,
        kind: str = "pick.picked",
        state: str = rule.PICKED,
    ) -> str:
        """Give a member a village, by the rules; id of the row, which may have been a proposal."""
        self.has_places(member)
        aside = self.hold(village, member, reason)
        for one in self.now.proposed:
            if (one.member, one.village) == (member, village):
                self.change(one, kind, aside, state=state, override=aside)
                return one.id
        return self.add(member, village, kind, state, aside)

    def propose(self, member: str, village: str) -> str:
        """Propose a village to a member, by the rules; id of the row, which may be there already.

        What only a reason would set aside is not proposed.
        """
        self.has_places(member)
        self.hold(village, member, "")
        for one in self.now.proposed:
            if (one.member, one.village) == (member, village):
                return one.id
        return self.add(member, village, "pick.proposed", rule.PROPOSED)

    def add(self, member: str, village: str, kind: str, state: str, override: str = "") -> str:
        """A new row; its id."""
        return self.decision.add(
            tables.pick,
            kind,
            override,
            round=self.edition.space.contact_round.id,
            village=village,
            member=member,
            state=state,
            override=override,
            by=self.actor.id,
        )

    def change(self, one: Pick, kind: str, reason: str = "", **values: Any) -> None:
        """Write into a row, and who did so."""
        self.decision.change(tables.pick, one.id, kind, reason, by=self.actor.id, **values)

    def answer(self, names: Sequence[str], key: str, *, undoable: bool = True) -> Json:
        """What it comes to: the contact points as they are now, and a sentence."""
        known = places(self.edition)
        query = sa.select(tables.pick).where(tables.pick.c.id.in_(names))
        rows = {row["id"]: pick_of({**row}) for row in self.decision.rows(query)}
        mine = [rows[name] for name in names]
        told = [
            described(one, self.now, known, self.actor, undoable=undoable)
            if one.state in COUNTS
            else None
            for one in mine
        ]
        return {
            "pick": told[0] if len(told) == 1 else None,
            "picks": [one for one in told if one is not None],
            "ids": list(names),
            "seq": self.decision.seq,
            "sentence": say(
                key,
                names=rule.listed([known.name(one.village) for one in mine]),
                member=self.now.label(mine[0].member) if mine else "",
                state=say(f"pick.state.{mine[0].state}") if mine else "",
                count=len(mine),
            ),
        }


def decide(
    ledger: Ledger,
    edition: Edition,
    actor: Actor,
    work: Callable[[Sitting], Json],
    *asked: Any,
    key: str,
    people: Iterable[str] = (),
) -> Json:
    """One decision; what was `asked` tells a question repeated from one whose key is reused.

    `people` are accounts that are spoken of besides members.
    """

    def inside(decision: Decision) -> Json:
        now = standing(decision, edition, *people)
        return work(Sitting(decision, edition, actor, now))

    return ledger.decide(actor, inside, key=key, asked=asked_for(*asked))


def _joined(found: Sequence[Breach]) -> str:
    return "；".join(one.sentence for one in found)
