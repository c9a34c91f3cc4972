"""The rules of picking: what stands against a member's having a village, said in sentences.

Pure: the same answer before the tap (on what was read last) and inside the decision (on what
holds when it commits).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from geodata.edition import Edition
from geodata.ledger.places import Places, places, spelled
from geodata.ledger.written import cleaned
from geodata.words import say
from geodata.workspace import ContactPoints

Json = dict[str, Any]

PROPOSED = "proposed"
PICKED = "picked"
CONFIRMED = "confirmed"
RELEASED = "released"
DECLINED = "declined"

ACTIVE = (PICKED, CONFIRMED)
"""States that occupy a place; a proposed contact point does not."""

LEAST_REASON = 4
"""Characters of a reason for setting a rule aside."""
NEVER = frozenset({"unknown", "own"})
"""Rules that no setting allows to be set aside: nothing would be left to pick."""

_NAMES = 10
_NEAR = 3


@dataclass(frozen=True)
class Breach:
    """A rule that stands against a pick."""

    rule: str
    """unknown, own, target, taken, quota, spread, own_unit, every_district."""
    sentence: str
    """Why, with names and numbers."""
    can_override: bool
    """Whether a reason is enough to set it aside."""

    def as_dict(self) -> Json:
        """For JSON."""
        return {"rule": self.rule, "sentence": self.sentence, "can_override": self.can_override}


@dataclass(frozen=True)
class Person:
    """An account, as far as picking asks."""

    id: str
    label: str
    unit: str
    member: bool
    """Enabled, and a member: such a one has places."""


@dataclass(frozen=True)
class Pick:
    """A contact point that counts, or a proposed one."""

    id: str
    village: str
    member: str
    """Id of the account."""
    state: str
    override: str = ""
    by: str = ""
    """Id of the account that decided last."""
    created_at: str = ""
    changed_at: str = ""

    @property
    def active(self) -> bool:
        """Whether it occupies a place."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class Standing:
    """Who has what, at one moment, in the round whose villages are picked."""

    picks: tuple[Pick, ...]
    """Proposed, picked and confirmed ones, oldest first; also of accounts that are disabled."""
    people: dict[str, Person]
    """Accounts by id: all members, and whoever else is spoken of."""

    @cached_property
    def members(self) -> tuple[Person, ...]:
        """Enabled members, by label."""
        found = (one for one in self.people.values() if one.member)
        return tuple(sorted(found, key=lambda one: (one.label, one.id)))

    @cached_property
    def by_village(self) -> dict[str, tuple[Pick, ...]]:
        """Active contact points of each village that has any."""
        return _grouped((one.village, one) for one in self.picks if one.active)

    @cached_property
    def by_member(self) -> dict[str, tuple[Pick, ...]]:
        """Active contact points of each account that has any."""
        return _grouped((one.member, one) for one in self.picks if one.active)

    @cached_property
    def proposed(self) -> tuple[Pick, ...]:
        """What is proposed and not answered."""
        return tuple(one for one in self.picks if one.state == PROPOSED)

    def used(self, member: str) -> int:
        """How many places a member occupies."""
        return len(self.by_member.get(member, ()))

    def left(self, rules: ContactPoints) -> int:
        """Free places of all members together."""
        return sum(max(0, rules.per_member - self.used(one.id)) for one in self.members)

    def label(self, account: str) -> str:
        """The name behind an id; the id itself for one that there is not."""
        person = self.people.get(account)
        return person.label if person else account

    def without(self, *picks: str) -> Standing:
        """As if some contact points were not there."""
        return replace(self, picks=tuple(one for one in self.picks if one.id not in picks))

    def having(self, *picks: Pick) -> Standing:
        """As if there were more."""
        return replace(self, picks=(*self.picks, *picks))


def breaches(
    village: str,
    member: str,
    standing: Standing,
    rules: ContactPoints,
    edition: Edition,
    *,
    reader: str | None = None,
) -> tuple[Breach, ...]:
    """What stands against a member's picking a village; nothing when nothing does.

    Parameters
    ----------
    village : code of the leaf.
    member : id of the account.
    rules : of the workspace; others are for trying out.
    reader : id of the account that reads the sentences, by default the member: 您 or the name.

    Returns
    -------
    Worst first. A village that the edition does not know, and one that the member has already,
    are told alone: whatever else holds is beside the point.
    """
    found = _against(village, member, standing, rules, places(edition), reader)
    return tuple(_breach(key, rules, **words) for key, words in found)


def _against(
    village: str,
    member: str,
    standing: Standing,
    rules: ContactPoints,
    known: Places,
    reader: str | None = None,
) -> Iterator[tuple[str, Json]]:
    """Rules that stand against a pick, with the words of their sentences: one after another, for
    who only asks whether there is any.
    """
    name = known.name(village)
    person = standing.people.get(member) or Person(member, member, "", False)
    who = say("pick.you") if reader in (None, member) else person.label
    if village not in known.position:
        yield "unknown", {"code": short(village), "leaf": known.leaf_label}
        return
    holders = standing.by_village.get(village, ())
    if any(one.member == member for one in holders):
        yield "own", {"name": name, "who": who}
        return

    if rules.only_targets and not known.target[known.position[village]]:
        yield "target", {"name": name, "round": known.round.label}
    if len(holders) >= rules.members_per_village:
        key = "taken" if rules.members_per_village == 1 else "taken_shared"
        yield (
            key,
            {
                "name": name,
                "names": listed([standing.label(one.member) for one in holders]),
                "count": len(holders),
                "most": rules.members_per_village,
            },
        )
    used = standing.used(member)
    if used >= rules.per_member:
        yield "quota", {"who": who, "count": used}
    district = known.district_of(village)
    inside = [
        one
        for one in standing.by_member.get(member, ())
        if known.district_of(one.village) == district
    ]
    if rules.per_district and len(inside) >= rules.per_district:
        yield (
            "spread",
            {
                "who": who,
                "district": known.districts[district or 0][1],
                "count": len(inside),
                "level": known.district_label,
                "most": rules.per_district,
            },
        )
    unit = spelled(person.unit)
    if not rules.own_unit and unit and unit in known.units.get(village, ()):
        yield "own_unit", {"unit": unit, "name": name, "leaf": known.leaf_label}
    if rules.every_district:
        yield from _kept_places(district, member, standing, rules, known)


def unreached(standing: Standing, known: Places) -> tuple[int, ...]:
    """Districts that have villages to pick, and no contact point yet."""
    reached = {known.district_of(one.village) for one in standing.picks if one.active}
    return tuple(one for one in known.wanted_districts() if one not in reached)


def near(
    village: str, member: str, standing: Standing, edition: Edition, *, most: int = _NEAR
) -> list[Json]:
    """The nearest villages that are free and that the member could have: code, name, km.

    That the member has no place left does not count here: it is said elsewhere.
    """
    known, found = places(edition), []
    rules = known.rules.model_copy(update={"every_district": False, "per_member": 10**6})
    for code, km in known.nearest(village):
        if next(_against(code, member, standing, rules, known), None) is None:
            found.append({"code": code, "name": known.name(code), "km": round(km, 1)})
            if len(found) == most:
                break
    return found


def near_sentence(found: Sequence[Json]) -> str:
    """Where else to go, in words; "" when there is nothing."""
    if not found:
        return ""
    names = [say("pick.near_one", name=one["name"], km=one["km"]) for one in found]
    return say("pick.near", names="、".join(names))


def sentences(known: Places) -> dict[str, str]:
    """The rules that hold, each as a sentence: what the screen says beforehand."""
    rules, leaf, level = known.rules, known.leaf_label, known.district_label
    found = {"quota": say("pick.rule.quota", count=rules.per_member)}
    if rules.only_targets and known.round.target:
        found["target"] = say("pick.rule.target", round=known.round.label)
    key = "taken" if rules.members_per_village == 1 else "taken_shared"
    found["taken"] = say(f"pick.rule.{key}", leaf=leaf, count=rules.members_per_village)
    if rules.every_district and known.wanted_districts():
        found["every_district"] = say("pick.rule.every_district", level=level)
    if rules.per_district:
        found["spread"] = say("pick.rule.spread", level=level, count=rules.per_district)
    if not rules.own_unit and known.space.unit_kind:
        found["own_unit"] = say("pick.rule.own_unit", leaf=leaf)
    return found


def listed(names: Sequence[str]) -> str:
    """Names in a row: 甲、乙, and no more than ten of them."""
    shown = "、".join(names[:_NAMES])
    return shown if len(names) <= _NAMES else say("pick.list_more", names=shown)


def short(text: str) -> str:
    """A code as a sentence shows it: whoever sent a thousand characters need not read them."""
    text = cleaned(text[:80])
    return text if len(text) <= 40 else text[:40] + "……"


def _kept_places(
    district: int | None, member: str, standing: Standing, rules: ContactPoints, known: Places
) -> Iterator[tuple[str, Json]]:
    """The last places are for districts without a contact point.

    A pick in such a district is always right, even when the places cannot suffice for all.
    """
    open_ = unreached(standing, known)
    if not open_ or district in open_:
        return
    left = standing.left(rules)
    person = standing.people.get(member)
    own = person is not None and person.member and standing.used(member) < rules.per_member
    if left - own < len(open_):
        yield (
            "every_district",
            {
                "count": len(open_),
                "level": known.district_label,
                "names": listed([known.districts[one][1] for one in open_]),
                "left": left,
            },
        )


def _breach(key: str, rules: ContactPoints, **values: object) -> Breach:
    rule = "taken" if key == "taken_shared" else key
    can = rule in rules.override and rule not in NEVER
    return Breach(rule, say(f"pick.breach.{key}", **values), can)


def _grouped(pairs: Iterable[tuple[str, Pick]]) -> dict[str, tuple[Pick, ...]]:
    found: dict[str, list[Pick]] = {}
    for key, one in pairs:
        found.setdefault(key, []).append(one)
    return {key: tuple(group) for key, group in found.items()}
